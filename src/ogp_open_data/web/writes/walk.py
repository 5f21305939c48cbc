"""The walk of every write: who asks → the body, bounded → may they → came it before → the work; refusals go into the trail."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import litestar
import msgspec
from msgspec import Struct

from ogp_open_data.errors import BadRequest, KeyReused, Refused, StoreUnavailable, UnderWay
from ogp_open_data.intake.reading.documents import MAX_BYTES
from ogp_open_data.records import digest
from ogp_open_data.store import audit, replays
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.replays import Replay
from ogp_open_data.web.problems import problem
from ogp_open_data.web.site import Request, Response, site_of
from ogp_open_data.web.writes.access import Asker, asker_of
from ogp_open_data.web.writes.bodies import AROUND, read

# A document of the largest size that is read, with the form around it; anything else is short.
LARGEST_DOCUMENT = MAX_BYTES + AROUND
LARGEST = 1_000_000
# RFC 9110 bounds no field; a UUID has 36 characters.
LONGEST_NAME = 200
# Seconds: a minute for the one who writes before, and as long as a report ever took.
LONGEST = 90.0


class Done(Struct, frozen=True):
    """What a write answers: status, the document, and for what was made its address."""

    status: int
    body: Mapping[str, Any]
    location: str | None = None


class Write(Struct, frozen=True):
    """A kind of write: what a key must be for, the handler, and how large a body may be."""

    action: str
    handler: Callable[..., Awaitable[Done]]
    largest: int = LARGEST


async def carried_out(request: Request, write: Write) -> Response:
    """Do what a request asks for, once. Raises StoreUnavailable after LONGEST: a database that hangs says nothing by itself."""
    try:
        async with asyncio.timeout(LONGEST):
            return await _carried_out(request, write)
    except TimeoutError as error:
        raise StoreUnavailable(
            f"the database did not answer within {LONGEST:.0f} seconds; look whether it was done, then do it again"
        ) from error


async def _carried_out(request: Request, write: Write) -> Response:
    site, asker = site_of(request), await asker_of(request)
    try:
        asker.check(write.action)
        body = await read(request, write.largest)
        name = _idempotency_key(request)
        if name is not None:
            return await _once(request, asker, name, body, write)
        return response(await write.handler(request, asker, body, **request.path_params))
    except Refused as error:
        told = Entry(asker.by.name, asker.by.address, write.action, request.scope["path"][:300], error.detail[:1000])
        async with site.store.writing() as connection:
            await audit.note(connection, told, error.code)
        raise


def response(done: Done) -> Response:
    """The answer to a write, which nobody keeps."""
    headers = {"cache-control": "no-store", "content-type": "application/json"}
    if done.location is not None:
        headers["location"] = done.location
    body = msgspec.json.encode(done.body)
    return litestar.Response(
        content=body, status_code=done.status, headers=headers, media_type="application/octet-stream"
    )


def _idempotency_key(request: Request) -> str | None:
    """The name under which a request may come again."""
    name = request.headers.get("idempotency-key")
    if name is not None and not (0 < len(name) <= LONGEST_NAME and name.isascii() and name.isprintable()):
        raise BadRequest(f"Idempotency-Key: give 1 to {LONGEST_NAME} printable ASCII characters, for example a UUID")
    return name


async def _once(request: Request, asker: Asker, name: str, body: bytes, write: Write) -> Response:
    """The answer that this request got before, else that of the work, kept for the next time; a failure of ours is not kept."""
    store, key = site_of(request).store, asker.key.prefix
    same = _digest(request, body)
    async with store.writing() as connection:
        before = await replays.claim(connection, key, name, same)
    if before is not None:
        return _replayed(before, same)
    refusal = None
    try:
        answer = response(await write.handler(request, asker, body, **request.path_params))
    except Refused as error:
        answer, refusal = problem(request, error), error
    except Exception:
        async with store.writing() as connection:
            await replays.release(connection, key, name)
        raise
    async with store.writing() as connection:
        headers = msgspec.json.encode(answer.headers).decode()
        await replays.keep(connection, key, name, answer.status_code or 200, headers, answer.content)
    if refusal is not None:
        raise refusal
    return answer


def _digest(request: Request, body: bytes) -> str:
    """What makes a request the same one: method, address, condition, the document's type and name, and body."""
    target = [request.method.encode(), request.scope["raw_path"], request.scope["query_string"]]
    asked = ("content-type", "content-disposition", "if-match")
    fields = [request.headers.get(name, "").encode("latin-1") for name in asked]
    return digest(b"\n".join([*target, *fields, body]))


def _replayed(before: Replay, same: str) -> Response:
    """An answer once more. Raises KeyReused where it was another request's, UnderWay where there is none yet."""
    if before.request != same:
        raise KeyReused("this Idempotency-Key came with another request; make a new one for each")
    if before.status is None:
        raise UnderWay("the same request is being carried out; ask again in a few seconds", retry_after=2)
    headers = msgspec.json.decode(before.headers or "{}", type=dict[str, str])
    return litestar.Response(
        content=before.body or b"",
        status_code=before.status,
        headers={**headers, "idempotency-replayed": "true"},
        media_type="application/octet-stream",
    )
