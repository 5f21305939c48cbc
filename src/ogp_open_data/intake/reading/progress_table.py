"""The progress table: what reports say, a row per report and milestone."""

from collections.abc import Sequence

from ogp_open_data.intake.reading.cells import (
    DAY,
    INVALID_DAY,
    Milestones,
    add,
    day_of,
    leads_of,
    milestone_of,
    number_of,
    own_id,
    partial_of,
    plan_key,
)
from ogp_open_data.intake.reading.dates import Period, read_period
from ogp_open_data.intake.reading.drafts import MilestoneDraft, ReportDraft
from ogp_open_data.intake.reading.periods import address_differs, disagrees
from ogp_open_data.intake.reading.sheet import Remarks, Row, short
from ogp_open_data.intake.reading.statuses import read_status
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.records import STATUSES

# What is of a report, and the same in each of its rows.
OF_REPORT = ("period", "leads", "title", "commitment_title", "source_url")


def reports(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> list[ReportDraft]:
    """One report for each plan, commitment and period, in order of first appearance."""
    found: dict[tuple[str | None, str, Period], list[Row]] = {}
    for row in rows:
        period = _period(row, remarks)
        number = own_id(row, "commitment") or number_of(row, "commitment", remarks)
        if row.get("commitment") is None:
            remarks.fault(row, "commitment", "a report needs the number of its commitment")
        if number is not None and period.end is not None:
            found.setdefault((plan_key(row, vocabulary), number, period), []).append(row)
    return [_report(number, period, rows, vocabulary, remarks) for (_, number, period), rows in found.items()]


def _period(row: Row, remarks: Remarks) -> Period:
    """The days of a row's period: from its two columns, else from what is printed; no end where there is a fault."""
    before = len(remarks.faults)
    start, end = day_of(row, "period_start", remarks), day_of(row, "period_end", remarks)
    printed = row.get("period")
    if end is None and len(remarks.faults) == before:
        if start is None and printed is not None:
            read = read_period(printed)
            start, end = read.start, read.end
        if end is None:
            remarks.fault(row, "period_end", f"a report needs the end of its period; {DAY}")
    elif start is not None and end is not None and start > end:
        remarks.fault(row, "period_start", f"the period starts after its end, {end}")
    return Period(start, end if len(remarks.faults) == before else None)


def _report(number: str, period: Period, rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> ReportDraft:
    """A report from its rows; its findings are its own."""
    exported = any(own_id(row, "milestone") for row in rows)
    # What a row of our own export says was read and remarked on before; only who sends it in again is told more.
    own = Remarks(faults=remarks.faults, findings=remarks.findings if exported else [])
    head = _head(rows, own)
    milestones: Milestones = {}
    for row in rows:
        if (one := _progress(row, vocabulary, own)) is not None:
            add(milestones, one, row, own)
    if not exported:
        _remark(head, number, period, own)
    if not milestones:
        own.finding("no_milestones", "milestones", None, head, "The report lists no milestones.")
    return ReportDraft(
        plan=head.get("plan"),
        kind="progress",
        title=head.get("title"),
        commitment_number=number,
        commitment_title=head.get("commitment_title"),
        period_raw=head.get("period"),
        period_start=period.start,
        period_end=period.end,
        leads_raw=head.get("leads"),
        leads=leads_of(head, "leads", vocabulary, own),
        milestones=list(milestones.values()),
        findings=[] if exported else own.findings,
        source_url=head.get("source_url"),
        line=head.number,
        partial=True,
        exported=exported,
    )


def _head(rows: Sequence[Row], remarks: Remarks) -> Row:
    """What is of the whole report: given in one of its rows or more, and everywhere the same."""
    cells = {"plan": plan} if (plan := rows[0].get("plan")) else {}
    for column in OF_REPORT:
        filled = [row for row in rows if row.get(column)]
        for row in filled[1:]:
            if row.get(column) != filled[0].get(column):
                other = f"row {filled[0].number} of the same report has “{short(filled[0].get(column))}”"
                message = f"{other}; a report has one {column}"
                remarks.fault(row, column, message)
        if filled:
            cells[column] = filled[0].cells[column]
    return Row(rows[0].number, cells)


def _progress(row: Row, vocabulary: Vocabulary, remarks: Remarks) -> MilestoneDraft | None:
    """What a row says of a milestone; None where it stands for a report that lists none."""
    if (id := own_id(row, "milestone")) is not None:
        return _exported(id, row, vocabulary, remarks)
    if row.get("milestone") is None and row.get("text") is None:
        for column in ("status", "starts", "ends"):
            if row.get(column) is not None:
                remarks.fault(
                    row, column, "this belongs to a milestone, and the row names none; give its number or its text"
                )
        return None
    raw = row.get("status")
    status, code = read_status(raw, vocabulary.words, row.get("ends"))
    if code is not None:
        remarks.finding(code, "status", raw, row, f"“{short(raw)}” is no status that we know; it is unknown.")
    elif raw is None:
        remarks.finding(
            "status_missing", "status", row.get("milestone"), row, "No progress is given for this milestone."
        )
    return milestone_of(row, remarks, (raw, status))


def _exported(id: str, row: Row, vocabulary: Vocabulary, remarks: Remarks) -> MilestoneDraft:
    """A row of our own export: values stand beside the words that they were read from. An edited value is followed."""
    status, status_raw = row.get("status") or "unknown", row.get("status_raw")
    if status not in STATUSES:
        status, status_raw = read_status(status, vocabulary.words, row.get("ends_raw"))[0], status
    elif status_raw and read_status(status_raw, vocabulary.words, row.get("ends_raw"))[0] != status:
        message = f"The status is {status}, which was followed; it was printed as “{short(status_raw)}”."
        remarks.finding("raw_differs", "status", status_raw, row, message)
    return MilestoneDraft(
        id=id,
        number=row.get("number"),
        text=row.get("text"),
        start_raw=row.get("starts_raw"),
        start=partial_of(row, "starts", remarks),
        end_raw=row.get("ends_raw"),
        end=partial_of(row, "ends", remarks),
        ongoing=(row.get("ongoing") or "").lower() == "true",
        status_raw=status_raw,
        status=status,
        line=row.number,
        source_url=row.get("source_url"),
    )


def _remark(head: Row, number: str, period: Period, remarks: Remarks) -> None:
    """What is odd about the period and the address of a report."""
    assert period.end is not None
    if period.start is None:
        message = "Only the end of the period is given; its start is not known."
        remarks.finding("period_end_only", "period", head.get("period"), head, message)
    for column in ("period", "title"):
        text = head.get(column)
        if text is not None and disagrees(period.start, period.end, text):
            message = (
                f"The {column} as printed names another period than period_start and period_end, which were followed."
            )
            remarks.finding("period_conflict", "period", text, head, message)
            break
    if "invalid_day" in read_period(head.get("period") or "").codes:
        remarks.finding("invalid_day", "period", head.get("period"), head, INVALID_DAY)
    url = head.get("source_url")
    if url is not None and (other := address_differs(url, number, period)) is not None:
        message = f"The address of the report speaks of {other}; the columns of the table were followed."
        remarks.finding("url_mismatch", "source_url", url, head, message)
