"""Every error as problem details (RFC 9457), or as a page for who asked for one: one translation from the tree in errors.py."""

import traceback
from collections.abc import Sequence

import litestar
import msgspec
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from ogp_open_data import errors
from ogp_open_data.errors import OpenDataError
from ogp_open_data.events import log
from ogp_open_data.formats import to_table
from ogp_open_data.intake.reading.documents import CSV, XLSX
from ogp_open_data.web.answers import VARY
from ogp_open_data.web.asking import accepted, weight
from ogp_open_data.web.board import frame
from ogp_open_data.web.edge import quota
from ogp_open_data.web.site import Request, Response

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="publishing"'
CACHE = {404: "max-age=10", 410: "max-age=60"}


def problem(request: Request, error: Exception) -> Response:
    """The answer to an error; an unexpected one is logged whole and told in general."""
    known = _known(error)
    if known.status >= 500 and not isinstance(error, OpenDataError):
        log(
            "request.failed",
            request_id=request.scope["state"].get("request_id"),
            method=request.method,
            path=request.scope["path"][:500],
            trace="".join(traceback.format_exception(error)),
        )
    if isinstance(known, errors.DocumentRefused) and known.rejected and (table := _table(request, known.rejected)):
        return table
    base, request_id, page = request.app.state.site.base, request.scope["state"]["request_id"], _for_people(request)
    body = frame.problem(known, request_id, request.scope["path"]) if page else details(known, base, request_id)
    headers = fields(known, base) | _demanded(known, error) | ({"content-type": frame.HTML} if page else {})
    return litestar.Response(
        content=body, status_code=known.status, headers=headers, media_type="application/octet-stream"
    )


def _table(request: Request, rows: Sequence[Sequence[str]]) -> Response | None:
    """The faulty rows of a table, with what is wrong in each, where they were asked for as a table rather than as a problem."""
    wanted = accepted(request)
    asked = {kind: weight(wanted, kind) for kind in (MEDIA_TYPE, CSV, XLSX)}
    kind = max(asked, key=lambda one: asked[one])
    if kind == MEDIA_TYPE:
        return None
    name = "rejected.csv" if kind == CSV else "rejected.xlsx"
    body = to_table.to_csv(rows, marked=True) if kind == CSV else to_table.to_xlsx({"Rejected": rows})
    headers = {
        "content-type": f"{CSV}; charset=utf-8; header=present" if kind == CSV else XLSX,
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    return litestar.Response(content=body, status_code=422, headers=headers, media_type="application/octet-stream")


def _for_people(request: Request) -> bool:
    """Whether a page was asked for, by its address and by name: what asks for anything (*/*) is a program."""
    path = request.scope["path"]
    is_page = not path.startswith("/v1") and "." not in path
    wanted = accepted(request)
    return is_page and "text/html" in wanted and weight(wanted, "text/html") >= weight(wanted, MEDIA_TYPE)


def details(error: OpenDataError, base: str, request_id: str) -> bytes:
    """The problem document of an error."""
    return msgspec.json.encode(
        {
            "type": type_of(error, base),
            "title": error.titled(),
            "status": error.status,
            "detail": error.detail,
            "instance": f"urn:uuid:{request_id}",
            **error.extra,
        }
    )


def fields(error: OpenDataError, base: str) -> dict[str, str]:
    """The header fields of every problem document."""
    wait = error.extra.get("retry_after", 5 if error.status == 503 else None)
    return {
        "content-type": MEDIA_TYPE,
        "cache-control": CACHE.get(error.status, "no-store"),
        "vary": VARY,
        "link": f'<{type_of(error, base)}>; rel="help"',
        **({"retry-after": str(wait)} if wait is not None else {}),
        **(quota.fields(error.extra["quota"], error.extra["left"], wait or 0) if "quota" in error.extra else {}),
    }


def type_of(error: OpenDataError, base: str) -> str:
    """The page that explains an error."""
    return f"{base}/docs/errors/{error.code}"


def _known(error: Exception) -> OpenDataError:
    """The error of our tree that stands for any error."""
    if isinstance(error, OpenDataError):
        return error
    if isinstance(error, MethodNotAllowedException):
        return errors.MethodNotAllowed("this address does not take that method; the field Allow names those it takes")
    if isinstance(error, NotFoundException):
        return errors.NotFound("there is nothing at this address; /v1 lists what there is")
    if isinstance(error, HTTPException) and error.status_code < 500:
        return errors.BadRequest("the request cannot be read")
    return OpenDataError("something went wrong here; it was logged, and trying again later may help")


def _demanded(known: OpenDataError, error: Exception) -> dict[str, str]:
    """Header fields that a status must come with."""
    match known.status:
        case 401:
            return {"www-authenticate": CHALLENGE}
        case 405:
            return {"allow": (getattr(error, "headers", None) or {}).get("Allow", "GET, HEAD, OPTIONS")}
        case 413:
            # What is left of the body is not read: the connection cannot be used again.
            return {"connection": "close"}
        case 416:
            return {"content-range": f"bytes */{known.extra['size']}"}
    return {}
