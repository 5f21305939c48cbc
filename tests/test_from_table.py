"""The plan table and the progress table: what they claim, what is remarked on, and faults by row and column."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.formats import to_csv
from ogp_open_data.intake.reading import sheet, vocabulary
from ogp_open_data.intake.reading.cells import MAX_MILESTONES
from ogp_open_data.intake.reading.columns import PLAN, PROGRESS
from ogp_open_data.intake.reading.drafts import Draft, ReportDraft
from ogp_open_data.intake.reading.from_table import read_table
from ogp_open_data.records import Progress

KNOWN = vocabulary.load()
SAMPLE = {one.name: one.read_text("utf-8") for one in resources.files("ogp_open_data").joinpath("sample").iterdir()}
PERIOD = {"plan": "nz-nap2", "commitment": "5", "period_start": "2017-09-01", "period_end": "2017-11-30"}


def table(columns: Sequence[str], rows: Sequence[dict[str, str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def progress(*rows: dict[str, str], **named: str) -> str:
    """A progress table of one report unless the rows say otherwise."""
    return table(PROGRESS.columns, [{**PERIOD, **row} for row in rows], **named)


def plan(*rows: dict[str, str]) -> str:
    return table(PLAN.columns, [{"plan": "nz-nap2", **row} for row in rows])


def reported(text: str) -> ReportDraft:
    """The only report of a table."""
    [report] = read_table(text, KNOWN).reports
    return report


def codes(draft: Draft | ReportDraft) -> list[tuple[str, int | None]]:
    return [(one.code, one.line) for one in draft.findings]


def faults(text: str) -> list[tuple[int, str | None]]:
    """Row and column of every fault, each of which the message names too."""
    with pytest.raises(DocumentRefused) as caught:
        read_table(text, KNOWN)
    errors = caught.value.extra["errors"]
    assert all(set(one) == {"row", "column", "value", "message"} for one in errors)
    assert all(f"row {one['row']}" in caught.value.detail for one in errors[: sheet.TOLD])
    return [(one["row"], one["column"]) for one in errors]


# ------------------------------------------------------------------------------------------------ the form of a table


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_found(delimiter: str) -> None:
    row = {"milestone": "1", "text": "Ask; listen, and\ttell", "status": "Underway"}
    [milestone] = reported(progress(row, delimiter=delimiter)).milestones
    assert (milestone.text, milestone.status) == ("Ask; listen, and\ttell", "underway")


def test_order_and_case_of_columns_do_not_matter_nor_does_a_mark_before_them() -> None:
    text = (
        "\ufeffStatus,Milestone,Period end,PERIOD_START,Commitment,Plan\nUnderway,1,2017-11-30,2017-09-01,5,nz-nap2\n"
    )
    assert reported(text).milestones == reported(progress({"milestone": "1", "status": "Underway"})).milestones


def test_numbers_stay_text() -> None:
    rows = [{"milestone": number, "status": "Underway"} for number in ("1.01", "1.10", "2A", "007")]
    report = reported(progress(*({**row, "commitment": "1.0"} for row in rows)))
    assert report.commitment_number == "1.0"
    assert [one.number for one in report.milestones] == ["1.01", "1.10", "2A", "007"]


@pytest.mark.parametrize("text", ["=1+1", "+64 4", "-5 agencies", "@home", "'quoted' word", "-"])
def test_guard_of_our_own_csv_is_taken_off_again(text: str) -> None:
    row = {"milestone": "1", "text": to_csv.guard(text), "status": "Underway"}
    assert reported(progress(row)).milestones[0].text == text


def test_row_numbers_are_those_of_a_spreadsheet() -> None:
    text = progress(
        {"milestone": "1", "text": "one\r\ntwo\r\nthree", "status": "Underway"},
        {"milestone": "2", "text": "four", "status": "Underway"},
    )
    head, rest = text.split("\r\n", 1)
    report = reported(f"{head}\r\n\r\n{rest}")
    assert [(one.line, one.text) for one in report.milestones] == [(3, "one\ntwo\nthree"), (4, "four")]


def test_row_of_empty_cells_is_no_row() -> None:
    text = progress({"milestone": "1", "status": "Underway"}) + "," * (len(PROGRESS.columns) - 1) + "\r\n\r\n"
    assert len(reported(text).milestones) == 1


def test_unknown_column_is_a_finding_and_so_is_one_without_a_name_that_is_filled() -> None:
    text = progress({"milestone": "1", "status": "Underway"}).replace("\r\n", ",x,\r\n")
    assert codes(read_table(text, KNOWN)) == [("column_unknown", 1)]
    assert codes(read_table(text.replace(",x,\r\n", ",x,y\r\n", 2).replace(",x,y", ",x,", 1), KNOWN)) == [
        ("column_unknown", 1),
        ("column_unknown", 1),
    ]


def test_missing_column_is_named_and_so_is_the_description() -> None:
    columns = [name for name in PROGRESS.columns if name != "status"]
    draft = read_table(table(columns, [PERIOD]), KNOWN)
    assert draft.kind == "unrecognised"
    assert draft.reason is not None
    assert "for a progress table it lacks status;" in draft.reason
    assert "docs/tables.md" in draft.reason


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n", '"', "Commitment 5\n\nplan milestone status"])
def test_what_is_no_table_of_ours_is_unrecognised(text: str) -> None:
    draft = read_table(text, KNOWN)
    assert (draft.kind, draft.reports, draft.plan) == ("unrecognised", [], None)


def test_every_column_and_finding_is_described(repository: Path) -> None:
    def described(page: str, name: str) -> bool:
        rows = (repository / "docs" / page).read_text("utf-8").splitlines()
        return any(f"`{name}`" in row.split("|")[1] for row in rows if row.startswith("|"))

    for name in {*PLAN.columns, *PROGRESS.columns}:
        assert described("tables.md", name), name
    for name in SAMPLE:
        for code in {one.code for report in read_table(SAMPLE[name], KNOWN).reports for one in report.findings}:
            assert described("importing.md", code), code


def test_tables_of_other_countries_are_unrecognised(shared: Path) -> None:
    for name in ("canada_nap4_record_shape.csv.txt", "uk_nap2_milestone_status_2015.csv.txt"):
        text = (shared / "reports" / name).read_text("utf-8").split("\n---\n", 1)[1]
        assert read_table(text, KNOWN).kind == "unrecognised"


# ------------------------------------------------------------------------------------------------ progress


def test_report_without_milestones_is_one_row() -> None:
    report = reported(progress({"leads": "Stats NZ", "title": "A report"}))
    assert (report.milestones, report.leads, report.title, report.kind) == ([], ["Stats NZ"], "A report", "progress")
    assert codes(report) == [("no_milestones", 2)]


def test_each_plan_commitment_and_period_is_a_report_in_order_of_appearance() -> None:
    rows = [
        {"milestone": "1", "status": "Underway"},
        {"milestone": "1", "status": "Underway", "commitment": "3"},
        {"milestone": "2", "status": "Completed"},
        {"milestone": "1", "status": "Completed", "period_start": "2017-12-01", "period_end": "2018-02-28"},
    ]
    reports = read_table(progress(*rows), KNOWN).reports
    assert [(one.commitment_number, str(one.period_end), len(one.milestones)) for one in reports] == [
        ("5", "2017-11-30", 2),
        ("3", "2017-11-30", 1),
        ("5", "2018-02-28", 1),
    ]


def test_plan_by_label_and_by_id_is_one_plan() -> None:
    label = "Second National Action Plan 2016-2018"
    rows = [{"milestone": "1", "status": "Underway"}, {"milestone": "2", "status": "Underway", "plan": label}]
    assert len(reported(progress(*rows)).milestones) == 2


def test_months_are_whole_months_of_a_period() -> None:
    report = reported(progress({"period_start": "2017-12", "period_end": "2018-02"}))
    assert (report.period_start, report.period_end) == (date(2017, 12, 1), date(2018, 2, 28))


def test_printed_period_serves_where_its_days_are_not_given() -> None:
    report = reported(progress({"period_start": "", "period_end": "", "period": "December to February 2018"}))
    assert (report.period_start, report.period_end) == (date(2017, 12, 1), date(2018, 2, 28))
    assert report.period_raw == "December to February 2018"


def test_printed_period_that_disagrees_with_its_days_is_a_finding() -> None:
    assert ("period_conflict", 2) in codes(reported(progress({"period": "June to August 2017"})))
    assert ("period_conflict", 2) not in codes(reported(progress({"period": "September to November 2017"})))


def test_report_of_which_only_the_end_is_known_is_a_finding() -> None:
    report = reported(progress({"period_start": ""}))
    assert (report.period_start, report.period_end) == (None, date(2017, 11, 30))
    assert ("period_end_only", 2) in codes(report)


def test_odd_cells_of_a_milestone_are_findings_with_their_row() -> None:
    rows = [
        {"milestone": "1", "status": "Underway"},
        {"milestone": "2"},
        {"milestone": "3", "status": "Nearly there"},
        {"milestone": "4", "status": "Underway", "ends": "31 April 2019"},
        {"milestone": "5", "status": "Underway", "starts": "After the Bill", "ends": "3/4/2019"},
        {"milestone": "6", "status": "Underway", "starts": "June 2019", "ends": "May 2019"},
        {"text": "A step without a number", "status": "Underway"},
    ]
    report = reported(progress(*rows))
    assert codes(report) == [
        ("status_missing", 3),
        ("status_unknown", 4),
        ("invalid_day", 5),
        ("start_event", 6),
        ("date_ambiguous", 6),
        ("dates_reversed", 7),
        ("milestone_unnumbered", 8),
    ]
    assert [one.status for one in report.milestones][:3] == ["underway", "unknown", "unknown"]
    assert [(one.end_raw, one.end) for one in report.milestones][3] == ("31 April 2019", "2019-04")
    assert [(one.start_raw, one.start) for one in report.milestones][4] == ("After the Bill", None)


def test_range_in_the_end_column_gives_both_dates() -> None:
    rows = [
        {"milestone": "1", "status": "Underway", "ends": "February to April 2019"},
        {"milestone": "2", "status": "Underway", "ends": "1 May 2019 (ongoing)"},
    ]
    milestones = reported(progress(*rows)).milestones
    assert [(one.start, one.end, one.ongoing) for one in milestones] == [
        ("2019-02", "2019-04", False),
        ("2019-05-01", None, True),
    ]


def test_milestone_that_no_longer_applies_is_withdrawn() -> None:
    row = {"milestone": "1", "status": "NA", "ends": "No longer applicable"}
    assert reported(progress(row)).milestones[0].status == "withdrawn"


def test_address_of_another_commitment_is_a_finding() -> None:
    url = "https://example.org/commitment-4-progress-report-sep-nov-2017"
    assert ("url_mismatch", 2) in codes(reported(progress({"source_url": url})))
    assert ("url_mismatch", 2) not in codes(reported(progress({"source_url": url, "commitment": "4"})))


# ------------------------------------------------------------------------------------------------ plan


def test_lists_are_joined_with_a_bar_that_can_be_escaped() -> None:
    row = {
        "record": "commitment",
        "commitment": "1",
        "themes": r"Open data | Here\|there",
        "supporting": "DIA|Stats NZ",
    }
    draft = read_table(plan(row), KNOWN)
    assert draft.plan is not None
    [commitment] = draft.plan.commitments
    assert (commitment.themes, commitment.supporting) == (["Open data", "Here|there"], ["DIA", "Stats NZ"])


def test_milestones_stand_under_their_commitment_wherever_their_rows_are() -> None:
    rows = [
        {"record": "milestone", "commitment": "2", "milestone": "1", "text": "b"},
        {"record": "Commitment", "commitment": "1"},
        {"record": "commitment", "commitment": "2"},
        {"record": "milestone", "commitment": "1", "milestone": "1", "text": "a"},
    ]
    draft = read_table(plan(*rows), KNOWN)
    assert draft.plan is not None
    assert [[one.text for one in c.milestones] for c in draft.plan.commitments] == [["a"], ["b"]]


def test_cell_that_its_kind_of_row_does_not_have_is_a_finding() -> None:
    rows = [
        {"record": "commitment", "commitment": "1"},
        {"record": "milestone", "commitment": "1", "milestone": "1", "title": "x"},
    ]
    assert codes(read_table(plan(*rows), KNOWN)) == [("cell_unused", 3)]


# ------------------------------------------------------------------------------------------------ faults


def test_all_faults_of_a_progress_table_are_told_at_once() -> None:
    rows = [
        {"milestone": "1", "status": "Underway", "period_end": "30/11"},
        {"milestone": "1", "status": "Underway", "commitment": ""},
        {"milestone": "1", "status": "Underway", "period_start": "2018-01-01"},
        {"milestone": "1", "status": "Underway", "period_start": "2017-04-31"},
        {"milestone": "1", "status": "Underway"},
        {"milestone": "1", "status": "Completed"},
        {"status": "Completed"},
        {"milestone": "2", "status": "Completed", "leads": "Stats NZ"},
        {"milestone": "3", "status": "Completed", "leads": "The Treasury"},
    ]
    assert faults(progress(*rows)) == [
        (2, "period_end"),
        (3, "commitment"),
        (4, "period_start"),
        (5, "period_start"),
        (7, "milestone"),
        (8, "status"),
        (10, "leads"),
    ]


def test_all_faults_of_a_plan_table_are_told_at_once() -> None:
    rows = [
        {"record": "plan", "starts": "soon"},
        {"record": "plan"},
        {"record": "step"},
        {"record": "commitment", "commitment": "1", "ends": "Ongoing"},
        {"record": "commitment", "commitment": "1"},
        {"record": "commitment"},
        {"record": "milestone", "commitment": "9", "milestone": "1"},
        {"record": "milestone", "commitment": "1"},
        {"record": "milestone", "commitment": "1", "milestone": "1", "plan": "nz-nap3"},
    ]
    assert faults(plan(*rows)) == [
        (2, "starts"),
        (3, "record"),
        (4, "record"),
        (5, "ends"),
        (6, "commitment"),
        (7, "commitment"),
        (8, "commitment"),
        (9, "milestone"),
        (10, "plan"),
    ]


def test_ids_of_our_own_csv_are_known_and_others_are_no_numbers() -> None:
    columns = [name for name in to_csv.columns("progress") if name != "id"]
    assert set(PROGRESS.required) <= set(Progress.__struct_fields__)
    row = {**PERIOD, "commitment": "nz-nap2-c5", "milestone": "nz-nap2-c5-m1", "status": "underway"}
    [milestone] = reported(table(columns, [row])).milestones
    assert (milestone.id, milestone.number) == ("nz-nap2-c5-m1", None)
    for id in ("nz-psc", "nz-nap2", "nz-nap2-c5-m1", "nz-nap2-c5-r2017-11"):
        assert faults(table(columns, [{**row, "commitment": id}])) == [(2, "commitment")]


def test_more_cells_than_the_header_has_is_a_fault() -> None:
    assert faults(progress({"milestone": "1", "status": "Underway"}).rstrip("\r\n") + ",and more\r\n") == [(2, None)]


def test_quote_that_is_never_closed_is_a_fault_at_its_row() -> None:
    assert faults(progress({"milestone": "1", "status": "Underway"}) + 'nz-nap2,5,"2017\r\nnz-nap2,5,,\r\n') == [
        (3, None)
    ]


def test_column_twice_is_a_fault() -> None:
    assert faults(
        progress({"milestone": "1", "status": "Underway"}).replace("\r\n", ",x\r\n").replace(",x", ",status", 1)
    ) == [(1, "status")]


def test_table_without_rows_is_a_fault() -> None:
    assert faults(progress()) == [(1, None)]


def test_large_cell_is_a_fault_and_the_largest_is_not() -> None:
    row = {"milestone": "1", "status": "Underway"}
    assert faults(progress({**row, "text": "ā" * (sheet.MAX_CELL // 2 + 1)})) == [(2, "text")]
    assert reported(progress({**row, "text": "ā" * (sheet.MAX_CELL // 2)})).milestones[0].number == "1"
    # Beyond what Python's csv reads, unless another library has raised that limit for the whole process.
    assert [line for line, _ in faults(progress({**row, "text": "a" * 200_000}))] == [2]


def test_too_many_rows_are_refused() -> None:
    head = progress().rstrip("\r\n")
    with pytest.raises(DocumentRefused, match="more than 100,000 rows"):
        read_table(head + "\n" * (sheet.MAX_ROWS + 2), KNOWN)


def test_many_faults_are_counted_and_not_all_told() -> None:
    with pytest.raises(DocumentRefused) as caught:
        read_table(progress(*[{"commitment": "", "milestone": "1"}] * 1_500), KNOWN)
    assert "1,500 faults" in caught.value.detail
    assert "and 1,480 more" in caught.value.detail
    assert len(caught.value.extra["errors"]) == 1_000


def test_more_milestones_than_any_commitment_has_are_a_fault() -> None:
    rows = [{"milestone": str(number), "status": "Underway"} for number in range(MAX_MILESTONES + 1)]
    assert len(reported(progress(*rows[:-1])).milestones) == MAX_MILESTONES
    assert faults(progress(*rows)) == [(MAX_MILESTONES + 2, "milestone")]
