"""A CSV file as rows that know their number in a spreadsheet, and the faults that are found in them, told together.

text → Header (delimiter, names) → Rows
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.formats.to_csv import unguard
from ogp_open_data.records import Finding

MAX_ROWS = 100_000
MAX_COLUMNS = 200
# Bytes of UTF-8.
MAX_CELL = 100_000
DELIMITERS = ",;\t"
# Rows before the header that may be blank.
BLANK_ROWS = 100
# How many faults are told: in the message for people, and in `errors` for programs.
TOLD, COUNTED = 20, 1_000
_LIST_ITEM = re.compile(r"(?:\\.|[^|])+", re.DOTALL)


class Header(Struct, frozen=True):
    """The row of column names. `row` counts as a spreadsheet does: each record is a row, a blank line too."""

    delimiter: str
    row: int
    names: tuple[str, ...]


class Row(Struct, frozen=True):
    """The cells of a row that are not empty, by column."""

    number: int
    cells: dict[str, str]

    def get(self, column: str) -> str | None:
        return self.cells.get(column)


class Fault(Struct, frozen=True):
    """What must be mended before a table is imported."""

    row: int
    column: str | None
    value: str | None
    message: str


class Remarks(Struct):
    """What was noticed on the way: faults refuse the table, findings are published with it."""

    faults: list[Fault] = []
    findings: list[Finding] = []

    def fault(self, row: Row, column: str, message: str) -> None:
        self.faults.append(Fault(row.number, column, short(row.get(column)), message))

    def finding(self, code: str, field: str, raw: str | None, row: Row, message: str) -> None:
        self.findings.append(Finding(code, field, raw, row.number, message))


def header_of(text: str, known: Collection[str]) -> Header:
    """The first row that is not blank, cut by the delimiter that makes most `known` columns; else nameless.

    Names are in lower case and joined by underscores; a column without one is called by its place (“column 3”).
    """
    found = [_first(text, delimiter) for delimiter in DELIMITERS]
    return max(found, key=lambda header: sum(name in known for name in header.names))


def rows_of(text: str, header: Header, remarks: Remarks) -> list[Row]:
    """The rows below the header that are not blank. Raises DocumentRefused beyond MAX_ROWS."""
    rows = []
    number = 0
    try:
        for number, record in enumerate(_records(text, header.delimiter), 1):
            if number - header.row > MAX_ROWS:
                raise DocumentRefused(f"the table has more than {MAX_ROWS:,} rows; send it in parts")
            row = _row(number, record, header, remarks) if number > header.row else None
            if row is not None and row.cells:
                rows.append(row)
    except csv.Error as error:
        # One quote that is never closed makes all that follows one cell, beyond the limit of the csv module.
        remedy = (
            f"close every quote, double one inside a quoted cell, and put no more than {MAX_CELL:,} bytes in a cell"
        )
        message = f"the row cannot be cut into cells ({error}); {remedy}"
        remarks.faults.append(Fault(number + 1, None, None, message))
    return rows


def items(cell: str | None) -> list[str]:
    """The items of a cell that are joined with |; \\| is a bar inside one."""
    found = [re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL).strip() for item in _LIST_ITEM.findall(cell or "")]
    return [item for item in found if item]


def short(text: str | None) -> str | None:
    """A text as it is quoted in a message."""
    return text if text is None or len(text) <= 200 else text[:199] + "…"


def refused(name: str, faults: Sequence[Fault]) -> DocumentRefused:
    """One refusal of all faults of a table, by row; `errors` has them as {row, column, value, message}."""
    ordered = sorted(faults, key=lambda fault: (fault.row, fault.column or ""))
    told = [_told(fault) for fault in ordered[:TOLD]]
    if len(ordered) > TOLD:
        told.append(f"and {len(ordered) - TOLD:,} more")
    count = f"{len(ordered):,} faults" if len(ordered) > 1 else "a fault"
    detail = f"the {name} table has {count}, and nothing of it was imported:\n" + "\n".join(told)
    return DocumentRefused(detail, errors=[msgspec.to_builtins(fault) for fault in ordered[:COUNTED]])


def _told(fault: Fault) -> str:
    column = f", column {fault.column}" if fault.column else ""
    value = f" (“{fault.value}”)" if fault.value else ""
    return f"row {fault.row}{column}{value}: {fault.message}"


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    # newline="" keeps the line breaks in quoted cells; strict refuses a quote that is never closed.
    return csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True)


def _first(text: str, delimiter: str) -> Header:
    try:
        for number, record in enumerate(islice(_records(text, delimiter), BLANK_ROWS), 1):
            if any(cell.strip() for cell in record):
                names = [_name(cell, place) for place, cell in enumerate(record[:MAX_COLUMNS], 1)]
                return Header(delimiter, number, tuple(names))
    except csv.Error:
        pass
    return Header(delimiter, 1, ())


def _name(cell: str, place: int) -> str:
    return "_".join(re.split(r"[\s_-]+", cell.strip().lower())) or f"column {place}"


def _row(number: int, record: Sequence[str], header: Header, remarks: Remarks) -> Row:
    cells = {
        name: text
        for name, cell in zip(header.names, record, strict=False)
        if cell and (text := unguard(cell).replace("\r\n", "\n").strip())
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
