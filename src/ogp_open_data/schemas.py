"""The published JSON Schemas of the nouns, made from the structs; `schemas/v1/*.json` are their copies in the repository."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ogp_open_data.deprecations import DEPRECATED, Deprecated
from ogp_open_data.records import NOUNS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Of the contract as a whole: schemas, OpenAPI, CSV columns. CONTRIBUTING.md tells when to raise it.
VERSION = "1.1.0"


def components(deprecated: Sequence[Deprecated] = DEPRECATED) -> dict[str, Any]:
    """Every struct's schema by its name, referring to each other under `#/components/schemas/`."""
    _, found = msgspec.json.schema_components(list(NOUNS.values()), ref_template="#/components/schemas/{name}")
    found = {name: _always_given(schema) for name, schema in found.items()}
    for noun, struct in NOUNS.items():
        found[struct.__name__] = _marked(found[struct.__name__], noun, deprecated)
    return found


def _always_given(schema: dict[str, Any]) -> dict[str, Any]:
    """Records are published whole: every property is always there, so none has a default to fall back on."""
    if schema.get("type") != "object":
        return schema
    properties = {
        name: {key: value for key, value in one.items() if key != "default"}
        for name, one in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": sorted(properties)}


def _marked(schema: dict[str, Any], noun: str, deprecated: Sequence[Deprecated]) -> dict[str, Any]:
    """The schema of a noun's records, with `deprecated` at the fields of the table."""
    going = {one.field for one in deprecated if one.field and one.address == f"/v1/{noun}"}
    properties = {
        name: one | ({"deprecated": True} if name in going else {}) for name, one in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def schema(noun: str, deprecated: Sequence[Deprecated] = DEPRECATED) -> dict[str, Any]:
    """The JSON Schema of a noun, complete in itself."""
    struct = NOUNS[noun]
    _, found = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    found = {name: _always_given(one) for name, one in found.items()}
    own = _marked(found.pop(struct.__name__), noun, deprecated)
    whole = {"$schema": DIALECT, "$id": f"/schemas/v1/{noun}.json", "version": VERSION, **own}
    return {**whole, "$defs": found} if found else whole


def text(noun: str) -> bytes:
    """The schema's file: deterministic, indented, one line end."""
    return msgspec.json.format(msgspec.json.encode(schema(noun), order="sorted"), indent=2) + b"\n"


def write(directory: Path) -> list[Path]:
    """Write the files; the paths of those that changed."""
    changed = []
    for noun in NOUNS:
        path = directory / "v1" / f"{noun}.json"
        if not path.exists() or path.read_bytes() != text(noun):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text(noun))
            changed.append(path)
    return changed


def stale(directory: Path) -> list[str]:
    """The nouns whose file is not what the structs say."""
    return [n for n in NOUNS if not (p := directory / "v1" / f"{n}.json").exists() or p.read_bytes() != text(n)]
