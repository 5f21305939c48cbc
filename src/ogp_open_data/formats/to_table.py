"""Tables for offices that keep a spreadsheet: rows of texts as CSV, or as a workbook whose cells are texts."""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from ogp_open_data.formats.to_csv import guard

Rows = Sequence[Sequence[str]]
# The same table shall have the same bytes.
MADE, MOMENT = b"2000-01-01T00:00:00Z", re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TEXT = "@"
EMPTY_ROWS = 200
WIDEST = 60


def to_csv(rows: Rows, marked: bool = False) -> bytes:
    """RFC 4180 in UTF-8; `marked` begins with the mark by which Excel knows UTF-8. What would run as a formula is guarded."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([guard(cell) for cell in row] for row in rows)
    return (b"\xef\xbb\xbf" if marked else b"") + text.getvalue().encode()


def to_xlsx(sheets: Mapping[str, Rows], empty: int = 0) -> bytes:
    """A workbook; every cell is a text, so that no spreadsheet makes a date of `1-2`, or 1.1 of `1.10`.

    The first sheet has `empty` rows more, formatted alike, to be filled in.
    """
    # Loaded by who needs it: it takes 0.3 s, a third of what every command takes to begin.
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for place, (name, rows) in enumerate(sheets.items()):
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for column, width in enumerate(_widths(rows), 1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        for number, row in enumerate(rows):
            sheet.append([_cell(sheet, text, bold=number == 0) for text in row])
        for _ in range(empty if place == 0 else 0):
            sheet.append([_cell(sheet, "") for _ in rows[0]])
    body = io.BytesIO()
    book.save(body)
    return _settled(body)


def _settled(body: io.BytesIO) -> bytes:
    """A workbook without the time of its making, which stands in its properties and beside each of its parts."""
    settled = io.BytesIO()
    with zipfile.ZipFile(body) as source, zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                part = MOMENT.sub(MADE, part)
            target.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
    return settled.getvalue()


def _cell(sheet: Any, text: str, bold: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font

    cell = WriteOnlyCell(sheet, value=text)
    # Set after the value: openpyxl takes a text that begins with = for a formula.
    cell.data_type = "s"
    cell.number_format = TEXT
    cell.font = Font(bold=bold)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _widths(rows: Rows) -> list[int]:
    return [min(WIDEST, max(12, *(len(row[place]) + 2 for row in rows))) for place in range(len(rows[0]))]
