"""The columns of a noun as a table: what each holds, in the order of the CSV. Typed formats and schemas are made from it."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from ogp_open_data import schemas
from ogp_open_data.formats import to_csv
from ogp_open_data.records import NOUNS, Record

# `list` is of texts without order or nesting; `json` is anything deeper, as JSON text.
Kind = Literal["text", "integer", "boolean", "date", "instant", "list", "json"]
KINDS: dict[tuple[str, str | None], Kind] = {
    ("string", None): "text",
    ("string", "date"): "date",
    ("string", "date-time"): "instant",
    ("integer", None): "integer",
    ("boolean", None): "boolean",
}
# Columns that hold the id of another record, and of which noun. A parent may be an organisation that we do not publish.
REFERS = {
    "plan": "plans",
    "commitment": "commitments",
    "report": "reports",
    "milestone": "milestones",
    "latest_report": "reports",
    "status_report": "reports",
}


class Column(Struct, frozen=True, kw_only=True):
    """One column: `field` is the record's, and `part` names what is spread of it (`source`, `url` → `source_url`)."""

    name: str
    field: str
    part: str | None
    kind: Kind
    required: bool
    description: str | None
    pattern: str | None
    minimum: int | None

    @property
    def refers(self) -> str | None:
        """The noun whose id it holds."""
        return REFERS.get(self.name)

    def value(self, record: Record) -> Any:
        """What a record has here: str, int, bool, date, datetime, list or None."""
        value = getattr(record, self.field)
        return value if self.part is None else getattr(value, self.part)


def table(noun: str, fields: Sequence[str] | None = None) -> list[Column]:
    """The columns of a noun in their fixed order; those of some fields, in the order of the fields, where they are named."""
    by_field: dict[str, list[Column]] = {field: [] for field in NOUNS[noun].__struct_fields__}
    for column in _all(noun):
        by_field[column.field].append(column)
    return [column for field in (by_field if fields is None else fields) for column in by_field[field]]


@cache
def _all(noun: str) -> tuple[Column, ...]:
    schema = schemas.schema(noun)
    found = []
    for field, one in schema["properties"].items():
        if field == "source":
            parts = schema["$defs"]["Source"]["properties"]
            found += [_column(f"source_{part}", field, part, parts[part]) for part in to_csv.SOURCE_FIELDS]
        else:
            found.append(_column(field, field, None, one))
    return tuple(found)


def _column(name: str, field: str, part: str | None, schema: dict[str, Any]) -> Column:
    """A column from the JSON Schema of its values."""
    choices = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    value = {**choices[0], **{key: schema[key] for key in ("description",) if key in schema}}
    return Column(
        name=name,
        field=field,
        part=part,
        kind=_kind(value),
        # An empty list is an empty cell.
        required="anyOf" not in schema and value.get("type") != "array",
        description=value.get("description"),
        pattern=value.get("pattern"),
        minimum=value.get("minimum"),
    )


def _kind(value: dict[str, Any]) -> Kind:
    if value.get("type") == "array":
        return "list" if value["items"].get("type") == "string" else "json"
    return KINDS[value["type"], value.get("format")]
