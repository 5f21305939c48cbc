"""What the answers look like, as JSON Schema: the records, which come from the structs, and the envelopes around them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ogp_open_data import schemas
from ogp_open_data.deprecations import Deprecated
from ogp_open_data.formats import Format
from ogp_open_data.intake.deciding.compare import Difference
from ogp_open_data.records import NOUNS
from ogp_open_data.web import query
from ogp_open_data.web.reads.standing import Status

TEXT = {"type": "string"}
BYTES = {"type": "string", "format": "binary"}


def components(deprecated: Sequence[Deprecated]) -> dict[str, Any]:
    """The records, of which `fields` may leave out all but the id, and the envelopes around them."""
    records = schemas.components(deprecated)
    for struct in NOUNS.values():
        records[struct.__name__] = {**records[struct.__name__], "required": ["id"]}
    uri = {"type": "string", "format": "uri"}
    licensed = {"licence": uri, "attribution": TEXT}
    return {
        **records,
        "Id": {"type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": 200, "examples": ["nz-nap2-c5"]},
        "Links": {**object_of({"self": uri}), "additionalProperties": uri},
        "ListMeta": object_of(
            {"release": {"type": "integer", "minimum": 0}, "total": {"type": "integer", "minimum": 0}, **licensed}
        ),
        "ItemMeta": object_of({"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, **licensed}),
        "Index": object_of(
            {"data": {"type": "object"}, "meta": {"type": "object"}, "links": {"$ref": "#/components/schemas/Links"}}
        ),
        "Health": {
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": {"type": "string", "examples": ["ok", "degraded"]},
                "release": {"type": "integer"},
                "standby": object_of({"release": {"type": ["integer", "null"]}, "seconds": {"type": "number"}}),
                "checks": {"type": "array", "items": {"$ref": "#/components/schemas/Check"}},
            },
        },
        **msgspec.json.schema_components([Status], ref_template="#/components/schemas/{name}")[1],
        **_happened(),
        **msgspec.json.schema_components([Difference], ref_template="#/components/schemas/{name}")[1],
        "Problem": object_of(
            {"type": uri, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "instance": uri},
            errors={
                "type": "array",
                "description": "Every fault of the request.",
                "items": object_of({"parameter": TEXT, "detail": TEXT}),
            },
            checks={
                "type": "array",
                "description": "Of `/readyz`: everything that was looked at.",
                "items": {"$ref": "#/components/schemas/Check"},
            },
        ),
    }


def _happened() -> dict[str, Any]:
    """What history is told in."""
    number, time = {"type": "integer", "minimum": 1}, {"type": "string", "format": "date-time"}
    maybe = {"type": ["string", "null"]}
    changed = {
        "change_kind": TEXT,
        "changed_fields": {"type": "array", "items": TEXT},
        "reason": maybe,
        "sha256": maybe,
    }
    whole = {
        "number": number,
        "made_at": time,
        "cause": TEXT,
        "message": maybe,
        "source": maybe,
        "changed": {"type": "integer"},
    }
    digests = {
        "counts": {"type": "object"},
        "digests": {"type": "object"},
        "plans": {"type": "object"},
        "root": TEXT,
        "url": TEXT,
        "redactions": {"type": "array", "items": _redaction()},
    }
    place = {"noun": TEXT, "id": TEXT, "version": number, "release": number}
    return {
        "Release": object_of({**whole, **digests}),
        "Change": object_of({**place, "action": TEXT, **changed, "record": {"type": ["object", "null"]}}),
        "Version": object_of(
            {
                "version": number,
                "release": number,
                "made_at": time,
                "cause": TEXT,
                **changed,
                "withdrawn": {"type": "boolean"},
            },
            source={"anyOf": [_provenance(), {"type": "null"}]},
            field=TEXT,
            value={},
        ),
    }


def _redaction() -> dict[str, Any]:
    """What is told of a version that was rewritten."""
    number = {"type": "integer", "minimum": 1}
    fields = {"type": "array", "items": TEXT}
    said = {"noun": TEXT, "id": TEXT, "version": number, "release": number, "fields": fields}
    return object_of({**said, "reason": {"type": ["string", "null"]}, "sha256_before": TEXT, "sha256_after": TEXT})


def _provenance() -> dict[str, Any]:
    """Where a version was read."""
    maybe = {"type": ["string", "null"]}
    line = {"type": ["integer", "null"], "description": "Line, paragraph of a Word document, or row of a table."}
    return object_of(
        {"sha256": TEXT, "name": maybe, "media_type": maybe, "url": maybe, "sheet": maybe, "line": line, "cell": maybe}
    )


def object_of(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def envelope(schema: str) -> dict[str, Any]:
    """A list of something that is no record."""
    return _around({"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}})


def single(schema: str) -> dict[str, Any]:
    """One thing that is no record."""
    return _around({"$ref": f"#/components/schemas/{schema}"})


def _around(data: dict[str, Any]) -> dict[str, Any]:
    return object_of({"data": data, "meta": {"type": "object"}, "links": {"$ref": "#/components/schemas/Links"}})


def list_of(noun: str, format: Format) -> dict[str, Any]:
    if format.suffix != "json":
        return BYTES if format.rows == "built" else TEXT
    one = {"$ref": f"#/components/schemas/{NOUNS[noun].__name__}"}
    included = {
        "type": "object",
        "properties": {
            name: {"type": "array", "items": {"$ref": f"#/components/schemas/{NOUNS[name].__name__}"}}
            for name in query.INCLUDES[noun]
        },
    }
    properties = {
        "data": {"type": "array", "items": one, "maxItems": query.MOST},
        "included": included,
        "meta": {"$ref": "#/components/schemas/ListMeta"},
        "links": {"$ref": "#/components/schemas/Links"},
    }
    return {"type": "object", "required": ["data", "meta", "links"], "properties": properties}


def item_of(noun: str, format: Format) -> dict[str, Any]:
    if format.suffix != "json":
        return BYTES if format.rows == "built" else TEXT
    properties = {
        "data": {"$ref": f"#/components/schemas/{NOUNS[noun].__name__}"},
        "included": {"type": "object"},
        "meta": {"$ref": "#/components/schemas/ItemMeta"},
        "links": {"$ref": "#/components/schemas/Links"},
    }
    return {"type": "object", "required": ["data", "meta", "links"], "properties": properties}
