"""The bundled tables are the facts of the plan of 2016-2018, and nothing that is only deduced."""

from datetime import date
from importlib import resources

from ogp_open_data.intake import importer
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.drafts import CommitmentDraft
from ogp_open_data.intake.reading.from_table import read_table

KNOWN = vocabulary.load()
FILES = resources.files("ogp_open_data").joinpath("sample").iterdir()
SAMPLE = {one.name: one.read_text("utf-8") for one in FILES if one.name.endswith(".csv")}


def commitments() -> dict[str, CommitmentDraft]:
    draft = read_table(SAMPLE["nz-nap2-plan.csv"], KNOWN)
    assert draft.plan is not None
    return {one.number: one for one in draft.plan.commitments}


def test_bundled_plan_has_seven_commitments_and_their_milestones() -> None:
    draft = read_table(SAMPLE["nz-nap2-plan.csv"], KNOWN)
    assert (draft.kind, draft.findings) == ("plan", [])
    assert draft.plan is not None
    assert (draft.plan.plan, draft.plan.licence) == ("nz-nap2", "CC-BY-4.0")
    assert (draft.plan.starts_on, draft.plan.ends_on) == (date(2016, 10, 20), date(2018, 6, 30))
    assert [len(one.milestones) for one in commitments().values()] == [4, 6, 5, 5, 3, 2, 0]


def test_bundled_plan_leaves_out_what_is_only_deduced() -> None:
    ids = {number: one.ogp_id for number, one in commitments().items()}
    assert ids == {"1": "NZ0005", "2": None, **{str(n): f"NZ{n + 4:04}" for n in range(3, 8)}}


def test_bundled_plan_has_the_dates_that_only_the_plan_page_prints() -> None:
    milestones = commitments()["4"].milestones
    assert [(one.start, one.end) for one in milestones] == [
        ("2017-05", "2017-07"),
        ("2017-07-01", "2017-07-30"),
        ("2017-08-01", "2017-08-30"),
        ("2017-09-01", "2017-09-15"),
        ("2017-09", "2018-06"),
    ]
    open_end = commitments()["6"].milestones[0]
    assert (open_end.end_raw, open_end.end, open_end.ongoing) == ("Ongoing through project", None, True)


def test_bundled_plan_names_agencies_that_the_vocabulary_knows() -> None:
    assert commitments()["4"].leads == [
        "Land Information New Zealand",
        "Department of Internal Affairs",
        "Statistics New Zealand",
    ]
    assert len(commitments()["7"].leads) == 1


def test_bundled_reports_are_those_that_were_seen() -> None:
    seen = {}
    for name in sorted(SAMPLE):
        for report in read_table(SAMPLE[name], KNOWN).reports:
            assert report.period_start is not None
            seen.setdefault(report.period_start, []).append(report.commitment_number)
    assert {f"{start:%Y-%m}": "".join(numbers) for start, numbers in seen.items()} == {
        "2017-06": "123567",
        "2017-09": "123456",
        "2017-12": "12456",
        "2018-03": "12346",
    }


def test_bundled_reports_keep_status_words_as_printed() -> None:
    last = {one.commitment_number: one for one in read_table(SAMPLE["nz-nap2-2018-03_2018-06.csv"], KNOWN).reports}
    assert [(one.status_raw, one.status) for one in last["1"].milestones][3] == ("some delays", "delayed")
    assert {one.status_raw for one in last["6"].milestones} == {"Completed"}
    assert {one.status_raw for one in last["2"].milestones} == {"completed"}
    assert last["2"].commitment_title == "Improving OIA practices"


def test_bundled_reports_have_nothing_odd_but_their_addresses_and_missing_lists() -> None:
    for name in SAMPLE:
        draft = read_table(SAMPLE[name], KNOWN)
        found = {one.code for report in draft.reports for one in report.findings}
        assert found <= {"no_milestones", "url_mismatch"}
        assert all(report.source_url and report.leads for report in draft.reports)


def test_misleading_addresses_of_the_sample_are_findings() -> None:
    misled = {
        (one.commitment_number, str(one.period_end))
        for name in SAMPLE
        for one in read_table(SAMPLE[name], KNOWN).reports
        if "url_mismatch" in {finding.code for finding in one.findings}
    }
    assert misled == {
        ("6", "2017-08-31"),
        ("5", "2017-11-30"),
        ("4", "2018-02-28"),
        ("6", "2018-02-28"),
        ("2", "2018-06-30"),
        ("4", "2018-06-30"),
    }


def test_bundled_text_tells_more_of_a_report_and_nothing_else_than_its_table() -> None:
    (text,) = [one for one in importer.sample() if one.name.endswith(".txt")]
    _, draft = importer.read(text, KNOWN)
    (report,) = draft.reports
    table = read_table(SAMPLE["nz-nap2-2017-09_2017-11.csv"], KNOWN).reports
    (same,) = [one for one in table if one.commitment_number == "5"]
    assert [section.kind for section in report.sections] == ["done", "next"]
    assert report.period_start == same.period_start and text.source_url == same.source_url
    told = [(one.number, one.status_raw, one.end_raw) for one in report.milestones]
    assert told == [(one.number, one.status_raw, one.end_raw) for one in same.milestones]
    assert [one.text for one in report.milestones] == [one.text for one in commitments()["5"].milestones]
