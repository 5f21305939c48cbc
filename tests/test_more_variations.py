"""Layouts that no shared sample has: lost colons, tables, other orders, further words for periods, statuses, headings."""

import re
import time

import pytest

from ogp_open_data.intake.reading import from_html, vocabulary
from ogp_open_data.intake.reading.drafts import Draft, MilestoneDraft, PlanDraft, ReportDraft
from ogp_open_data.intake.reading.from_text import blocks
from ogp_open_data.intake.reading.report import read_report
from ogp_open_data.intake.reading.statuses import read_status

KNOWN = vocabulary.load()
TITLE = "Commitment 5 progress report: Sep – Nov 2017\n"
HEAD = f"{TITLE}Date: September to November 2017\nCommitment 5: Talk\nLead agency: DIA\n"
FIELDS = "Objective: To talk.\nAmbition: All talk.\nOGP values: Transparency\n"
MILESTONE = "Milestone 1\nTalk\nStart/End dates: May 2017 – July 2018\nProgress: Underway\n"
ENDS = "What’s next?\n  • Go on.\n"
PLAN = "Commitment 4: Track\nObjective: To track.\nLead agency: Stats NZ\nTimeline: October 2016 – June 2018\n"
WHOLE = f"{HEAD}{FIELDS}Milestones\n{MILESTONE}{ENDS}"


def read(text: str) -> Draft:
    return read_report(blocks(text), KNOWN)


def report_of(text: str) -> ReportDraft:
    draft = read(text)
    assert draft.kind == "report", draft.reason
    return draft.reports[0]


def codes(report: ReportDraft | PlanDraft) -> set[str]:
    return {finding.code for finding in report.findings}


def milestones_of(text: str) -> list[MilestoneDraft]:
    return report_of(f"{HEAD}{text}\n{ENDS}").milestones


def sides(one: MilestoneDraft) -> tuple[str | None, str | None, bool]:
    return one.start, one.end, one.ongoing


def without_words(report: ReportDraft) -> list[object]:
    """What a change of layout must not change."""
    return [
        (report.title, report.commitment_number, report.commitment_title, report.period_raw, report.leads),
        (report.objective, report.ambition, report.ogp_values_raw),
        [(one.number, one.text, one.start_raw, one.end_raw, one.status_raw) for one in report.milestones],
        report.sections,
        codes(report),
    ]


LABEL = re.compile(r"^(Date|Lead agency|Objective|Ambition|OGP values|Start/End dates|Progress):", re.MULTILINE)


@pytest.mark.parametrize("label", [r"\1", r"\1 –", r"\1 - ", r"**\1:**", r"**\1**:", r"__\1:__", r"\1 :", r"\1:\n\n"])
def test_a_label_is_known_without_its_colon_in_bold_and_alone(label: str):
    assert without_words(report_of(LABEL.sub(label, WHOLE))) == without_words(report_of(WHOLE))


@pytest.mark.parametrize("heading", [r"## \1", r"### \1 ###", r"**\1**"])
def test_the_marks_of_markdown_in_pasted_text_are_no_part_of_it(heading: str):
    marked = re.sub(r"^(What.*|Milestones?.*|Commitment 5.*)$", heading, WHOLE, flags=re.MULTILINE)
    assert without_words(report_of(marked)) == without_words(report_of(WHOLE))


@pytest.mark.parametrize(
    "text",
    [
        "Objectives of others matter.",
        "Ambition is good.",
        "Lead agencies met.",
        "Date palms grow.",
        "Update to 3 agencies: done.",
        "Start with a plan.",
        "Progress is slow.",
    ],
)
def test_a_sentence_that_begins_like_a_label_is_none(text: str):
    report = report_of(f"{TITLE}Date: June 2018\nCommitment 5: Talk\nLead agency: DIA\n{text}\n{MILESTONE}{ENDS}")
    assert (report.objective, report.leads, len(report.milestones)) == (text, ["DIA"], 1)


@pytest.mark.parametrize(
    "label", ["Milestone 1)", "Milestone No. 1:", "Milestone no 1 –", "Milestone #1", "Milestone 1 –"]
)
def test_more_milestone_labels_are_read(label: str):
    (one,) = milestones_of(f"{label} Talk\nProgress: Underway")
    assert (one.number, one.text, one.status) == ("1", "Talk", "underway")


@pytest.mark.parametrize(
    ("line", "start", "end"),
    [
        ("Progress report for the period: May – June 2020", "2020-05-01", "2020-06-30"),
        ("Progress report for the quarter July – September 2020", "2020-07-01", "2020-09-30"),
        ("Progress report for: October, November and December 2020", "2020-10-01", "2020-12-31"),
        ("Progress report for: May & June 2019", "2019-05-01", "2019-06-30"),
        ("Progress report for: May and June 2019", "2019-05-01", "2019-06-30"),
        ("Progress report - November – December 2020", "2020-11-01", "2020-12-31"),
        ("Progress update: June 2019", "2019-06-01", "2019-06-30"),
        ("Report for: July 2019 – September 2019", "2019-07-01", "2019-09-30"),
        ("Progress report to – 30 June 2019", None, "2019-06-30"),
        ("Progress report as at: 31 December 2020", None, "2020-12-31"),
        ("Updated as at May 2022", None, "2022-05-31"),
        ("Update at May 2022", None, "2022-05-31"),
        ("Progress report for: period ending 30 June 2019", None, "2019-06-30"),
        ("Progress report for: September 2019 quarter", None, "2019-09-30"),
    ],
)
def test_more_period_lines_are_read(line: str, start: str | None, end: str):
    report = report_of(f"{line}\nCommitment 5: Talk\nLead agency: DIA\n{ENDS}")
    assert (report.period_start and report.period_start.isoformat(), str(report.period_end)) == (start, end)
    assert ("period_end_only" in codes(report)) == (start is None)


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Commitment 5: Progress report: Sep – Nov 2017", "5"),
        ("Commitment 5 self-assessment report", "5"),
        ("Commitment 5 end of term self-assessment report", "5"),
    ],
)
def test_more_titles_are_read(title: str, number: str):
    report = report_of(HEAD.replace(TITLE.strip(), title) + ENDS)
    assert (report.title, report.commitment_number, report.commitment_title) == (title, number, "Talk")


@pytest.mark.parametrize("line", ["Commitment #5: Talk", "Commitment No. 5 – Talk", "Commitment 5\n\nTalk"])
def test_more_commitment_lines_are_read(line: str):
    report = report_of(f"Date: June 2018\n{line}\nObjective: To talk.\n{MILESTONE}{ENDS}")
    assert (report.commitment_number, report.commitment_title) == ("5", "Talk")


@pytest.mark.parametrize(
    ("dates", "start", "end", "ongoing"),
    [
        ("October 2018\u2011December 2018", "2018-10", "2018-12", False),
        ("June 2020 – On\u2011going", "2020-06", None, True),
        ("July 2019 –", "2019-07", None, False),
        ("From October 2018", "2018-10", None, False),
        ("– June 2019", None, "2019-06", False),
        ("June\u00a02020\u00a0-\u00a0On-going", "2020-06", None, True),
    ],
)
def test_dates_with_other_hyphens_and_of_one_side_are_read(
    dates: str, start: str | None, end: str | None, ongoing: bool
):
    (one,) = milestones_of(f"Milestone 1\nTalk\nStart/End dates: {dates}\nProgress: Underway")
    assert sides(one) == (start, end, ongoing)


def test_a_start_that_can_be_read_in_two_orders_is_no_event():
    report = report_of(f"{HEAD}Milestone 1\nTalk\nStart/End dates: 01/09/2017 - 30/11/2018\nProgress: Underway\n{ENDS}")
    assert {"date_ambiguous"} == codes(report)


def test_an_event_under_the_label_of_the_start_is_kept():
    text = "Milestone 1\nTalk\nStart date:\n\nFollowing the return of the first bird\n\nEnd date:\n\nJune 2019\nProgress: Underway"
    report = report_of(f"{HEAD}{text}\n{ENDS}")
    (one,) = report.milestones
    assert (one.text, one.start_raw, one.end) == ("Talk", "Following the return of the first bird", "2019-06")
    assert "start_event" in codes(report)


def test_no_break_spaces_change_nothing():
    text = f"{HEAD}Milestone 1\nTalk\nStart/End dates: No longer applicable\nProgress: NA\n{ENDS}"
    (one,) = report_of(text.replace("longer appl", "longer\u00a0appl")).milestones
    assert (one.status, one.end_raw) == ("withdrawn", "No longer\u00a0applicable")


@pytest.mark.parametrize(
    "line",
    [
        f"update to{' ' * 200_000}x",
        f"# x{'#' * 200_000}y",
        f"**{'_ ' * 100_000}",
        f"Progress {' ' * 200_000}",
        f"Milestone 1 Publish{' -' * 100_000}x",
        f"Start date{' ' * 200_000}x",
    ],
)
def test_a_hostile_line_is_read_in_a_moment(line: str):
    began = time.perf_counter()
    for text in (f"{HEAD}{line}\n{MILESTONE}{ENDS}", f"{PLAN}Milestones\n  • {line}\n"):
        read(text)
    assert time.perf_counter() - began < 5


def test_a_footnote_inside_a_milestone_does_not_end_it():
    report = report_of(f"{HEAD}Milestone 1\nTalk[1]\n[1] To all.\nEnd date: June 2018\nProgress: Underway\n{ENDS}")
    (one,) = report.milestones
    assert (one.text, one.end, one.status) == ("Talk[1]", "2018-06", "underway")
    assert codes(report) == {"footnote"}


def test_dates_and_status_may_stand_on_the_line_of_the_number():
    (one,) = milestones_of("Milestone 1 Start/End dates: May 2017 – July 2018 Progress: Underway\nTalk")
    assert (one.text, *sides(one), one.status) == ("Talk", "2017-05", "2018-07", False, "underway")


def test_a_status_alone_on_its_line_is_the_milestones():
    report = report_of(f"{HEAD}Milestone 1\nTalk\nCompleted\n{ENDS}")
    assert (report.milestones[0].text, report.milestones[0].status) == ("Talk", "completed")
    assert codes(report) == {"label_missing"}


def test_a_range_alone_on_its_line_is_the_milestones_dates():
    report = report_of(f"{HEAD}Milestone 1\nTalk\n1 May 2017 – 30 July 2018\nProgress: Underway\n{ENDS}")
    assert (report.milestones[0].text, *sides(report.milestones[0])) == ("Talk", "2017-05-01", "2018-07-30", False)
    assert "label_missing" in codes(report)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("Completed June 2018", "completed"),
        ("Completed – June 2018", "completed"),
        ("Some delays due to COVID-19", "delayed"),
        ("N/A – scheduled to start in April 2019", "not_started"),
        ("Underway. We met in June.", "underway"),
        ("Underway; some delays", "unknown"),
        ("Underway. Completed", "unknown"),
        ("Underway - see below", "underway"),
        ("Underway - delayed by the flood", "unknown"),
        ("Completed by nobody", "unknown"),
    ],
)
def test_a_status_with_its_note_is_read_and_a_contradiction_is_not(raw: str, status: str):
    assert read_status(raw, KNOWN.words)[0] == status


@pytest.mark.parametrize("heading", ["Milestones", None, "Milestone"])
def test_milestones_after_the_narrative_are_read(heading: str | None):
    text = f"{HEAD}What have we been doing?\n  • Work.\n{ENDS}{heading + chr(10) if heading == 'Milestones' else ''}{MILESTONE}"
    report = report_of(text)
    assert [(one.number, one.text, one.status) for one in report.milestones] == [("1", "Talk", "underway")]
    assert [section.kind for section in report.sections] == ["done", "next"]


def test_progress_that_the_narrative_tells_of_makes_no_milestones():
    text = "What have we been doing?\nMilestone 2\n  • More.\nProgress: good progress has been made on all of this\n"
    assert report_of(f"{HEAD}{text}{ENDS}").milestones == []


def test_the_commitment_may_stand_under_its_lead():
    report = report_of(f"{TITLE}Lead agency: DIA\nCommitment 5: Talk\nObjective: To talk.\n{MILESTONE}{ENDS}")
    assert (report.commitment_title, report.leads, report.objective) == ("Talk", ["DIA"], "To talk.")


def test_numbered_lines_with_a_status_are_milestones_without_their_heading():
    text = "1. 1. Talk\nProgress: Underway\n2. 2. Write\nEnd date: June 2018\nProgress: completed"
    assert [(one.number, one.text) for one in milestones_of(text)] == [("1", "Talk"), ("2", "Write")]
    objective = report_of(f"{HEAD}To:\n1. talk\n2. write\n{MILESTONE}{ENDS}")
    assert (objective.objective, len(objective.milestones)) == ("To:\n1. talk\n2. write", 1)


def test_a_short_line_after_the_last_status_opens_a_section():
    report = report_of(f"{HEAD}{MILESTONE}Highlights\n  • A prize.\n{ENDS}")
    assert [(one.kind, one.heading, len(one.items)) for one in report.sections] == [
        ("other", "Highlights", 1),
        ("next", "What’s next?", 1),
    ]
    assert report.milestones[0].text == "Talk"


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("What have we been doing since the last report?", "done"),
        ("What have we achieved?", "done"),
        ("What next?", "next"),
        ("What’s next for the toolkit?", "next"),
        ("What are we doing next?", "next"),
        ("How we include diverse voices", "diverse_voices"),
        ("How we keep people informed (and involved)", "keeping_informed"),
    ],
)
def test_more_headings_of_the_narrative_are_known(heading: str, kind: str):
    report = report_of(f"{HEAD}{MILESTONE}{heading}\n  • One.\n")
    assert [(one.kind, one.heading) for one in report.sections] == [(kind, heading)]


def page(rows: list[list[str]], head: str = "") -> str:
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<html><body><main>{head}<table>{cells}</table></main></body></html>"


def test_milestones_in_a_table_have_the_dates_and_statuses_of_their_row():
    lines = "".join(f"<p>{line}</p>" for line in HEAD.splitlines())
    rows = [
        ["Milestones", "Start date", "End date", "Progress"],
        ["1. Talk", "May 2017", "June 2018", "Underway"],
        ["2. Write", "", "July 2018", "Completed"],
        ["3. Sing", "June 2018", "Ongoing", "NA"],
    ]
    report = read_report(from_html.blocks(page(rows, lines)), KNOWN).reports[0]
    assert [(one.number, one.text, *sides(one), one.status) for one in report.milestones] == [
        ("1", "Talk", "2017-05", "2018-06", False, "underway"),
        ("2", "Write", None, "2018-07", False, "completed"),
        ("3", "Sing", "2018-06", None, True, "not_applicable"),
    ]


def test_a_plan_page_keeps_its_milestones_apart_from_what_follows_them():
    text = f"{PLAN}Milestones\n  • Draft it\n  • Publish it\nProgress reports\nCommitment 4 progress report: Sep – Nov 2017\n"
    plan = read(text).plan
    assert plan
    assert [one.text for one in plan.commitments[0].milestones] == ["Draft it", "Publish it"]
    assert {one.raw for one in plan.findings} >= {"Progress reports", "Commitment 4 progress report: Sep – Nov 2017"}


@pytest.mark.parametrize(
    "dates", ["(1 July 2017 – 30 July 2017)", "1 July 2017 to 30 July 2017.", ": 1 July 2017 - 30 July 2017"]
)
def test_dates_at_the_end_of_a_plans_milestone_are_its_dates(dates: str):
    plan = read(f"{PLAN}Milestones\n  • Publish it {dates}\n").plan
    assert plan
    (one,) = plan.commitments[0].milestones
    assert (one.text, *sides(one)) == ("Publish it", "2017-07-01", "2017-07-30", False)


def test_dates_at_the_end_of_a_reports_milestone_may_be_of_an_event():
    (one,) = milestones_of("Milestone 1\nHold meetings (May 2017 – July 2017)\nProgress: Underway")
    assert (one.text, *sides(one)) == ("Hold meetings (May 2017 – July 2017)", None, None, False)


def test_a_plan_pages_table_without_numbers_is_read_row_by_row():
    rows = [["Milestones", "Start/End dates"], ["Draft it", "May 2017 – July 2017"], ["Publish it", "July 2017"]]
    head = "".join(f"<p>{line}</p>" for line in PLAN.splitlines())
    plan = read_report(from_html.blocks(page(rows, head)), KNOWN).plan
    assert plan
    assert [(one.text, *sides(one)) for one in plan.commitments[0].milestones] == [
        ("Draft it", "2017-05", "2017-07", False),
        ("Publish it", None, "2017-07", False),
    ]


def test_the_labels_of_a_self_assessment_are_no_text_of_its_milestones():
    text = f"{HEAD}Milestones\n1. Talk\n2. Write\nCompletion level: Substantial\nDescription of the results\nIt went well.\n{ENDS}"
    report = report_of(text)
    assert [one.text for one in report.milestones] == ["Talk", "Write"]
    assert {one.raw for one in report.findings if one.code == "text_unplaced"} == {
        "Completion level: Substantial",
        "Description of the results",
        "It went well.",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Progress report for: June 2019\nCommitment 1: Talk\n2 milestones completed\nCommitment 2: Write\n1 underway",
        "Progress report for: June 2019\nCommitment 1: Talk\nMilestone 1\nx\nProgress: NA\nCommitment 2: Write\nMilestone 1\ny",
        "Progress report: Spring 2019\nCommitment 2: Take part\nAction 1.1\nStatus: On time\nAction 1.2\nStatus: Late",
    ],
)
def test_a_summary_of_a_plan_is_no_report_of_its_first_commitment(text: str):
    assert read(text).kind == "unrecognised"


def test_another_commitment_may_be_spoken_of():
    report = report_of(
        f"{HEAD}To talk.\nCommitment 7: see there for more.\n{MILESTONE}What’s next?\nCommitment 6: Write\nWith it.\n"
    )
    assert report.commitment_number == "5"


def test_bullet_without_a_space_after_it_is_an_item():
    report = report_of(HEAD + ENDS + "\n\n  •Wrote\n    •Sent\n  • Read\n")
    assert [item.text for item in report.sections[-1].items][-2:] == ["Wrote", "Read"]
