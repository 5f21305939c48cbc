"""Addresses of the program itself: the index, the contract and its docs, schemas, well-known places, health."""

from collections.abc import Iterable
from typing import Any

from ogp_open_data import errors
from ogp_open_data.intake.reading import templates
from ogp_open_data.intake.reading.documents import CSV, XLSX
from ogp_open_data.records import NOUNS
from ogp_open_data.web import sunset
from ogp_open_data.web.contract.operations import EVERYWHERE, in_path, named, ok, operations, problems, unchanged
from ogp_open_data.web.shapes import TEXT

OBJECT = {"type": "object"}
INDEX = {"$ref": "#/components/schemas/Index"}


def paths() -> dict[str, Any]:
    noun = in_path("noun", "The noun.", {"type": "string", "enum": list(NOUNS)})
    code = in_path("code", "The error.", {"type": "string", "enum": [one.code for one in errors.every()]})
    schema = "application/schema+json"
    return {
        "/v1": _document("index", "Links to everything, and the current release", "application/json", INDEX, ("503",)),
        "/openapi.json": _document("openapi", "This contract", "application/json", OBJECT),
        "/schemas/v1/{noun}.json": _document("schema", "JSON Schema of a noun's records", schema, OBJECT, (), [noun]),
        "/templates/{name}": _templates(),
        "/docs": _document("docs", "The contract for people", "text/html", TEXT),
        "/docs/errors": _document("errors", "Every error there is", "text/html", TEXT),
        "/docs/errors/{code}": _document("error", "What an error means", "text/html", TEXT, (), [code]),
        sunset.PAGE: _document("deprecations", "What is on its way out", "text/html", TEXT),
        "/robots.txt": _document("robots", "For crawlers", "text/plain", TEXT),
        "/.well-known/security.txt": _document(
            "security", "Whom to tell of a hole (RFC 9116)", "text/plain", TEXT, ("404", "503")
        ),
        "/.well-known/api-catalog": _document(
            "catalog", "Where the API is told of (RFC 9727)", "application/linkset+json", OBJECT
        ),
        "/livez": _health("livez", "Whether the program runs", ()),
        "/metrics": _health("metrics", "Figures for Prometheus", (), {"text/plain": {"schema": TEXT}}),
        "/readyz": _health("readyz", "Whether it can answer from its database, and what is wrong", ("503",)),
        "/status": _health("status_page", "Where the publication stands, for people", ("503",), PAGE),
        "/status.json": _health("status", "Where the publication stands", (), STATUS),
    }


def _document(
    id: str,
    summary: str,
    media_type: str,
    schema: dict[str, Any],
    statuses: Iterable[str] = (),
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A document that takes no query, and in its path at most one variable."""
    known = {*statuses, "400", "405", "414", *(["404"] if parameters else [])}
    responses = {"200": ok(summary, {media_type: schema}), "304": unchanged(), **problems(known)}
    return operations(id, "about", {"summary": summary, "parameters": parameters or [], "responses": responses})


def _templates() -> dict[str, Any]:
    name = in_path("name", "The table and its format.", {"type": "string", "enum": templates.NAMES})
    summary = "A blank table for an office that keeps a spreadsheet"
    content = {CSV: TEXT, XLSX: {"type": "string", "contentMediaType": XLSX}}
    responses = {"200": ok(summary, content, bulk=True), "304": unchanged(), **problems(["400", "404", "405", "414"])}
    return operations("template", "about", {"summary": summary, "parameters": [name], "responses": responses})


PAGE = {"text/html": {"schema": TEXT}, "application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
STATUS = {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
HEALTH = {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}


def _health(id: str, summary: str, statuses: Iterable[str], content: dict[str, Any] = HEALTH) -> dict[str, Any]:
    """What operators ask: never kept, and of now."""
    answered = {"description": summary, "headers": named(EVERYWHERE), "content": content}
    known = problems([*statuses, "400", "405", "414"])
    return operations(id, "about", {"summary": summary, "responses": {"200": answered, **known}})
