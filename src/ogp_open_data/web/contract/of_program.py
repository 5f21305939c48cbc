"""Addresses of the program itself: the index, schemas, health."""

from collections.abc import Iterable
from typing import Any

from ogp_open_data.records import NOUNS
from ogp_open_data.web.contract.operations import EVERYWHERE, in_path, named, ok, operations, problems, unchanged


def paths() -> dict[str, Any]:
    return {
        "/v1": _plain("index", "Links to everything, and the current release", "Index", ("400", "503")),
        "/schemas/v1/{noun}.json": _schema_path(),
        "/livez": _health("livez", "Whether the program runs", ()),
        "/readyz": _health("readyz", "Whether it can answer from its database", ("503",)),
    }


def _plain(id: str, summary: str, schema: str, statuses: Iterable[str]) -> dict[str, Any]:
    content = {"application/json": {"$ref": f"#/components/schemas/{schema}"}}
    operation = {
        "summary": summary,
        "responses": {"200": ok(summary, content), "304": unchanged(), **problems([*statuses, "405"])},
    }
    return operations(id, "about", operation)


def _health(id: str, summary: str, statuses: Iterable[str]) -> dict[str, Any]:
    answered = {
        "description": summary,
        "headers": named(EVERYWHERE),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}},
    }
    return operations(id, "about", {"summary": summary, "responses": {"200": answered, **problems([*statuses, "405"])}})


def _schema_path() -> dict[str, Any]:
    noun = in_path("noun", "The noun.", {"type": "string", "enum": list(NOUNS)})
    content = {"application/schema+json": {"type": "object"}}
    responses = {"200": ok("The schema.", content), "304": unchanged(), **problems(["400", "404", "405"])}
    operation = {"summary": "JSON Schema of a noun's records", "parameters": [noun], "responses": responses}
    return operations("schema", "about", operation)
