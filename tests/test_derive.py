"""Milestones and commitments are a pure function of the plan's facts and the live progress lines."""

import random
from datetime import date

import pytest

from ogp_open_data.intake.deciding import derive
from ogp_open_data.records import Commitment, Milestone, Progress, Report

ON = date(2018, 3, 1)


def ground(**given: object) -> Milestone:
    first = {"id": "nz-a-c1-m1", "url": "/v1/milestones/nz-a-c1-m1", "version": 1, "release": 1}
    return Milestone(**{**first, "commitment": "nz-a-c1", "plan": "nz-a", "number": "1", **given})


def line(end: str, **given: object) -> Progress:
    day = date.fromisoformat(end)
    report = f"nz-a-c1-r{day:%Y-%m}"
    names = {"id": f"{report}-m1", "url": f"/v1/progress/{report}-m1", "version": 1, "release": 1, "report": report}
    about = {"milestone": "nz-a-c1-m1", "commitment": "nz-a-c1", "plan": "nz-a", "period_end": day, "number": "1"}
    return Progress(**{**names, **about, **given})


def test_late_report_never_overwrites_what_a_later_period_says() -> None:
    early = line("2017-08-31", status="underway", status_raw="Underway", ends="2018-01", ends_raw="January 2018")
    late = line("2017-11-30", status="completed", status_raw="Completed", ends="2018-06", ends_raw="June 2018")
    one = derive.milestone(ground(), [late, early], ON)
    assert (one.status, one.ends, one.status_report) == ("completed", "2018-06", "nz-a-c1-r2017-11")


def test_order_of_lines_does_not_matter() -> None:
    lines = [
        line("2017-05-31", status="underway", status_raw="Underway", ends="2017-12"),
        line("2017-08-31", status="delayed", status_raw="some delays", ends="2018-03", text="b"),
        line("2017-11-30", status="underway", status_raw="Underway", number="2"),
        line("2018-02-28", status="underway", status_raw="underway", text="c"),
    ]
    expected = derive.milestone(ground(), lines, ON)
    for seed in range(20):
        random.Random(seed).shuffle(lines)
        assert derive.milestone(ground(), lines, ON) == expected


def test_missing_end_never_erases_a_known_one() -> None:
    lines = [line("2017-08-31", ends="2018-06", ends_raw="June 2018"), line("2017-11-30")]
    assert derive.milestone(ground(), lines, ON).ends == "2018-06"
    assert derive.milestone(ground(ends="2018-05"), [line("2017-11-30")], ON).ends == "2018-05"


def test_end_that_moves_later_is_a_slip_and_one_that_comes_back_is_not() -> None:
    lines = [line("2017-05-31", ends="2019-06"), line("2017-08-31", ends="2019-09"), line("2017-11-30", ends="2021-06")]
    lines.append(line("2018-02-28", ends="2019-09"))
    one = derive.milestone(ground(), lines, ON)
    assert (one.times_slipped, one.ends_original, one.ends) == (2, "2019-06", "2019-09")
    assert one.due_on == date(2019, 9, 30)


def test_report_that_only_repeats_leaves_the_milestone_untouched() -> None:
    first = line("2017-08-31", status="completed", status_raw="Completed", ends="2018-06", ends_raw="June 2018")
    again = line("2017-11-30", status="completed", status_raw="completed", ends="2018-06", ends_raw="June 2018.")
    assert derive.milestone(ground(), [first, again], ON) == derive.milestone(ground(), [first], ON)


def test_status_that_goes_back_begins_a_new_run() -> None:
    lines = [
        line("2019-06-30", status="completed", status_raw="Completed"),
        line("2019-12-31", status="underway", status_raw="Underway"),
        line("2020-12-31", status="completed", status_raw="completed"),
    ]
    one = derive.milestone(ground(), lines, ON)
    assert (one.status_report, one.status_since) == ("nz-a-c1-r2020-12", date(2020, 12, 31))


@pytest.mark.parametrize(
    ("status", "due", "expected"),
    [
        ("underway", date(2018, 2, 28), "overdue"),
        ("underway", date(2018, 3, 1), "due_soon"),
        ("underway", date(2018, 3, 31), "due_soon"),
        ("underway", date(2018, 4, 1), "on_time"),
        ("underway", None, "unknown"),
        ("completed", date(2018, 2, 28), "done"),
        ("withdrawn", date(2018, 2, 28), "done"),
        ("not_applicable", None, "done"),
        ("unknown", date(2018, 2, 28), "overdue"),
    ],
)
def test_timeliness_is_decided_by_the_day_of_the_release(status: str, due: date | None, expected: str) -> None:
    assert derive.timeliness(status, due, ON) == expected


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], None),
        (["completed", "completed"], "completed"),
        (["completed", "withdrawn"], "completed"),
        (["completed", "delayed", "underway"], "delayed"),
        (["completed", "not_started"], "underway"),
        (["completed", "unknown"], "underway"),
        (["not_started", "not_started"], "not_started"),
        (["unknown"], "unknown"),
        (["withdrawn", "not_applicable"], "withdrawn"),
        (["not_applicable"], "not_applicable"),
    ],
)
def test_status_of_a_commitment_follows_the_rule_of_words_md(statuses: list[str], expected: str | None) -> None:
    assert derive.status(statuses) == expected


def test_commitment_takes_the_worst_timeliness_and_the_latest_lead() -> None:
    base = {"version": 1, "release": 1, "plan": "nz-a"}
    about = Commitment(id="nz-a-c1", url="/v1/commitments/nz-a-c1", number="1", title="Plan's title", **base)
    reports = [
        Report(
            id=f"nz-a-c1-r{end:%Y-%m}",
            url=f"/v1/reports/nz-a-c1-r{end:%Y-%m}",
            commitment="nz-a-c1",
            kind="progress",
            title=None,
            period_raw=None,
            period_start=None,
            period_end=end,
            organisations=[lead],
            leads_raw=lead,
            commitment_title="Printed",
            objective=f"objective of {lead}",
            **base,
        )
        for end, lead in [(date(2017, 11, 30), "nz-stats"), (date(2017, 8, 31), "nz-linz")]
    ]
    milestones = [
        ground(timeliness="on_time"),
        ground(timeliness="overdue", status="underway"),
        ground(timeliness="done"),
    ]
    one = derive.commitment(about, milestones, reports)
    assert (one.timeliness, one.lead_organisations, one.title) == ("overdue", ["nz-stats"], "Plan's title")
    assert (one.objective, one.latest_report, one.milestones_total) == ("objective of nz-stats", "nz-a-c1-r2017-11", 3)
