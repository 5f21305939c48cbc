"""A table (docs/tables.md) to a Draft, whatever file it came in.

    sheets → header (which table) → rows → plan | reports | assessments → Draft

What a publisher can mend at once is a fault, and all faults of a table are told together; what a source may well have
printed is a finding, as it would be in a report.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from ogp_open_data.intake.reading import assessment_table, from_csv, plan_table, progress_table
from ogp_open_data.intake.reading.columns import ASSESSMENTS, KNOWN, PLAN, TABLES, Table
from ogp_open_data.intake.reading.drafts import Draft
from ogp_open_data.intake.reading.sheet import (
    ASIDE,
    Fault,
    Header,
    Remarks,
    Row,
    Workbook,
    header_of,
    refused,
    rows_of,
    short,
)
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.records import Finding


def read_table(source: str | Workbook, vocabulary: Vocabulary) -> Draft:
    """What a table claims: `plan`, `report` (every report of it), `assessments`, or `unrecognised` with the reason.

    `source` is the text of a CSV file, or a workbook, of whose sheets the first that is a table is read.
    Raises DocumentRefused with every fault of it, by row and column (`errors`), and the faulty rows (`rejected`).
    """
    sheets = [from_csv.sheet(source, KNOWN)] if isinstance(source, str) else source.sheets
    headers = [header_of(sheet) for sheet in sheets]
    tables = [_table(header) for header in headers]
    place = next((place for place, table in enumerate(tables) if table is not None), None)
    if place is None:
        return Draft(kind="unrecognised", reason=_unlike(headers))
    table, sheet, header = tables[place], sheets[place], headers[place]
    assert table is not None
    remarks = Remarks()
    for other, unread in zip(sheets[place + 1 :], tables[place + 1 :], strict=True):
        if unread is not None:
            message = f"The sheet “{short(other.name)}” is a table too; only “{short(sheet.name)}” was read."
            remarks.findings.append(Finding("sheet_unread", None, short(other.name), None, message))
    rows = rows_of(sheet, header, remarks)
    _check_columns(table, header, rows, remarks)
    if not rows and not remarks.faults:
        remarks.faults.append(Fault(header.row, None, None, "the table has no rows below its header; fill it in"))
    draft = _draft(table, rows, vocabulary, remarks)
    if remarks.faults:
        raise refused(table.name, remarks.faults, sheet, header)
    return replace(draft, sheet=sheet.name, columns=list(header.names))


def _table(header: Header) -> Table | None:
    return next((one for one in TABLES if set(one.required) <= set(header.names)), None)


def _draft(table: Table, rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> Draft:
    if table is PLAN:
        return Draft(kind="plan", plan=plan_table.plan(rows, vocabulary, remarks), findings=remarks.findings)
    if table is ASSESSMENTS:
        found = assessment_table.assessments(rows, vocabulary, remarks)
        return Draft(kind="assessments", assessments=found, findings=remarks.findings)
    return Draft(kind="report", reports=progress_table.reports(rows, vocabulary, remarks), findings=remarks.findings)


def _unlike(headers: Sequence[Header]) -> str:
    """Why a table is none of ours; of several sheets, why the one is none that has most of our columns."""
    names = max(
        (header.names for header in headers), key=lambda names: sum(name in KNOWN for name in names), default=()
    )
    missing = {table.name: [name for name in table.required if name not in names] for table in reversed(TABLES)}
    nearest = sorted(missing, key=lambda name: len(missing[name]))
    lacks = "; ".join(f"for {_a(name)} table it lacks {', '.join(missing[name])}" for name in nearest)
    return f"this is no table that we read: {lacks}. docs/tables.md describes each, column by column"


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _check_columns(table: Table, header: Header, rows: Sequence[Row], remarks: Remarks) -> None:
    """A column twice is a fault; one that we do not know is a finding, so that nothing is dropped unseen."""
    for name in dict.fromkeys(header.names):
        if header.names.count(name) > 1:
            message = f"there are {header.names.count(name)} columns of this name; keep one"
            remarks.faults.append(Fault(header.row, name, name, message))
        elif name not in (*table.columns, *table.exported, *ASIDE):
            filled = sum(name in row.cells for row in rows)
            if filled or not name.startswith("column "):
                message = (
                    f"The {table.name} table has no column “{short(name)}”; its {filled} filled cells are not read."
                )
                remarks.findings.append(Finding("column_unknown", short(name), None, header.row, message))
