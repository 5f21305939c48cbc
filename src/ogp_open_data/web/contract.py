"""The OpenAPI 3.1 document, made from the tables that the program runs by: nouns, formats, parameters, errors."""

from collections.abc import Iterable
from typing import Any

from ogp_open_data import __version__, schemas
from ogp_open_data.errors import (
    BadRequest,
    Gone,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    OpenDataError,
    StoreUnavailable,
    UriTooLong,
)
from ogp_open_data.formats import FORMATS, Format
from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.web import query, shapes
from ogp_open_data.web.query import Parameter
from ogp_open_data.web.shapes import TEXT

VERSION = "1.0.0"
# The header fields of every answer, and those of an answer that has a representation.
EVERYWHERE = {
    "Access-Control-Allow-Origin": "Always `*`.",
    "API-Version": "Semantic version of this contract.",
    "Request-Id": "Names this request in our log.",
    "Cache-Control": "How long the answer may be used again.",
}
VALIDATED = {
    "ETag": "Strong validator of these bytes.",
    "Last-Modified": "When the release (of a list) or the version (of a record) was published.",
    "Vary": "Request fields that the answer depends on.",
    "Link": "RFC 8288: next, alternate, license, describedby, service-desc.",
}
ID = {"$ref": "#/components/schemas/Id"}
ACCEPT_DATETIME = {
    "name": "Accept-Datetime",
    "in": "header",
    "description": "What stood here at this time (RFC 7089): 302 to it, unless the address names a release.",
    "schema": {"type": "string", "format": "http-date"},
    "example": "Tue, 24 Nov 2026 09:00:00 GMT",
}
ERRORS: dict[str, type[OpenDataError]] = {
    "400": BadRequest,
    "404": NotFound,
    "405": MethodNotAllowed,
    "406": NotAcceptable,
    "410": Gone,
    "414": UriTooLong,
    "503": StoreUnavailable,
}


def openapi(settings: Settings, base: str) -> dict[str, Any]:
    """The whole document; `base` is the public address."""
    paths: dict[str, Any] = {
        "/v1": _plain("index", "Links to everything, and the current release", "Index", ("400", "503"))
    }
    for noun in NOUNS:
        for format in (None, *FORMATS.values()):
            suffix = f".{format.suffix}" if format else ""
            paths[f"/v1/{noun}{suffix}"] = _operations(*_list(noun, format))
            paths[f"/v1/{noun}/{{id}}{suffix}"] = _operations(*_item(noun, format))
        paths[f"/v1/{noun}/{{id}}/versions"] = _operations(*_versions(noun))
        paths[f"/v1/{noun}/timemap"] = _operations(*_timemap(noun, of_list=True))
        paths[f"/v1/{noun}/{{id}}/timemap"] = _operations(*_timemap(noun, of_list=False))
    paths |= _history()
    paths["/schemas/v1/{noun}.json"] = _schema_path()
    paths["/livez"] = _health("livez", "Whether the program runs", ())
    paths["/readyz"] = _health("readyz", "Whether it can answer from its database", ("503",))
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": schemas.DIALECT,
        "info": _info(settings),
        "servers": [{"url": base}],
        "security": [{}],
        "tags": [{"name": noun, "description": (struct.__doc__ or "").strip()} for noun, struct in NOUNS.items()]
        + [
            {"name": "history", "description": "What happened."},
            {"name": "about", "description": "The program itself."},
        ],
        "paths": paths,
        "components": {"schemas": shapes.components(), "headers": _headers()},
    }


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


def _operations(id: str, tag: str, operation: dict[str, Any]) -> dict[str, Any]:
    """GET and HEAD of one path: the same but for the body."""
    responses = {
        status: {key: value for key, value in one.items() if key != "content"}
        for status, one in operation["responses"].items()
    }
    head = {
        **operation,
        "operationId": f"head_{id}",
        "summary": f"{operation['summary']}: only the header",
        "responses": responses,
    }
    return {"get": {**operation, "operationId": id, "tags": [tag]}, "head": {**head, "tags": [tag]}}


def _list(noun: str, format: Format | None) -> tuple[str, str, dict[str, Any]]:
    formats = [format] if format else list(FORMATS.values())
    parameters = [*(_parameter(one) for one in query.parameters(noun, format).values()), ACCEPT_DATETIME]
    statuses = ["400", "404", "405", "414", "503"] if format else ["400", "404", "405", "406", "414", "503"]
    operation = {
        "summary": f"List {noun}" + (f" as {format.suffix.upper()}" if format else ""),
        "parameters": parameters,
        "responses": {
            "200": _ok("The records.", {one.media_type: shapes.list_of(noun, one) for one in formats}, bulk=True),
            "302": _redirected(),
            "304": _unchanged(),
            **_problems(statuses),
        },
    }
    return f"list_{noun}" + (f"_{format.suffix}" if format else ""), noun, operation


def _item(noun: str, format: Format | None) -> tuple[str, str, dict[str, Any]]:
    formats = [format] if format else list(FORMATS.values())
    id = _in_path("id", "The record's id.", ID)
    statuses = ["400", "404", "405", "410", "414", "503"] + ([] if format else ["406"])
    operation = {
        "summary": f"One of {noun}" + (f" as {format.suffix.upper()}" if format else ""),
        "parameters": [id, *(_parameter(one) for one in query.item_parameters(noun, format).values()), ACCEPT_DATETIME],
        "responses": {
            "200": _ok("The record.", {one.media_type: shapes.item_of(noun, one) for one in formats}),
            "302": _redirected(),
            "304": _unchanged(),
            **_problems(statuses),
        },
    }
    return f"get_{noun}" + (f"_{format.suffix}" if format else ""), noun, operation


def _in_path(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _parameter(one: Parameter) -> dict[str, Any]:
    return {"name": one.name, "in": "query", "description": one.help, "schema": one.schema}


def _ok(description: str, content: dict[str, Any], bulk: bool = False) -> dict[str, Any]:
    extra = ["Content-Location", "Memento-Datetime", *(["OGP-Row-Count", "Content-Disposition"] if bulk else [])]
    return {
        "description": description,
        "headers": _named([*EVERYWHERE, *VALIDATED, *extra]),
        "content": {media_type: {"schema": schema} for media_type, schema in content.items()},
    }


def _unchanged() -> dict[str, Any]:
    return {"description": "Your copy is still good.", "headers": _named([*EVERYWHERE, *VALIDATED])}


def _redirected() -> dict[str, Any]:
    return {
        "description": "The Memento of the time in Accept-Datetime.",
        "headers": _named(["Location", "Link", "Vary"]),
    }


def _problems(statuses: Iterable[str]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    extra = {"405": ["Allow"], "503": ["Retry-After"]}
    return {
        status: {
            "description": (ERRORS[status].__doc__ or "").strip(),
            "headers": _named([*EVERYWHERE, *extra.get(status, [])]),
            "content": content,
        }
        for status in sorted(statuses)
    }


def _named(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _headers() -> dict[str, Any]:
    more = {
        "Content-Location": "Address of this very representation, where the format was negotiated.",
        "OGP-Row-Count": "Rows of a bulk answer, told before the first.",
        "Content-Disposition": "File name of a bulk answer.",
        "OGP-Next-Since": "The release to ask from next.",
        "Location": "Where to go.",
        "Memento-Datetime": "When what is answered was published, where the address names a release.",
        "Allow": "Methods that the address takes.",
        "Retry-After": "Seconds to wait.",
    }
    return {name: {"description": text, "schema": TEXT} for name, text in (EVERYWHERE | VALIDATED | more).items()}


def _versions(noun: str) -> tuple[str, str, dict[str, Any]]:
    id = _in_path("id", "The record's id.", ID)
    content = {"application/json": shapes.envelope("Version")}
    responses = {
        "200": _ok("Every version.", content),
        "304": _unchanged(),
        **_problems(["400", "404", "405", "414", "503"]),
    }
    return (
        f"versions_{noun}",
        noun,
        {"summary": f"Versions of one of {noun}", "parameters": [id], "responses": responses},
    )


def _timemap(noun: str, of_list: bool) -> tuple[str, str, dict[str, Any]]:
    parameters = [*map(_parameter, query.TIMEMAP.values())] if of_list else [_in_path("id", "The record's id.", ID)]
    responses = {
        "200": _ok("Every Memento.", {"application/link-format": TEXT}),
        "304": _unchanged(),
        **_problems(["400", "404", "405", "414", "503"]),
    }
    what = f"When the list of {noun} changed" if of_list else f"When one of {noun} changed"
    operation = {"summary": f"{what}, as a TimeMap (RFC 7089)", "parameters": parameters, "responses": responses}
    return f"timemap_{noun}" + ("_list" if of_list else ""), noun, operation


def _history() -> dict[str, Any]:
    """Releases and changes."""
    number = _in_path("number", "A release.", {"type": "integer", "minimum": 1})
    noun = _in_path("noun", "The noun.", {"type": "string", "enum": list(NOUNS)})
    one = {
        "type": "object",
        "required": ["data", "meta", "links"],
        "properties": {"data": {"$ref": "#/components/schemas/Release"}},
    }
    difference = {
        "type": "object",
        "required": ["data", "meta", "links"],
        "properties": {"data": {"$ref": "#/components/schemas/Difference"}},
    }
    report = _in_path("id", "A report.", ID)
    tsv = {"text/tab-separated-values": TEXT}
    paths: dict[str, Any] = {}
    for path, id, summary, parameters, content, statuses in [
        (
            "/v1/releases",
            "list_releases",
            "Releases, the newest first",
            query.RELEASES,
            {"application/json": shapes.envelope("Release")},
            [],
        ),
        ("/v1/releases/{number}", "get_release", "One release", [number], {"application/json": one}, ["404"]),
        ("/v1/releases/{number}/{noun}.tsv", "get_lines", "What a digest is made of", [number, noun], tsv, ["404"]),
        (
            "/v1/reports/{id}/diff",
            "diff_report",
            "What changed since the report before, or between any two",
            [report, *map(_parameter, query.DIFF.values())],
            {"application/json": difference},
            ["404", "410"],
        ),
        (
            "/v1/changes",
            "list_changes",
            "Changes after a release",
            query.CHANGES,
            {"application/json": shapes.envelope("Change")},
            ["410"],
        ),
        (
            "/v1/changes.ndjson",
            "list_changes_ndjson",
            "The same by line",
            query.CHANGES,
            {"application/x-ndjson": TEXT},
            ["410"],
        ),
    ]:
        given = [_parameter(one) for one in parameters.values()] if isinstance(parameters, dict) else parameters
        ok = _ok(summary, content)
        ok["headers"] |= _named(["OGP-Next-Since"]) if "changes" in path else {}
        responses = {"200": ok, "304": _unchanged(), **_problems(["400", "405", "414", "503", *statuses])}
        paths[path] = _operations(id, "history", {"summary": summary, "parameters": given, "responses": responses})
    return paths


def _plain(id: str, summary: str, schema: str, statuses: Iterable[str]) -> dict[str, Any]:
    content = {"application/json": {"$ref": f"#/components/schemas/{schema}"}}
    operation = {
        "summary": summary,
        "responses": {"200": _ok(summary, content), "304": _unchanged(), **_problems([*statuses, "405"])},
    }
    return _operations(id, "about", operation)


def _health(id: str, summary: str, statuses: Iterable[str]) -> dict[str, Any]:
    ok = {
        "description": summary,
        "headers": _named(EVERYWHERE),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}},
    }
    return _operations(id, "about", {"summary": summary, "responses": {"200": ok, **_problems([*statuses, "405"])}})


def _schema_path() -> dict[str, Any]:
    noun = _in_path("noun", "The noun.", {"type": "string", "enum": list(NOUNS)})
    content = {"application/schema+json": {"type": "object"}}
    responses = {"200": _ok("The schema.", content), "304": _unchanged(), **_problems(["400", "404", "405"])}
    operation = {"summary": "JSON Schema of a noun's records", "parameters": [noun], "responses": responses}
    return _operations("schema", "about", operation)
