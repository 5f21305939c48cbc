"""A table in JSON: a list of objects (or `data` with one, as our own lists are), a row each, or an object a line."""

import json
from collections.abc import Sequence
from typing import Any

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading import characters
from ogp_open_data.intake.reading.sheet import MAX_COLUMNS, MAX_ROWS, Fault, Sheet, Workbook


def workbook(text: str, by_line: bool = False) -> Workbook:
    """The objects of a text as rows, numbered from 1 (by line: the number of their line); the names in the order they come.

    Raises DocumentRefused, with the line or the row, for what is no JSON, has a name twice in an object, or is no table.
    """
    found = _lines(text) if by_line else list(enumerate(_list(_decoded(text)), 1))
    if len(found) > MAX_ROWS:
        raise DocumentRefused(f"the table has more than {MAX_ROWS:,} rows; send it in parts")
    for number, one in found:
        if not isinstance(one, dict):
            raise DocumentRefused(f'row {number} is no object; each row of a table is one: {{"plan": …}}')
    found = [(number, _flat(one)) for number, one in found]
    names = list(dict.fromkeys(name for _, one in found for name in one))
    if len(names) > MAX_COLUMNS:
        raise DocumentRefused(f"the rows have more than {MAX_COLUMNS} different names; is this a table?")
    faults: list[Fault] = []
    records = [(number, [_text(one.get(name), number, name, faults) for name in names]) for number, one in found]
    filled = [(number, cells) for number, cells in records if any(cells)]
    return Workbook([Sheet([(0, names), *filled] if names else [], faults=faults)])


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose nested objects are spread, as in our CSV: `source` becomes `source_url` and so on."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}_{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _list(value: Any) -> Sequence[Any]:
    rows = value.get("data") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise DocumentRefused("this JSON is no table: give a list of objects, a row each")
    return rows


def _lines(text: str) -> list[tuple[int, Any]]:
    return [(number, _decoded(line, number)) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _decoded(text: str, line: int = 1) -> Any:
    """JSON as RFC 8259 has it. Raises DocumentRefused."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise DocumentRefused(f"line {at}, column {error.colno}: this is no JSON ({error.msg})", line=at) from None
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise DocumentRefused(f"this JSON is not read: {why}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has the name {next(name for name in names if names.count(name) > 1)[:60]!r} twice")
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _text(value: Any, row: int, column: str, faults: list[Fault]) -> str:
    """A value as the text of a cell; lists of texts are joined with |."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _clean(value, row)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "|".join(_clean(one, row).replace("\\", "\\\\").replace("|", "\\|") for one in value)
    remedy = "write it in quotes, or 1.10 becomes 1.1" if isinstance(value, float) else "give a text"
    faults.append(Fault(row, column, str(value)[:200], f"this is no text; {remedy}"))
    return ""


def _clean(text: str, row: int) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DocumentRefused(f"row {row} has half of a surrogate pair, which is no character; mend the text") from None
    return characters.clean(text, row).strip()
