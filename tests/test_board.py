"""What the pages say is worked out without a database: bars, tables of periods, changes in words, marked passages."""

from datetime import date

import msgspec
import pytest
from msgspec.structs import replace

from ogp_open_data.records import Commitment, Milestone, Progress, Record, Report, Section
from ogp_open_data.store.board import Changed, Period
from ogp_open_data.web.board import excerpts, telling, timeline, words

STAMP = {"url": "/v1/x/x", "version": 1, "release": 1}
COMMITMENT = Commitment(id="nz-nap2-c5", plan="nz-nap2", number="5", title="Ongoing engagement", **STAMP)
MILESTONE = Milestone(
    id="nz-nap2-c5-m2", commitment="nz-nap2-c5", plan="nz-nap2", number="2", text="Settle how to report", **STAMP
)
REPORT = Report(
    id="nz-nap2-c5-r2017-09-2017-11",
    commitment="nz-nap2-c5",
    plan="nz-nap2",
    kind="progress",
    title=None,
    period_raw=None,
    period_start=date(2017, 9, 1),
    period_end=date(2017, 11, 30),
    sections=[Section("done", "What have we been doing?", [], [])],
    **STAMP,
)


def line(milestone: str, end: date, status: str, report: str = "r1", start: date | None = None) -> Progress:
    return Progress(
        id=f"{report}-{milestone}",
        report=report,
        milestone=milestone,
        commitment="nz-nap2-c5",
        plan="nz-nap2",
        period_start=start,
        period_end=end,
        number="2",
        status=status,
        **STAMP,
    )


def change(record: Record, before: Record | None, *fields: str, gone: bool = False) -> Changed:
    noun = record.url.split("/")[2]
    doc, was = (msgspec.json.encode(one).decode() if one else None for one in (record, before))
    return Changed(noun, record.id, 7, None if gone else doc, was, list(fields), "data", "a reason" if gone else None)


def test_parts_of_a_bar_fill_it_in_the_order_of_progress() -> None:
    parts = timeline.parts(["delayed", "completed", "underway", "completed"])
    assert [(part.status, part.count) for part in parts] == [("completed", 2), ("underway", 1), ("delayed", 1)]
    assert [part.x for part in parts] == [0, 50, 75]
    assert sum(part.width for part in timeline.parts(["completed"] * 2 + ["unknown"])) == pytest.approx(100, abs=0.01)
    assert timeline.parts([]) == []


def test_status_that_we_do_not_know_counts_as_unknown() -> None:
    assert [(part.status, part.count) for part in timeline.parts({"paused": 2, "unknown": 1})] == [("unknown", 3)]


def test_table_tells_no_report_from_a_report_without_milestones() -> None:
    first, second = date(2017, 8, 31), date(2017, 11, 30)
    stated = [
        Period("nz-nap2-c5", first, None, 1),
        Period("nz-nap2-c5", second, None, 1),
        Period("nz-nap2-c5", second, "completed", 2),
    ]
    other = replace(COMMITMENT, id="nz-nap2-c6", number="6")
    ends, rows = timeline.table([COMMITMENT, other], stated)
    assert ends == [first, second]
    assert [(cell.reported, len(cell.parts)) for cell in rows[0].cells] == [(True, 0), (True, 1)]
    assert [cell.reported for cell in rows[1].cells] == [False, False]
    assert timeline.totals(rows, ends) == [{}, {"completed": 2}]


def test_later_begun_report_counts_where_two_end_together() -> None:
    end = date(2019, 4, 30)
    lines = [
        line(MILESTONE.id, end, "completed", "r2", date(2019, 1, 1)),
        line(MILESTONE.id, end, "underway", "r1", date(2018, 6, 1)),
    ]
    _, rows = timeline.by_milestone([MILESTONE], lines)
    assert [one.status if one else None for one in rows[0][1]] == ["completed"]


def test_change_of_a_status_is_told_with_what_it_was() -> None:
    before = replace(MILESTONE, url="/v1/milestones/m", status="underway", status_raw="Underway")
    after = replace(before, status="completed", status_raw="Completed", version=2)
    (told,) = telling.told([change(after, before, "status", "status_raw", "status_since")])
    assert (told.kind, told.title, told.path) == ("changed", "Commitment 5, milestone 2", "/milestones/m")
    assert told.steps == [telling.Step("status", "underway", "completed")]
    assert told.others == []


def test_what_only_follows_from_another_change_is_not_told() -> None:
    before = replace(COMMITMENT, url="/v1/commitments/nz-nap2-c5")
    after = replace(before, milestones_completed=1, latest_report="r", version=2)
    assert telling.told([change(after, before, "milestones_completed", "latest_report")]) == []
    assert telling.told([change(replace(line("m", date(2017, 11, 30), "completed"), url="/v1/progress/x"), None)]) == []


def test_withdrawn_record_leads_to_what_it_was_the_release_before() -> None:
    report = replace(REPORT, url="/v1/reports/r")
    (told,) = telling.told([change(report, report, gone=True)])
    assert (told.kind, told.path, told.reason) == ("withdrawn", "/reports/r?as_of=6", "a reason")


def test_changes_stand_under_their_commitments_in_natural_order() -> None:
    tenth = replace(COMMITMENT, id="nz-nap2-c10", number="10", url="/v1/commitments/nz-nap2-c10")
    second = replace(COMMITMENT, id="nz-nap2-c2", number="2", url="/v1/commitments/nz-nap2-c2")
    of_second = replace(REPORT, commitment=second.id, url="/v1/reports/r")
    told = telling.told([change(tenth, None), change(of_second, None)])
    groups = telling.by_commitment(told, {tenth.id: tenth, second.id: second})
    assert [group.title for group in groups] == [
        "Commitment 2: Ongoing engagement",
        "Commitment 10: Ongoing engagement",
    ]
    assert [one.title for one in groups[1].changes] == ["The commitment as a whole"]


def test_excerpt_marks_words_whatever_their_macrons_and_endings() -> None:
    record = replace(COMMITMENT, title="Other", objective="Whakaaro from Māori communities, and reports of <b>them</b>")
    found = excerpts.excerpt(record, excerpts.stems("MAORI reporting"))
    assert found == (
        "Whakaaro from <mark>Māori</mark> communities, and <mark>reports</mark> of &lt;b&gt;them&lt;/b&gt;"
    )
    assert excerpts.excerpt(record, excerpts.stems("nothing")) is None


def test_excerpt_of_a_long_text_begins_near_the_word() -> None:
    record = replace(COMMITMENT, title=None, objective=f"{'word ' * 100}needle{' word' * 100}")
    found = excerpts.excerpt(record, excerpts.stems("needle"))
    assert found is not None and found.startswith("… ") and found.endswith(" …")
    assert "<mark>needle</mark>" in found and len(found) < 280


def test_addresses_in_a_narrative_are_links_and_nothing_else_is() -> None:
    text = 'See https://ogp.example.nz/a?b=1&c=2, or javascript:alert(1) and <a href="x">x</a>.'
    assert words.linked(text) == (
        'See <a href="https://ogp.example.nz/a?b=1&amp;c=2" rel="nofollow">https://ogp.example.nz/a?b=1&amp;c=2</a>, '
        "or javascript:alert(1) and &lt;a href=&#34;x&#34;&gt;x&lt;/a&gt;."
    )
