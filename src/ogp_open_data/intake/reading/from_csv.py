"""The text of a CSV file as a Sheet: each record is a row, a blank line too, and a line break in quotes ends none."""

import csv
import io
from collections.abc import Collection, Iterator
from itertools import islice

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.formats.to_csv import unguard
from ogp_open_data.intake.reading.sheet import BLANK_ROWS, MAX_CELL, MAX_ROWS, Fault, Sheet, header_of

DELIMITERS = ",;\t"


def sheet(text: str, known: Collection[str]) -> Sheet:
    """The rows of a file, cut by the delimiter that makes most `known` columns of its first one.

    A quote that is never closed is a fault of the row where it opens; what follows cannot be cut into cells.
    """
    text = text.removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=lambda one: sum(name in known for name in _names(text, one)))
    records: list[tuple[int, list[str]]] = []
    faults = []
    number = 0
    try:
        for number, record in enumerate(_records(text, delimiter), 1):
            if number - (records[0][0] if records else 0) > MAX_ROWS:
                raise DocumentRefused(f"the table has more than {MAX_ROWS:,} rows; send it in parts")
            if any(cell.strip() for cell in record):
                records.append((number, [unguard(cell) for cell in record]))
    except csv.Error as error:
        # One quote that is never closed makes all that follows one cell, beyond the limit of the csv module.
        remedy = (
            f"close every quote, double one inside a quoted cell, and put no more than {MAX_CELL:,} bytes in a cell"
        )
        message = f"the row cannot be cut into cells ({error}); {remedy}"
        faults.append(Fault(number + 1, None, None, message))
    return Sheet(records, faults=faults)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    # newline="" keeps the line breaks in quoted cells; strict refuses a quote that is never closed.
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _names(text: str, delimiter: str) -> tuple[str, ...]:
    """The column names that a delimiter makes."""
    try:
        rows = enumerate(islice(_records(text, delimiter), BLANK_ROWS), 1)
        first = next(([(number, row)] for number, row in rows if any(cell.strip() for cell in row)), [])
    except csv.Error:
        return ()
    return header_of(Sheet(first)).names
