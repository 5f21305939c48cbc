"""The OpenAPI 3.1 document, made from the tables that the program runs by: nouns, formats, parameters, errors.

One module for each family of addresses gives its paths; `operations` has what they are made of.
"""

from collections.abc import Sequence
from typing import Any

from ogp_open_data import __version__, schemas
from ogp_open_data.deprecations import DEPRECATED, Deprecated
from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.web import shapes, sunset
from ogp_open_data.web.contract import of_catalogue, of_feeds, of_history, of_program, of_publishing, of_records
from ogp_open_data.web.contract.operations import headers, responses

VERSION = schemas.VERSION
FAMILIES = (of_records, of_catalogue, of_history, of_feeds, of_program, of_publishing)


def openapi(settings: Settings, base: str, deprecated: Sequence[Deprecated] = DEPRECATED) -> dict[str, Any]:
    """The whole document; `base` is the public address."""
    paths = _paths()
    document = {
        "openapi": "3.1.0",
        "jsonSchemaDialect": schemas.DIALECT,
        "info": _info(settings),
        "servers": [{"url": base, "x-internal": False}],
        "security": [{}],
        "tags": [{"name": noun, "description": (struct.__doc__ or "").strip()} for noun, struct in NOUNS.items()]
        + [
            {"name": "history", "description": "What happened."},
            {"name": "feeds", "description": "What happened, for feed readers."},
            {"name": "about", "description": "The program itself."},
            {"name": of_publishing.TAG, "description": "Changes, by those who have a key."},
        ],
        "paths": paths,
        "components": {
            "schemas": {**shapes.components(deprecated), **of_publishing.schemas()},
            "headers": headers(),
            "responses": _used(responses(), paths),
            "securitySchemes": of_publishing.SECURITY,
        },
    }
    return sunset.marked(document, deprecated)


def _paths() -> dict[str, Any]:
    """The operations of every path; an address that can be read and changed is of two families."""
    found: dict[str, Any] = {}
    for family in FAMILIES:
        for path, operations in family.paths().items():
            found[path] = {**found.get(path, {}), **operations}
    return found


def _used(responses: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Those responses that an operation refers to: what only writes answer has no twin for HEAD."""
    referred = {
        answer.get("$ref", "").rpartition("/")[2]
        for operations in paths.values()
        for operation in operations.values()
        for answer in operation["responses"].values()
    }
    return {name: one for name, one in responses.items() if name in referred}


def _info(settings: Settings) -> dict[str, Any]:
    info: dict[str, Any] = {
        "title": "Open Government Partnership plans, commitments and progress",
        "version": VERSION,
        "summary": f"Published by {settings.publisher}; program version {__version__}.",
        "description": "Every list can be asked for as JSON, CSV, NDJSON or Atom, now or as of any release.",
        "license": {"name": settings.licence_name, "url": settings.licence_url},
    }
    if settings.contact:
        kind = "email" if settings.contact.startswith("mailto:") else "url"
        info["contact"] = {"name": settings.publisher, kind: settings.contact.removeprefix("mailto:")}
    return info
