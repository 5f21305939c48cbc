"""The news in words: what is told of a release, how, and what is told elsewhere or not at all."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from feed_samples import (
    BASE,
    COMMITMENT,
    MILESTONE,
    ORGANISATION,
    PLAN,
    POISONS,
    PROGRESS,
    RECORDS,
    REPORT,
    poisoned,
    shown,
)
from ogp_open_data.formats.happened import KINDS, Happened
from ogp_open_data.formats.news import Story, stories
from ogp_open_data.records import NOUN_OF, Commitment, Milestone, Plan, Record

UNDERWAY = replace(MILESTONE, status="underway", status_report=None, timeliness="on_time")


def change(before: Record | None, after: Record | None, **more: Any) -> Happened:
    record = after or before
    assert record is not None
    above = {"commitment": record.id if isinstance(record, Commitment) else getattr(record, "commitment", None)}
    above["plan"] = record.id if isinstance(record, Plan) else getattr(record, "plan", None)
    noun = NOUN_OF[type(record)]
    return Happened(noun=noun, id=record.id, before=before, after=after, **{**above, **more})


def told(*changes: Happened, cause: str = "import") -> list[Story]:
    found = stories(cause, changes, BASE)
    for story in found:
        assert set(story.kinds) <= set(KINDS) and story.words.title and story.words.summary
        shown(story.words.html)
    return found


def only(*changes: Happened, cause: str = "import") -> Story:
    (story,) = told(*changes, cause=cause)
    return story


def titles(*changes: Happened, cause: str = "import") -> list[str]:
    return [story.words.title for story in told(*changes, cause=cause)]


def test_a_report_with_a_completed_milestone_is_two_entries_in_words():
    changes = [change(UNDERWAY, MILESTONE), change(None, REPORT), change(None, replace(PROGRESS, status="completed"))]
    report, milestone = told(*changes)
    assert report.words.title == "Commitment 5, September to November 2017: progress report published"
    assert milestone.words.title == "Commitment 5, September to November 2017: milestone 2 completed"
    assert (report.kinds, milestone.kinds) == (["published"], ["completed"])
    assert "Milestone 2: Completed (before: Underway)" in shown(report.words.html)
    assert "What have we been doing?" in shown(report.words.html) and "<li>One a" in report.words.html
    assert milestone.words.summary == "Status: Completed (before: Underway). Settle how progress is told."


def test_a_report_that_only_repeats_is_one_entry():
    lines = [change(None, replace(PROGRESS, id=f"l{n}", number=str(n))) for n in range(1, 6)]
    story = only(change(None, REPORT), *lines, change(COMMITMENT, replace(COMMITMENT, latest_report=REPORT.id)))
    assert story.id == REPORT.id
    assert shown(story.words.html).count(": Delayed") == 5


STEPS = [
    ({"status": "delayed"}, {}, "milestone 2 delayed", ["delayed"]),
    ({"status": "not_started"}, {}, "milestone 2 went back from Underway to Not started", ["went-back"]),
    ({"status": "withdrawn"}, {}, "milestone 2 dropped by its agency", ["dropped"]),
    ({"status": "not_applicable"}, {}, "milestone 2 no longer applicable", ["dropped"]),
    ({}, {"status": "not_started"}, "milestone 2 underway", ["started"]),
    ({}, {"status": "delayed"}, "milestone 2 underway again", ["started"]),
    ({"status": "delayed"}, {"status": "completed"}, "milestone 2 went back from Completed to Delayed", ["went-back"]),
    ({"status": "on_hold"}, {}, "milestone 2 has the status “On hold”", ["changed"]),
    (
        {"ends": "2018-12", "due_on": "2018-12-31"},
        {},
        "milestone 2 slipped from 30 June 2018 to December 2018",
        ["slipped"],
    ),
    (
        {"ends": "2018-02", "due_on": "2018-02-28"},
        {},
        "milestone 2 brought forward from 30 June 2018 to February 2018",
        ["brought-forward"],
    ),
    (
        {"status": "delayed", "ends": "2018-12", "due_on": "2018-12-31"},
        {},
        "milestone 2 delayed, slipped from 30 June 2018 to December 2018",
        ["delayed", "slipped"],
    ),
    ({"ends": None, "due_on": None, "ongoing": True}, {}, "milestone 2 has no end date any more", ["changed"]),
    ({"number": "3"}, {}, "milestone 3 has another number, it was 2", ["changed"]),
]


def changed(record: Milestone, fields: dict[str, Any]) -> Milestone:
    days = {"due_on": date.fromisoformat(fields["due_on"])} if fields.get("due_on") else {}
    return replace(record, **{**fields, **days})


@pytest.mark.parametrize(("now", "then", "title", "kinds"), STEPS, ids=[step[2] for step in STEPS])
def test_step_of_a_milestone_is_told(now: dict[str, Any], then: dict[str, Any], title: str, kinds: list[str]):
    story = only(change(changed(UNDERWAY, then), changed(UNDERWAY, now)))
    assert (story.words.title, story.kinds) == (f"Commitment 5: {title}", kinds)


@pytest.mark.parametrize(
    "now", [{"status": "underway"}, {"text": "Another wording"}, {"times_slipped": 4}, {"ends": "2018-06"}]
)
def test_what_is_no_step_is_not_told(now: dict[str, Any]):
    before = replace(UNDERWAY, status="unknown") if "status" in now else UNDERWAY
    assert told(change(before, changed(before, now))) == []


def test_what_the_day_alone_did_is_told_once():
    soon = replace(UNDERWAY, timeliness="due_soon")
    late = replace(UNDERWAY, timeliness="overdue")
    assert titles(change(UNDERWAY, soon, change_kind="time"), cause="daily") == [
        "Commitment 5: milestone 2 is due 30 June 2018"
    ]
    assert only(change(soon, late, change_kind="time"), cause="daily").kinds == ["overdue"]
    assert told(change(replace(UNDERWAY, timeliness="unknown"), late)) == []


def test_a_plan_with_its_commitments_does_not_tell_each_milestone():
    new = [change(None, one) for one in (MILESTONE, COMMITMENT, PLAN)]
    assert titles(*new, change(None, ORGANISATION)) == [
        "Agency published: Public Service Commission",
        "Plan published: Second plan",
        "Commitment 5 published: Ongoing engagement for OGP",
    ]
    assert "Milestone 2: Settle how progress is told." in shown(told(*new)[1].words.html)


def test_organisations_that_come_together_are_one_entry():
    other = replace(ORGANISATION, id="nz-dia", name="Internal Affairs")
    story = only(change(None, ORGANISATION), change(None, other))
    assert story.words.title == "2 agencies published: Public Service Commission, Internal Affairs"
    assert (story.id, len(story.about)) == ("organisations", 2)


def test_a_milestone_that_comes_later_is_told():
    assert titles(change(None, MILESTONE)) == ["Commitment 5: milestone 2 published"]


def test_commitment_that_was_completed_or_changed_hands_is_told():
    done = replace(COMMITMENT, status="completed", milestones_completed=3)
    assert titles(change(COMMITMENT, done)) == ["Commitment 5 completed, with all 3 milestones"]
    other = replace(COMMITMENT, lead_organisations=["nz-dia"], leads_raw="Internal Affairs", ends="2019")
    story = only(change(COMMITMENT, other))
    assert story.words.title == "Commitment 5 now led by Internal Affairs, slipped from June 2018 to 2019"
    assert "Led before by The State Services Commission (SSC)." in shown(story.words.html)
    assert story.kinds == ["changed", "slipped"]


def test_withdrawn_report_is_told_once_with_its_reason_and_nothing_of_what_it_said():
    gone = [change(REPORT, None, reason="sent by mistake"), change(PROGRESS, None, reason="sent by mistake")]
    report, milestone = told(*gone, change(MILESTONE, UNDERWAY), cause="withdrawal")
    assert report.words.title == "Commitment 5, September to November 2017: progress report withdrawn"
    assert report.words.html == "<p>Reason: sent by mistake</p>"
    assert milestone.words.title == "Commitment 5: milestone 2 corrected: status Underway, not Completed"
    assert milestone.kinds == ["corrected"] and milestone.words.summary.startswith("Sent by mistake. ")


def test_restored_report_is_told_whole():
    story = only(change(None, REPORT, again=True, reason="right after all"), cause="restoration")
    assert (story.kinds, story.words.summary.startswith("Right after all.")) == (["restored"], True)
    assert "What have we been doing?" in shown(story.words.html)


def test_commitment_that_goes_takes_its_entries_along():
    gone = [change(one, None, reason="never was") for one in (COMMITMENT, MILESTONE, REPORT, PROGRESS)]
    assert titles(*gone, cause="withdrawal") == ["Commitment 5 withdrawn: Ongoing engagement for OGP"]


def test_corrected_report_says_what_was_told_wrongly():
    line = change(PROGRESS, replace(PROGRESS, status="completed"), change_kind="correction", reason="misread")
    other = replace(REPORT, objective="Another", findings=[])
    fields = ["objective", "findings", "source"]
    story = only(change(REPORT, other, change_kind="correction", changed_fields=fields), line)
    assert story.kinds == ["corrected"]
    text = shown(story.words.html)
    assert text.startswith(
        "Reason: misreadWhat changed: objective.What was correctedMilestone 2: Completed (before: Delayed)"
    )


def test_corrected_line_is_told_where_its_report_is_not():
    line = change(
        PROGRESS, replace(PROGRESS, text="Right"), change_kind="correction", changed_fields=["text"], reason="r"
    )
    assert titles(line, cause="correction") == [
        "Commitment 5, September to November 2017: what the report says of milestone 2 corrected"
    ]


def test_merger_is_one_entry_however_many_records_name_the_other():
    merged = change(ORGANISATION, None, successor="nz-dia", reason="merged into nz-dia: one office")
    named = [
        change(
            COMMITMENT,
            replace(COMMITMENT, lead_organisations=["nz-dia"]),
            change_kind="correction",
            reason="one office",
        ),
        change(REPORT, replace(REPORT, organisations=["nz-dia"]), change_kind="correction", reason="one office"),
    ]
    story = only(merged, *named, cause="merger")
    assert story.words.title == "Agency merged into nz-dia: Public Service Commission"
    assert "one office" in story.words.summary


def test_redaction_is_told_with_the_record_as_it_is_now():
    marked = replace(REPORT, objective="[redacted]")
    story = only(
        change(marked, marked, change_kind="redaction", changed_fields=["objective"], reason="a name"), cause="redact"
    )
    assert story.words.title == "Commitment 5, September to November 2017: progress report redacted"
    assert shown(story.words.html).startswith("Reason: a nameWhat changed: objective.") and story.kinds == ["redacted"]


def test_another_shape_of_records_is_no_news():
    assert told(*(change(record, record, change_kind="schema") for record in RECORDS), cause="schema") == []


@pytest.mark.parametrize("poison", POISONS)
def test_poison_in_any_field_breaks_no_news(poison: str):
    bad = [poisoned(record, f"a{poison}b") for record in RECORDS]
    for before, after in [(None, bad), (RECORDS, bad), (bad, None)]:
        changes = [
            change(before and before[n], after and after[n], change_kind="correction", reason=poison, successor=None)
            for n in range(len(RECORDS))
        ]
        assert told(*changes)


def test_record_that_has_no_words_is_told_by_its_id(capsys: pytest.CaptureFixture[str]):
    bad = replace(MILESTONE, ends="2018-13")
    assert titles(change(None, bad), change(None, PLAN)) == ["Plan published: Second plan", bad.id]
    assert '"event":"feed.entry.skipped"' in capsys.readouterr().err


def test_records_of_one_commitment_stand_together():
    other = replace(COMMITMENT, id="nz-nap2-c6", number="6")
    step = replace(UNDERWAY, id="nz-nap2-c6-m1", commitment=other.id, number="1")
    changes = [change(None, REPORT), change(None, replace(REPORT, id="x", commitment=other.id))]
    steps = [change(replace(UNDERWAY, status="not_started"), UNDERWAY), change(replace(step, status="delayed"), step)]
    order = [story.about[0].commitment for story in told(*steps, *changes)]
    assert order == ["nz-nap2-c5"] * 2 + ["nz-nap2-c6"] * 2
