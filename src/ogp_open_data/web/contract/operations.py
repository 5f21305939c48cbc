"""What every operation of the contract is made of: parameters, answers, header fields, problems."""

from collections.abc import Iterable
from typing import Any

from ogp_open_data import errors
from ogp_open_data.errors import OpenDataError
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
    "OGP-Release": "The newest release known when this was made; send it along to get nothing from before it.",
}
OF_BULK = ["OGP-Row-Count", "Content-Disposition", "Accept-Ranges", "Repr-Digest"]
RANGE = {
    "name": "Range",
    "in": "header",
    "description": "One part of what a release has of a noun as a file (RFC 9110); several ranges are answered with all of it.",
    "schema": TEXT,
    "example": "bytes=0-1023",
}
ID = {"$ref": "#/components/schemas/Id"}
ACCEPT_DATETIME = {
    "name": "Accept-Datetime",
    "in": "header",
    "description": "What stood here at this time (RFC 7089): 302 to it, unless the address names a release.",
    "schema": {"type": "string", "format": "http-date"},
    "example": "Tue, 24 Nov 2026 09:00:00 GMT",
}
# Where a response stands once with its body, its twin for HEAD has this behind its name.
HEAD = "Head"
ERRORS: dict[str, type[OpenDataError]] = {
    "400": errors.BadRequest,
    "401": errors.Unauthorized,
    "403": errors.Forbidden,
    "404": errors.NotFound,
    "405": errors.MethodNotAllowed,
    "406": errors.NotAcceptable,
    "409": errors.ChangedSince,
    "410": errors.Gone,
    "412": errors.PreconditionFailed,
    "413": errors.ContentTooLarge,
    "414": errors.UriTooLong,
    "415": errors.UnsupportedMediaType,
    "416": errors.RangeNotSatisfiable,
    "422": errors.Refused,
    "428": errors.PreconditionRequired,
    "429": errors.TooManyRequests,
    "500": OpenDataError,
    "503": errors.StoreUnavailable,
}


def operations(id: str, tag: str, operation: dict[str, Any]) -> dict[str, Any]:
    """GET and HEAD of one path: the same but for the body. Each may meet its client's quota."""
    operation = {**operation, "responses": {**operation["responses"], **problems(["429"])}}
    responses = {status: _bodiless(one) for status, one in operation["responses"].items()}
    head = {
        **operation,
        "operationId": f"head_{id}",
        "summary": f"{operation['summary']}: only the header",
        "responses": responses,
    }
    return {"get": {**operation, "operationId": id, "tags": [tag]}, "head": {**head, "tags": [tag]}}


def _bodiless(response: dict[str, Any]) -> dict[str, Any]:
    """A response as HEAD gets it."""
    if "$ref" in response:
        return {"$ref": response["$ref"].removesuffix(HEAD) + HEAD}
    return {key: value for key, value in response.items() if key != "content"}


def in_path(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def parameter(one: Parameter) -> dict[str, Any]:
    return {"name": one.name, "in": "query", "description": one.help, "schema": one.schema}


def ok(description: str, content: dict[str, Any], bulk: bool = False) -> dict[str, Any]:
    extra = ["Content-Location", "Memento-Datetime", *(OF_BULK if bulk else [])]
    return {
        "description": description,
        "headers": named([*EVERYWHERE, *VALIDATED, *extra]),
        "content": {media_type: {"schema": schema} for media_type, schema in content.items()},
    }


def part(content: dict[str, Any]) -> dict[str, Any]:
    """The part of a file that was asked for."""
    whole = ok("The part of the file that `Range` names.", content, bulk=True)
    return {**whole, "headers": whole["headers"] | named(["Content-Range"])}


def unchanged() -> dict[str, Any]:
    return {"$ref": "#/components/responses/NotModified"}


def redirected() -> dict[str, Any]:
    return {"$ref": "#/components/responses/Found"}


def problems(statuses: Iterable[str]) -> dict[str, Any]:
    """The errors of an operation, by status; any can end in 500."""
    return {
        status: {"$ref": f"#/components/responses/{ERRORS[status].__name__}"} for status in sorted({*statuses, "500"})
    }


def responses() -> dict[str, Any]:
    """What many operations answer, once with a body and once without."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    extra = {
        "401": ["WWW-Authenticate"],
        "405": ["Allow"],
        "416": ["Content-Range"],
        "429": ["Retry-After", "RateLimit", "RateLimit-Policy"],
        "503": ["Retry-After"],
    }
    found: dict[str, Any] = {
        "NotModified": {"description": "Your copy is still good.", "headers": named([*EVERYWHERE, *VALIDATED])},
        "Found": {
            "description": "The Memento of the time in Accept-Datetime.",
            "headers": named([*EVERYWHERE, "Location", "Link", "Vary"]),
        },
    }
    for status, error in ERRORS.items():
        fields = named([*EVERYWHERE, "Link", "Vary", *extra.get(status, [])])
        found[error.__name__] = {"description": error.__doc__, "headers": fields, "content": content}
    return found | {f"{name}{HEAD}": _bodiless(one) for name, one in found.items()}


def followed(one: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what its reference leads to."""
    while "$ref" in one:
        found: Any = document
        for part in one["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        one = found
    return one


def named(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def headers() -> dict[str, Any]:
    more = {
        "Content-Location": "Address of this very representation, where the format was negotiated.",
        "OGP-Row-Count": "Rows of a bulk answer, told before the first.",
        "Content-Disposition": "File name of a bulk answer.",
        "Accept-Ranges": "`bytes` where parts of a finished file can be asked for.",
        "Content-Range": "Which part this is, and the size of the whole.",
        "Repr-Digest": "SHA-256 of the whole file (RFC 9530), where it is finished.",
        "OGP-Next-Since": "The release to ask from next.",
        "OGP-Epoch": "Which history that release is of; give it as epoch.",
        "Location": "Where to go.",
        "Memento-Datetime": "When what is answered was published, where the address names a release.",
        "Allow": "Methods that the address takes.",
        "Retry-After": "Seconds to wait.",
        "RateLimit": "What its client has left of its quota; also with other answers that were counted.",
        "RateLimit-Policy": "The quota, and its window in seconds.",
        "WWW-Authenticate": "How to send a key.",
    }
    return {name: {"description": text, "schema": TEXT} for name, text in (EVERYWHERE | VALIDATED | more).items()}
