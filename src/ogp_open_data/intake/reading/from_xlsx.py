"""An Excel workbook, its cells as the spreadsheet shows them: `1.10` where it shows 1.10, `2018-06` where it shows Jun-18."""

import io
import re
from datetime import date, datetime
from typing import Any

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.formats.to_csv import unguard
from ogp_open_data.intake.reading import characters, package
from ogp_open_data.intake.reading.sheet import MAX_COLUMNS, Fault, Sheet, Workbook

# A cell has some 70 bytes of XML and seven elements and attributes: 100,000 cells, which take openpyxl two seconds.
BOUNDS = package.Bounds(
    xml=10_000_000,
    nodes=700_000,
    name="workbook",
    kind="a table",
    remedy="Save it as an Excel workbook (.xlsx) and send that.",
    smaller="Send the sheet as CSV.",
)
MAX_SHEETS = 20
# Blank ones to the left of the last of a row are met too: one cell in column XFD makes 16,384.
MAX_CELLS = 400_000
_DECIMALS = re.compile(r"0\.(0+)")
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


def workbook(body: bytes) -> Workbook:
    """Every worksheet that is not blank. Formulas give the value that was saved with them.

    Raises DocumentRefused for what is no sound and harmless workbook.
    """
    # Loaded by who needs it: it takes 0.3 s, a third of what every command takes to begin.
    import openpyxl

    safe = package.checked(body, BOUNDS)
    try:
        book = openpyxl.load_workbook(io.BytesIO(safe), read_only=True, data_only=True, keep_links=False)
        if len(book.worksheets) > MAX_SHEETS:
            raise DocumentRefused(f"The workbook has more than {MAX_SHEETS} sheets. Send the one with the table.")
        found = [_sheet(one) for one in book.worksheets]
    except DocumentRefused:
        raise
    except Exception as error:  # what openpyxl meets in a hostile workbook: KeyError, ValueError, ParseError…
        raise package.corrupt(f"{type(error).__name__}: {error}"[:120], BOUNDS) from None
    return Workbook([one for one in found if one.records])


def _sheet(worksheet: Any) -> Sheet:
    from openpyxl.utils import get_column_letter

    # What a sheet declares of its size may be wrong; without it rows and cells are read as they come.
    worksheet.reset_dimensions()
    records: list[tuple[int, list[str]]] = []
    faults = []
    met = 0
    for number, row in enumerate(worksheet.iter_rows(), 1):
        met += len(row)
        if met > MAX_CELLS:
            raise DocumentRefused(f"The sheet “{worksheet.title}” is too large to be a table. Send it as CSV.")
        cells = [_shown(cell, number) for cell in row[: MAX_COLUMNS + 1]]
        faults += [
            Fault(number, None, text, f"cell {get_column_letter(place)}{number} shows an error; mend its formula")
            for place, (cell, text) in enumerate(zip(row, cells, strict=False), 1)
            if cell.data_type == "e"
        ]
        while cells and not cells[-1]:
            cells.pop()
        if any(cells):
            records.append((number, cells))
    return Sheet(records, name=worksheet.title, faults=faults)


def _shown(cell: Any, row: int) -> str:
    """The text of a cell."""
    value = cell.value
    if isinstance(value, str):
        return unguard(characters.clean(value, row)).strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        decimals = _DECIMALS.fullmatch(cell.number_format or "")
        return f"{value:.{len(decimals[1])}f}" if decimals else str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime | date):
        return _day(value, cell.number_format or "")
    return str(value)


def _day(value: date, format: str) -> str:
    """A date at the precision that its format shows: a spreadsheet makes the first of June of a typed “June 2018”."""
    letters = _QUOTED.sub("", format).lower()
    return value.strftime("%Y-%m-%d" if "d" in letters or "m" not in letters else "%Y-%m")
