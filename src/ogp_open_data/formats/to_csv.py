"""CSV by RFC 4180: the header of a noun and the line of a record, safe to open in a spreadsheet.

A text cell that a spreadsheet would run as a formula gets an apostrophe in front; `unguard` takes it off again, so nothing is
lost. The line is made once, when a release is made, and stored beside the JSON.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import astuple

from ogp_open_data.records import NOUNS, Record, Source

# = + - @ and their full-width forms, tab, CR, LF: also behind white space, quotes or apostrophes (OWASP ASVS 5.0, 1.2.10).
FORMULA = re.compile("^'*[\\s\"]*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]")
QUOTED = re.compile('[",\r\n]|^\\s|\\s$')
SIGNS = frozenset("'=+-@\uff1d\uff0b\uff0d\uff20")
SOURCE_FIELDS = Source.__struct_fields__


def columns(noun: str) -> list[str]:
    """Column names in their fixed order; `source` is spread as `source_url` and so on."""
    return [column for field in NOUNS[noun].__struct_fields__ for column in _columns_of(field)]


def _columns_of(field: str) -> list[str]:
    return [f"source_{name}" for name in SOURCE_FIELDS] if field == "source" else [field]


def header(noun: str, fields: Iterable[str] | None = None) -> str:
    """The first line, without its line end; only some fields when they are named."""
    chosen = NOUNS[noun].__struct_fields__ if fields is None else fields
    return ",".join(column for field in chosen for column in _columns_of(field))


def line(record: Record, fields: Iterable[str] | None = None) -> str:
    """The line of a record, without its line end; only some fields when they are named."""
    values = astuple(record) if fields is None else [getattr(record, field) for field in fields]
    return ",".join(_cells(values))


def line_of(noun: str, told: Mapping[str, Any]) -> str:
    """The line of a record that is told as JSON; its values are taken as they are, also those that no struct of ours takes."""
    values = list(map(told.get, NOUNS[noun].__struct_fields__))
    if isinstance(source := told.get("source"), Mapping):
        place = NOUNS[noun].__struct_fields__.index("source")
        values[place] = Source(**{name: source.get(name) for name in SOURCE_FIELDS})
    return ",".join(_cells(values))


def _cells(values: Iterable[Any]) -> list[str]:
    return ["" if one is None else one if isinstance(one, str) and _plain(one) else _cell(one) for one in values]


def _plain(text: str) -> bool:
    """Whether a text is certainly neither guarded nor quoted, as nine in ten: looked at in a third of the time of the patterns."""
    return (
        '"' not in text
        and "," not in text
        and "\n" not in text
        and "\r" not in text
        and text[:1] not in SIGNS
        and text.strip() == text
    )


def _cell(value: Any) -> str:
    """A value as a cell; a source as several, with commas between them."""
    if isinstance(value, int):
        return plain(value)
    if isinstance(value, str):
        return _quote(guard(value))
    if isinstance(value, list):
        return _quote(guard(plain(value))) if value else ""
    if isinstance(value, Source):
        return ",".join(_cells(astuple(value)))
    return _quote(plain(value))


def plain(value: Any) -> str:
    """A value as unguarded text: lists of scalars joined with |, other nested values as JSON, null empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value).lower()
    if isinstance(value, list):
        if all(isinstance(one, str) for one in value):
            return "|".join(one.replace("\\", "\\\\").replace("|", "\\|") for one in value)
        return msgspec.json.encode(value, order="sorted").decode()
    return str(msgspec.to_builtins(value))


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def guard(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run."""
    return "'" + text if FORMULA.match(text) else text


def unguard(cell: str) -> str:
    """The text that `guard` was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell
