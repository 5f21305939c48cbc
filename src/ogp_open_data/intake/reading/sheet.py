"""A table as rows that know their number in a spreadsheet, whatever file it came in, and its faults, told together.

file → Sheet (from_csv, from_xlsx, from_json) → Header (names) → Rows
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.records import Finding

MAX_ROWS = 100_000
MAX_COLUMNS = 200
# Bytes of UTF-8.
MAX_CELL = 100_000
# Rows before the header that may be blank.
BLANK_ROWS = 100
# How many faults are told: in the message for people, and in `errors` for programs.
TOLD, COUNTED = 20, 1_000
# What our own exports and returned rows have beside what a table says: known, and never read.
ASIDE = frozenset(
    (
        *("id", "url", "version", "release", "report", "row", "error"),
        *("source_sha256", "source_media_type", "source_retrieved_at"),
    )
)
_LIST_ITEM = re.compile(r"(?:\\.|[^|])+", re.DOTALL)


class Fault(Struct, frozen=True):
    """What must be mended before a table is imported."""

    row: int
    column: str | None
    value: str | None
    message: str


class Sheet(Struct, frozen=True):
    """The rows of a table that are not blank, each with the number that a spreadsheet shows; `faults` of the file itself."""

    records: list[tuple[int, list[str]]]
    name: str | None = None
    faults: list[Fault] = []


class Workbook(Struct, frozen=True):
    """The sheets of a file that are not blank."""

    sheets: list[Sheet]


class Header(Struct, frozen=True):
    """The row of column names: as they are compared, and as they are printed."""

    row: int
    names: tuple[str, ...]
    printed: tuple[str, ...] = ()


class Row(Struct, frozen=True):
    """The cells of a row that are not empty, by column."""

    number: int
    cells: dict[str, str]

    def get(self, column: str) -> str | None:
        return self.cells.get(column)


class Remarks(Struct):
    """What was noticed on the way: faults refuse the table, findings are published with it."""

    faults: list[Fault] = []
    findings: list[Finding] = []

    def fault(self, row: Row, column: str, message: str) -> None:
        self.faults.append(Fault(row.number, column, short(row.get(column)), message))

    def finding(self, code: str, field: str, raw: str | None, row: Row, message: str) -> None:
        self.findings.append(Finding(code, field, raw, row.number, message))


def header_of(sheet: Sheet) -> Header:
    """The first row that is not blank, among the first BLANK_ROWS; else nameless.

    Names are in lower case and joined by underscores; a column without one is called by its place (“column 3”).
    """
    if not sheet.records or sheet.records[0][0] > BLANK_ROWS:
        return Header(1, ())
    number, cells = sheet.records[0]
    printed = tuple(cells[:MAX_COLUMNS])
    return Header(number, tuple(_name(cell, place) for place, cell in enumerate(printed, 1)), printed)


def rows_of(sheet: Sheet, header: Header, remarks: Remarks) -> list[Row]:
    """The rows below the header that are not blank. Raises DocumentRefused beyond MAX_ROWS."""
    remarks.faults += sheet.faults
    records = [(number, cells) for number, cells in sheet.records if number > header.row]
    if records and records[-1][0] - header.row > MAX_ROWS:
        raise DocumentRefused(f"the table has more than {MAX_ROWS:,} rows; send it in parts")
    rows = [_row(number, cells, header, remarks) for number, cells in records]
    return [row for row in rows if row.cells]


def items(cell: str | None) -> list[str]:
    """The items of a cell that are joined with |; \\| is a bar inside one."""
    found = [re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL).strip() for item in _LIST_ITEM.findall(cell or "")]
    return [item for item in found if item]


def short(text: str | None) -> str | None:
    """A text as it is quoted in a message."""
    return text if text is None or len(text) <= 200 else text[:199] + "…"


def refused(name: str, faults: Sequence[Fault], sheet: Sheet, header: Header) -> DocumentRefused:
    """One refusal of all faults of a table, by row; `errors` has them as {row, column, value, message}.

    `rejected` of the refusal are the rows that have faults, as they stand in the table, with what is wrong beside them.
    """
    ordered = sorted(faults, key=lambda fault: (fault.row, fault.column or ""))
    told = [_told(fault) for fault in ordered[:TOLD]]
    if len(ordered) > TOLD:
        told.append(f"and {len(ordered) - TOLD:,} more")
    count = f"{len(ordered):,} faults" if len(ordered) > 1 else "a fault"
    detail = f"the {name} table has {count}, and nothing of it was imported:\n" + "\n".join(told)
    refusal = DocumentRefused(detail, errors=[msgspec.to_builtins(fault) for fault in ordered[:COUNTED]])
    refusal.rejected = _rejected(ordered, sheet, header)
    return refusal


def _rejected(faults: Sequence[Fault], sheet: Sheet, header: Header) -> list[list[str]]:
    """The header, and the rows with faults, both with two columns more: the row's number, and what is wrong in it."""
    kept = [place for place, name in enumerate(header.names) if name not in ("row", "error")]
    messages: dict[int, list[str]] = {}
    for fault in faults:
        messages.setdefault(fault.row, []).append(f"{fault.column}: {fault.message}" if fault.column else fault.message)
    records = {number: cells for number, cells in sheet.records if number != header.row}
    table = [[*(header.printed[place] for place in kept), "row", "error"]]
    for number, said in messages.items():
        cells = records.get(number, [])
        table.append([*(_at(cells, place) for place in kept), str(number), "; ".join(said)])
    return table


def _at(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _told(fault: Fault) -> str:
    column = f", column {fault.column}" if fault.column else ""
    value = f" (“{fault.value}”)" if fault.value else ""
    return f"row {fault.row}{column}{value}: {fault.message}"


def _name(cell: str, place: int) -> str:
    return "_".join(re.split(r"[\s_-]+", cell.strip().lower())) or f"column {place}"


def _row(number: int, record: Sequence[str], header: Header, remarks: Remarks) -> Row:
    cells = {
        name: text
        for name, cell in zip(header.names, record, strict=False)
        if cell and (text := cell.replace("\r\n", "\n").strip())
    }
    row = Row(number, cells)
    beyond = next((cell for cell in record[len(header.names) :] if cell.strip()), None)
    if beyond is not None:
        message = (
            f"the row has {len(record)} cells, the header {len(header.names)}; quote a cell that holds the delimiter"
        )
        remarks.faults.append(Fault(number, None, short(beyond), message))
    for name, cell in cells.items():
        # A character has four bytes at the most: most cells need no counting.
        if len(cell) * 4 > MAX_CELL and len(cell.encode()) > MAX_CELL:
            remarks.fault(row, name, f"the cell has more than {MAX_CELL:,} bytes; shorten it")
    return row
