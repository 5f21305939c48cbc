"""Every way in which the published reports differ in layout: labels, order, line ends, headings, what is missing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.drafts import Block, Draft, MilestoneDraft, ReportDraft
from ogp_open_data.intake.reading.from_text import blocks
from ogp_open_data.intake.reading.report import read_report

KNOWN = vocabulary.load()
TITLE = "Commitment 5 progress report: Sep – Nov 2017\n"
HEAD = f"{TITLE}Date: September to November 2017\nCommitment 5: Talk\nLead agency: DIA\n"
ENDS = "What’s next?\n  • Go on.\n"


def read(text: str, url: str | None = None) -> Draft:
    return read_report(blocks(text), KNOWN, url)


def report_of(text: str) -> ReportDraft:
    draft = read(text)
    assert draft.kind == "report", draft.reason
    return draft.reports[0]


def codes(report: ReportDraft) -> set[str]:
    return {finding.code for finding in report.findings}


def milestones_of(text: str) -> list[MilestoneDraft]:
    return report_of(f"{HEAD}{text}\n{ENDS}").milestones


@pytest.mark.parametrize(
    ("line", "raw", "start", "end", "code"),
    [
        ("Date: March - June 2018", "March - June 2018", "2018-03-01", "2018-06-30", None),
        ("Progress report for: June 2018 – January 2019", "June 2018 – January 2019", "2018-06-01", "2019-01-31", None),
        ("Progress report for: 1 May to 30 June 2019", "1 May to 30 June 2019", "2019-05-01", "2019-06-30", None),
        ("Progress report to: 30 June 2019", "30 June 2019", None, "2019-06-30", "period_end_only"),
        ("Progress report to: June 2019", "June 2019", None, "2019-06-30", "period_end_only"),
        ("Progress report to: January – March 2019", "January – March 2019", "2019-01-01", "2019-03-31", None),
        ("Progress report : December 2019", "December 2019", "2019-12-01", "2019-12-31", None),
        ("Progress report to : May 2019 – June 2020", "May 2019 – June 2020", "2019-05-01", "2020-06-30", None),
        ("Progress report for: to May 2019", "to May 2019", None, "2019-05-31", "period_end_only"),
        ("Update as at May 2022", "May 2022", None, "2022-05-31", "period_end_only"),
        ("Date:\nSeptember to November 2017", "September to November 2017", "2017-09-01", "2017-11-30", None),
        ("September to November 2017", "September to November 2017", "2017-09-01", "2017-11-30", "period_unlabelled"),
        ("Date: soon", "soon", None, None, "period_unreadable"),
    ],
)  # fmt: skip
def test_each_period_line_is_read(line, raw, start, end, code):
    report = report_of(f"{line}\nCommitment 5: Talk\nLead agency: DIA\n{ENDS}")
    days = (report.period_start, report.period_end)
    assert (report.period_raw, *(day and day.isoformat() for day in days)) == (raw, start, end)
    assert {one for one in codes(report) if one.startswith("period")} == ({code} if code else set())


@pytest.mark.parametrize(
    ("title", "period", "code"),
    [
        ("Sep – Nov 2017", "September to November 2017", None),
        ("November 2017", "September to November 2017", "heading_end_only"),
        ("30 November 2017", "September to November 2017", "heading_end_only"),
        ("Dec – Feb 2018", "December 2017 to February 2018", None),
        ("October 2017", "September to November 2017", "period_conflict"),
        ("September 2016 to November 2017", "September to November 2017", "period_conflict"),
        ("Sep – Nov 2016", "September to November 2017", "period_conflict"),
        ("Sep – Nov", "September to November 2017", None),
        ("2016", "September to November 2017", "period_conflict"),
        ("", "September to November 2017", None),
    ],
)
@pytest.mark.parametrize("place", ["title", "heading"])
def test_title_and_second_heading_are_held_against_the_period_line(title, period, code, place):
    first = title if place == "title" else period
    second = f"Commitment 5 year end report: {title}\n" if place == "heading" else ""
    text = (
        f"Commitment 5 progress report: {first}\nDate: {period}\n{second}Commitment 5: Talk\nLead agency: DIA\n{ENDS}"
    )
    assert codes(report_of(text)) & {"period_conflict", "heading_end_only"} == ({code} if code else set())


@pytest.mark.parametrize(
    ("line", "number", "title"),
    [
        ("Commitment 5:  Talk ", "5", "Talk"),
        ("Commitment 5:\u00a0 Talk\u00a0", "5", "Talk"),
        ("Commitment 3 - Open data", "3", "Open data"),
        ("Year End: Commitment 4 - Open data", "4", "Open data"),
        ("Year end: Commitment 4 – Open data", "4", "Open data"),
        ("COMMITMENT 2 - Open data", "2", "Open data"),
        ("Commitment 6: Service design: a model", "6", "Service design: a model"),
        ("Commitment 12", "12", None),
        ("Commitment 3: ", "3", None),
        ("Commitment 5:\nTalk", "5", "Talk"),
    ],
)
def test_each_commitment_line_is_read(line: str, number: str, title: str | None):
    report = report_of(f"Date: June 2018\n{line}\nLead agency: DIA\n{ENDS}")
    assert (report.commitment_number, report.commitment_title) == (number, title)
    assert ("commitment_title_missing" in codes(report)) == (title is None)


@pytest.mark.parametrize(
    "lead", ["Lead  agency: DIA and MBIE", "Lead agencies:\n  • DIA\n  • MBIE", "Lead agency/agencies : DIA and MBIE"]
)
def test_each_lead_line_is_read(lead: str):
    report = report_of(f"Date: June 2018\nCommitment 5: Talk\n{lead}\nTo do it.\n{ENDS}")
    assert (report.leads, report.objective) == (["DIA", "MBIE"], "To do it.")


def test_labels_in_one_paragraph_are_read_like_labels_of_their_own():
    apart = report_of(f"{HEAD}Objective: To talk.\nMilestone 1\nTalk\nEnd date: June 2018\nProgress: Underway\n{ENDS}")
    texts = [
        "Commitment 5 progress report: Sep – Nov 2017",
        "Date: September to November 2017\nCommitment 5: Talk",
        "Lead agency: DIA\nObjective: To\ntalk.",
        "Milestone 1\nTalk\nEnd date: June 2018\nProgress: Underway",
        "What’s next?",
    ]
    together = [Block("paragraph", text, 1) for text in texts] + [Block("item", "Go\non.", 1, 1)]
    report = read_report(together, KNOWN).reports[0]
    assert (report.objective, report.period_raw) == (apart.objective, apart.period_raw)
    assert [one.status for one in report.milestones] == ["underway"]
    assert (report.milestones[0].text, report.milestones[0].end) == ("Talk", "2018-06")
    assert report.sections == apart.sections


@pytest.mark.parametrize(
    "dates",
    [
        "Start date: May 2017\nEnd date: July 2018",
        "Start date: May 2017 End date: July 2018",
        "Start/End dates: May 2017/July 2018",
        "Start/End dates: May 2017-July 2018",
        "Start/End dates: May 2017 to July 2018",
        "Start/End dates:\nMay 2017 – July 2018",
        "Commenced: May 2017 – July 2018",
        "Start date:\nMay 2017\nEnd date:\nJuly 2018",
    ],
)
def test_each_date_line_is_read(dates: str):
    (one,) = milestones_of(f"Milestone 1\nTalk\n{dates}\nProgress: Underway")
    assert (one.text, one.start_raw, one.start, one.end_raw, one.end) == (
        "Talk",
        "May 2017",
        "2017-05",
        "July 2018",
        "2018-07",
    )


def test_a_date_that_runs_on_is_cut_from_the_sentence():
    report = report_of(f"{HEAD}Milestone 1\nReach the goals End date: June 2018 Progress: Underway\n{ENDS}")
    (one,) = report.milestones
    assert (one.text, one.end, one.status) == ("Reach the goals", "2018-06", "underway")
    assert "date_run_on" in codes(report)


def test_prose_that_looks_like_a_label_stays_text():
    (one,) = milestones_of("Milestone 1\nReport on work in Progress: the plan says so\nProgress: Underway")
    assert one.text == "Report on work in Progress: the plan says so"


@pytest.mark.parametrize(
    "status", ["Progress: Underway", "Progress:\nUnderway", "Status: Underway", "Progress :  Underway "]
)
def test_each_status_line_is_read(status: str):
    (one,) = milestones_of(f"Milestone 1\nTalk\n{status}")
    assert (one.status_raw, one.status) == ("Underway", "underway")


def test_a_status_under_a_date_label_is_the_status():
    report = report_of(f"{HEAD}Milestone 1\nTalk\nCommenced: Completed\n{ENDS}")
    assert (report.milestones[0].status_raw, report.milestones[0].end_raw) == ("Completed", None)
    assert "status_in_wrong_field" in codes(report)
    assert "status_missing" not in codes(report)


@pytest.mark.parametrize("label", ["Milestone {}", "Milestones {}", "Milestone {}:", "MILESTONE {}"])
def test_each_milestone_label_is_read_and_its_number_is_text(label: str):
    numbers = ["1", "2", "2A", "10", "1.01"]
    text = "\n".join(f"{label.format(number)}\nTalk\nProgress: Underway" for number in numbers)
    assert [one.number for one in milestones_of(text)] == numbers


def test_milestones_of_a_doubled_list_have_its_numbers():
    found = milestones_of("Milestones\n1. 1. Talk\nProgress: Underway\n2. 2. Write\nProgress: completed")
    assert [(one.number, one.text, one.status) for one in found] == [
        ("1", "Talk", "underway"),
        ("2", "Write", "completed"),
    ]


def test_milestones_without_any_number_are_told_apart_and_said():
    report = report_of(f"{HEAD}Milestones\n  • Talk\n    • loudly\n  • Write\n{ENDS}")
    assert [(one.number, one.text) for one in report.milestones] == [(None, "Talk\n• loudly"), (None, "Write")]
    assert "milestone_unnumbered" in codes(report)


def test_what_stands_in_a_milestone_is_its_text():
    text = "Milestone 1\nTalk to:\n  • makers\n  • users.[1]\n(i)   A tool\nNote: Later.\nProgress: NA"
    (one,) = milestones_of(text)
    assert one.text == "Talk to:\n• makers\n• users.[1]\n(i)   A tool\nNote: Later."


def test_a_milestone_named_in_the_narrative_is_none():
    report = report_of(f"{HEAD}What have we been doing?\nMilestone 1:\n  • Milestone 2 was met.\nMilestone 3\nMore.\n")
    assert report.milestones == []
    assert "no_milestones" in codes(report)


def test_a_document_that_ends_inside_a_milestone_is_not_said_to_lack_its_status():
    report = report_of(f"{HEAD}Milestone 1\nTalk\nMilestone 2\nWrite")
    assert [one.status for one in report.milestones] == ["unknown", "unknown"]
    assert [(one.code, one.raw) for one in report.findings] == [("status_missing", "1"), ("text_ends_early", "2")]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("What have we been doing?", "done"),
        ("What we have been doing", "done"),
        ("What we've done", "done"),
        ("What’s next?", "next"),
        ("What's next", "next"),
        ("What is next?", "next"),
        ("Next steps", "next"),
        ("Links", "links"),
        ("How we are including diverse voices", "diverse_voices"),
        ("How are we including diverse voices?", "diverse_voices"),
        ("How we are keeping diverse communities informed", "keeping_informed"),
        ("What we have learned", "other"),
    ],
)
def test_each_heading_of_the_narrative_is_known(heading: str, kind: str):
    report = report_of(f"{HEAD}Milestone 1\nTalk\nProgress: Underway\n{heading}\n  • One.\n")
    assert [(one.kind, one.heading, len(one.items)) for one in report.sections] == [(kind, heading, 1)]


def test_furniture_is_a_finding_wherever_it_stands():
    page = [Block("furniture", "Menu\nHome", 1), *blocks(f"Skip to main content\n{HEAD}{ENDS}NEXT PAGE Our Progress")]
    report = read_report(page, KNOWN).reports[0]
    raws = [one.raw for one in report.findings if one.code == "site_furniture"]
    assert sorted(raws) == ["Menu\nHome", "NEXT PAGE Our Progress", "Skip to main content"]


@pytest.mark.parametrize(
    ("slug", "is_other"),
    [
        ("commitment-5-progress-report-sep-nov-2017/", False),
        ("commitment-5-progress-report-sep-nov-3", False),
        ("commitment-5-progress-report-november-2017", False),
        ("commitment-4-progress-report-sep-nov-2017", True),
        ("commitment-5-progress-report-jun-aug-2017", True),
        ("commitment-5-progress-report-sep-nov-2016", True),
        ("our-progress", False),
    ],
)
def test_an_address_is_held_against_the_document_and_never_followed(slug: str, is_other: bool):
    draft = read(HEAD + ENDS, f"https://example.org/{slug}")
    report = draft.reports[0]
    assert ("url_mismatch" in codes(report)) == is_other
    assert (report.commitment_number, report.period_raw) == ("5", "September to November 2017")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nothing of the kind.", "neither a commitment"),
        ("Commitment 1: Talk\nLead agency: DIA", "no period is printed"),
        ("Date: June 2018\nLead agency: DIA", "no commitment is printed"),
        ("Date: June 2018\nCommitment 1: Talk", "nothing stands under"),
        (f"{HEAD}{ENDS}Commitment 6: Write\nLead agency: DIA", "several commitments (5 and 6)"),
    ],
)
def test_what_is_no_report_says_what_it_lacks(text: str, words: str):
    draft = read(text)
    assert draft.kind == "unrecognised"
    assert words in (draft.reason or "")


LINES = [
    *HEAD.splitlines(),
    *ENDS.splitlines(),
    "Milestones",
    "Milestone 1",
    "Progress:",
    "Start/End dates: ",
    "OGP values:",
]


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=40), max_size=25), st.randoms())
def test_any_order_of_lines_is_read_or_refused_without_an_error(lines: list[str], random):
    text = "\n".join(lines)
    kinds = ["heading", "paragraph", "item", "furniture"]
    made = [Block(random.choice(kinds), one.text, one.line, random.randint(0, 9)) for one in blocks(text)]
    for draft in (read(text), read_report(made, KNOWN)):
        assert (draft.kind == "unrecognised") == (draft.reason is not None)


def test_a_hundred_thousand_lines_are_read_in_seconds():
    line = "Milestone 1\nTalk\nStart/End dates: May 2017 – July 2018\nProgress: Underway\n"
    began = time.perf_counter()
    report = report_of(HEAD + line * 5_000 + ENDS + "  • More.\n" * 80_000)
    assert (len(report.milestones), len(report.sections[0].items)) == (5_000, 80_001)
    assert time.perf_counter() - began < 90
