"""A table as a spreadsheet: every text is a text, never a formula, a number or a date that Excel made of it.

A row is written as it comes and no more than one is in memory. The same rows and the same `about` are the same bytes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from ogp_open_data.formats import to_csv
from ogp_open_data.formats.about import About
from ogp_open_data.formats.columns import Column, table
from ogp_open_data.records import NOUNS

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

# Excel's own limit is 1,048,575; this many take the writer about half a minute, and no reader looks through more.
MOST_ROWS = 100_000
# Of UTF-16, in a cell (Excel's limit).
MOST_CHARACTERS = 32_767
CUT = " … [cut: a cell holds 32,767 characters; CSV and JSON have all of it]"
# Excel's calendar has a 29 February 1900.
FIRST_DAY = date(1900, 3, 1)
WIDTHS = {"text": 24, "integer": 9, "boolean": 9, "date": 11, "instant": 21, "list": 30, "json": 30}
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def write(out: BinaryIO, noun: str, lines: Iterable[bytes], fields: Sequence[str] | None, about: About) -> None:
    """Write records (batches of NDJSON) as a workbook."""
    # When it is first needed: a program that starts has no time for it.
    import xlsxwriter

    columns = table(noun, fields)
    book = xlsxwriter.Workbook(out, OPTIONS)
    book.set_properties(
        {
            "title": about.title,
            "author": about.publisher,
            "comments": f"{about.licence_name} ({about.licence_url}). {about.address}",
            "created": about.made_at.astimezone(UTC).replace(tzinfo=None),
        }
    )
    sheet = book.add_worksheet(noun)
    _rows(book, sheet, noun, columns, lines)
    _about(book, about)
    book.close()


def _rows(book: "Workbook", sheet: "Worksheet", noun: str, columns: Sequence[Column], lines: Iterable[bytes]) -> None:
    """The table, under a header that stays in sight."""
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    # Else Excel puts a green corner on every 2 and 1.01.
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    for place, column in enumerate(columns):
        sheet.set_column(place, place, WIDTHS[column.kind])
        sheet.write_string(0, place, column.name, bold)
    decoder = msgspec.json.Decoder(NOUNS[noun])
    for row, record in enumerate((one for batch in lines for one in decoder.decode_lines(batch)), 1):
        for place, column in enumerate(columns):
            _cell(sheet, row, place, column.value(record), day)


def _cell(sheet: "Worksheet", row: int, place: int, value: Any, day: "Format") -> None:
    """A value in its own type; nothing where there is none."""
    if value is None or value == []:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int):
        sheet.write_number(row, place, value)
    elif isinstance(value, date) and not isinstance(value, datetime) and value >= FIRST_DAY:
        sheet.write_datetime(row, place, value, day)
    else:
        sheet.write_string(row, place, _fitting(to_csv.plain(value)))


def _fitting(text: str) -> str:
    """A text, cut where a cell would not hold it."""
    if len(text) * 2 <= MOST_CHARACTERS or len(units := text.encode("utf-16-le")) <= 2 * MOST_CHARACTERS:
        return text
    return units[: 2 * (MOST_CHARACTERS - len(CUT))].decode("utf-16-le", "ignore") + CUT


def _about(book: "Workbook", about: About) -> None:
    """A second sheet: what the file is, whose it is and what may be done with it."""
    sheet = book.add_worksheet("about")
    sheet.set_column(0, 0, WIDTHS["text"])
    for row, (name, value) in enumerate(about.facts().items()):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, value)
