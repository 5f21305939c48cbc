"""What every operation of the contract is made of: parameters, answers, header fields, problems."""

from collections.abc import Iterable
from typing import Any

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
from ogp_open_data.web.query import Parameter
from ogp_open_data.web.shapes import TEXT

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


def operations(id: str, tag: str, operation: dict[str, Any]) -> dict[str, Any]:
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


def in_path(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def parameter(one: Parameter) -> dict[str, Any]:
    return {"name": one.name, "in": "query", "description": one.help, "schema": one.schema}


def ok(description: str, content: dict[str, Any], bulk: bool = False) -> dict[str, Any]:
    extra = ["Content-Location", "Memento-Datetime", *(["OGP-Row-Count", "Content-Disposition"] if bulk else [])]
    return {
        "description": description,
        "headers": named([*EVERYWHERE, *VALIDATED, *extra]),
        "content": {media_type: {"schema": schema} for media_type, schema in content.items()},
    }


def unchanged() -> dict[str, Any]:
    return {"description": "Your copy is still good.", "headers": named([*EVERYWHERE, *VALIDATED])}


def redirected() -> dict[str, Any]:
    return {
        "description": "The Memento of the time in Accept-Datetime.",
        "headers": named(["Location", "Link", "Vary"]),
    }


def problems(statuses: Iterable[str]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    extra = {"405": ["Allow"], "503": ["Retry-After"]}
    return {
        status: {
            "description": (ERRORS[status].__doc__ or "").strip(),
            "headers": named([*EVERYWHERE, *extra.get(status, [])]),
            "content": content,
        }
        for status in sorted(statuses)
    }


def named(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def headers() -> dict[str, Any]:
    more = {
        "Content-Location": "Address of this very representation, where the format was negotiated.",
        "OGP-Row-Count": "Rows of a bulk answer, told before the first.",
        "Content-Disposition": "File name of a bulk answer.",
        "OGP-Next-Since": "The release to ask from next.",
        "OGP-Epoch": "Which history that release is of; give it as epoch.",
        "Location": "Where to go.",
        "Memento-Datetime": "When what is answered was published, where the address names a release.",
        "Allow": "Methods that the address takes.",
        "Retry-After": "Seconds to wait.",
    }
    return {name: {"description": text, "schema": TEXT} for name, text in (EVERYWHERE | VALIDATED | more).items()}
