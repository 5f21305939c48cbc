"""The edge cache: what a release says never changes, so an answer is made once and then served as if it were a file.

An address, with the two fields that choose among its representations, is a key. What is behind the cache sees nothing of a
request but its key, so nobody can poison it. Conditions, HEAD and content codings are answered here, from one entry. Only
answers of 200 are kept, by what they say to every cache: `no-store` never, PINNED until it falls out, all others until the
next release. Answers that are sent bit by bit (streams, large files) and parts of files are passed on
as they come.

Every answer tells in `OGP-Release` the newest release that was known here when it was made; a request that carries the field back
is never answered from before that release, whichever process or machine it comes to.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal
from urllib.parse import unquote

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPDisconnectEvent, HTTPScope, Message, Receive, Scope, Send
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest
from ogp_open_data.web.edge import codings
from ogp_open_data.web.edge.bounded import Bounded
from ogp_open_data.web.edge.entry import Answer, Entry, Fields, Headers, Key, Variant, Written, has_it, repeated

# What is told to the holder of a key alone.
KEYED = "/v1/imports/"
CHOOSING = (b"accept", b"accept-datetime")
RELEASE = b"ogp-release"
READ = frozenset(
    (*CHOOSING, RELEASE, b"accept-encoding", b"if-none-match", b"if-modified-since", b"range", b"if-range")
)
# What a variant is counted with beside its body. An estimate, not measured: the head, as fields and as it is written.
OVERHEAD = 7000
# Of the whole room, so that one answer cannot push out everything else.
LARGEST_SHARE = 8
MOST_WARMED = 100


class PassedOn(Exception):
    """The answer is sent already: what would still come is not wanted."""


async def _nothing_newer(release: int) -> None:
    """For an application that knows of no releases."""


def _free(scope: HTTPScope, accept: bytes | None) -> dict[str, str]:
    """For an application whose answers cost nothing."""
    return {}


class Cache:
    """An ASGI application around another. `room` is in bytes; `catch_up` makes a release known that an asker has seen elsewhere;
    `spend` counts what is not there for its asker, and gives fields that tell of it."""

    def __init__(
        self,
        app: ASGIApp,
        room: int,
        catch_up: Callable[[int], Awaitable[None]] = _nothing_newer,
        spend: Callable[[HTTPScope, bytes | None], dict[str, str]] = _free,
    ) -> None:
        self.app = app
        self.catch_up = catch_up
        self.spend = spend
        # The newest release that is known here.
        self.release = 0
        self.entries: Bounded[Key, Entry] = Bounded(room)
        # Requests that were answered from memory, and those that were not.
        self.found = self.missed = 0
        # Counts what was forgotten: an answer that was begun before is not kept, and nobody waits for it.
        self.generation = 0
        self._flights: dict[tuple[Key, int], asyncio.Future[Entry | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(KEYED):
            await self.app(scope, receive, self._labelled(send))
            return
        asked = fields(scope["headers"])
        if RELEASE in asked and (seen := _number(asked[RELEASE])) > self.release:
            await self.catch_up(seen)
        key = _key(scope["raw_path"], scope["query_string"], asked)
        entry = self._kept(key, asked)
        if entry is None:
            self.missed += 1
            # Each asker pays, also where several wait for one answer.
            send = _with(self.spend(scope, asked.get(b"accept")), send)
            entry = await self._fetched(key, asked, scope, receive, send)
            if entry is None:
                return
        else:
            self.found += 1
        entry.hits += 1
        coding = _coding(asked)
        if coding is not None and coding not in entry.variants:
            self._grow(entry, await entry.encoded(coding))
        await _send(entry.variants[coding], asked, scope["method"], send)

    def at_once(self, method: bytes, target: bytes, asked: Fields) -> Written | None:
        """What is kept, in the coding that is wanted; None where it, or the release that the asker saw, is yet to come."""
        if RELEASE in asked:
            return None
        path, _, query = target.partition(b"?")
        entry = self._kept(_key(path, query, asked), asked)
        variant = entry.variants.get(_coding(asked)) if entry is not None else None
        if entry is None or variant is None:
            return None
        self.found += 1
        entry.hits += 1
        if _has(asked, variant):
            return variant.not_modified
        return variant.whole if method == b"GET" else variant.whole._replace(body=b"")

    def _kept(self, key: Key, asked: Fields) -> Entry | None:
        entry = self.entries.get(key)
        return None if entry is None or (entry.in_parts and b"range" in asked) else entry

    def _labelled(self, send: Send) -> Send:
        """Sends what is sent with the newest release known then."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (RELEASE, b"%d" % self.release)]
            await send(message)

        return sent

    async def _fetched(self, key: Key, asked: Fields, scope: HTTPScope, receive: Receive, send: Send) -> Entry | None:
        """The application's answer, fetched once however many wait for it; None where it was passed on to the asker."""
        if b"range" in asked:
            return await self._ask(key, asked, scope, receive, send)
        flight = (key, self.generation)
        if flight in self._flights:
            entry = await asyncio.shield(self._flights[flight])
            # A stream is each asker's own.
            return entry or await self._ask(key, asked, scope, receive, send)
        self._flights[flight] = asyncio.get_running_loop().create_future()
        entry = None
        try:
            entry = await self._ask(key, asked, scope, receive, send)
            if entry is not None and self.generation == flight[1]:
                self._keep(entry)
            return entry
        finally:
            self._flights.pop(flight).set_result(entry)

    async def _ask(self, key: Key, asked: Fields, scope: HTTPScope, receive: Receive, send: Send) -> Entry | None:
        """Ask the application. What it answers whole is given back; what it streams goes to the asker."""
        capture = _Capture(asked, scope["method"], send)
        inner: HTTPScope = {**scope, "method": "GET", "server": None, "headers": _seen_inside(key, asked)}
        try:
            await self.app(inner, receive, self._labelled(capture.take))
        except Exception:
            if not capture.ended:
                raise
        return None if capture.whole is None else Entry(key, capture.whole)

    def _keep(self, entry: Entry) -> None:
        """Keep what may be kept."""
        control = entry.answer.field(b"cache-control") or b"no-store"
        if (
            entry.answer.status != 200
            or b"no-store" in control
            or len(entry.answer.body) * LARGEST_SHARE > self.entries.room
        ):
            return
        # A key can be longer than its answer: an address of 8 kB, and as much Accept as a head takes.
        key = sum(len(part) for part in entry.key if part is not None)
        self.entries.keep(entry.key, entry, OVERHEAD + key + len(entry.answer.body))

    def _grow(self, entry: Entry, more: int) -> None:
        """Count what an entry takes more."""
        if self.entries.get(entry.key) is entry:
            self.entries.grow(entry.key, more)

    def forget(self, everything: bool = False) -> list[Entry]:
        """A new release: what the old one says is dropped, but for what names its release. Gives back what was asked most.

        `everything` where the past itself is another now.
        """
        self.generation += 1
        gone = [entry for entry in self.entries.values() if everything or not entry.pinned]
        for entry in gone:
            self.entries.drop(entry.key)
        return sorted((entry for entry in gone if entry.hits > 1), key=lambda entry: -entry.hits)[:MOST_WARMED]

    async def warm(self, old: Iterable[Entry]) -> None:
        """Make again what was asked most, one after the other, in the codings that it was asked in."""
        for one in old:
            # A HEAD, so that what became a stream ends at once.
            await self._fetched(one.key, {}, made_up(*one.key[:2], "HEAD"), _hung_up, _nowhere)
            entry = self.entries.get(one.key)
            if entry is None or entry is one:
                continue
            # Half, so that what nobody asks for any more is forgotten in a few releases.
            entry.hits += one.hits // 2
            for coding in one.encodings:
                self._grow(entry, await entry.encoded(coding))


def _number(text: bytes) -> int:
    """The release that a request names. Raises BadRequest where it is no number."""
    if not re.fullmatch(rb"[0-9]{1,18}", text):
        raise BadRequest("OGP-Release: give the number that an answer had in this field, or leave it out")
    return int(text)


def _with(more: dict[str, str], send: Send) -> Send:
    """Sends what is sent with more fields, for this asker alone: they are no part of what is kept."""
    if not more:
        return send

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode()) for name, value in more.items()]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sent


class _Capture:
    """The receiving end of the application: keeps an answer that is whole, sends on one that is a stream or a file.

    Raises PassedOn into an application that would go on for nothing, after a HEAD or a 304.
    """

    def __init__(self, asked: Fields, method: str, send: Send) -> None:
        self.asked = asked
        self.method = method
        self.send = send
        self.start: Answer | None = None
        self.passing = False
        self.ended = False
        self.whole: Answer | None = None

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = Answer(message["status"], list(message["headers"]), b"")
            if self.start.field(b"content-length") is None:
                await self._begin(self.start)
        elif message["type"] == "http.response.body":
            assert self.start is not None, "the start comes first"
            if message["more_body"] and not self.passing:
                await self._begin(self.start)
            if self.passing:
                await self.send(message)
            else:
                self.whole = replace(self.start, body=message["body"])

    async def _begin(self, start: Answer) -> None:
        """Send the start on; and where it says all there is to say, the end."""
        self.passing = True
        status, headers = start.status, start.headers
        if has_it(self.asked, status, start.field(b"etag"), start.field(b"last-modified")):
            status, headers = 304, repeated(headers)
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        if status == 304 or self.method == "HEAD":
            self.ended = True
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
            raise PassedOn


async def _send(variant: Variant, asked: Fields, method: str, send: Send) -> None:
    """A variant to whoever asked; 304 where the asker has it."""
    status, headers, body = variant.status, variant.headers, variant.body
    if _has(asked, variant):
        status, headers, body = 304, variant.unchanged, b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body, "more_body": False})


def _has(asked: Fields, variant: Variant) -> bool:
    return has_it(asked, variant.status, variant.etag, variant.last_modified)


def _coding(asked: Fields) -> str | None:
    return codings.wanted(asked[b"accept-encoding"]) if b"accept-encoding" in asked else None


def _key(path: bytes, query: bytes, asked: Fields) -> Key:
    """What an answer depends on. An address with a suffix has one representation, whatever is accepted."""
    accept = None if path.rfind(b".") > path.rfind(b"/") else asked.get(b"accept")
    return path, query, accept, asked.get(b"accept-datetime")


def fields(headers: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The request's fields that the cache reads; a repeated one is joined (RFC 9110, 5.3)."""
    found: Fields = {}
    for name, value in headers:
        if name in READ:
            found[name] = b"%b, %b" % (found[name], value) if name in found else value
    return found


def _seen_inside(key: Key, asked: Fields) -> Headers:
    """The fields that the application sees: those of the key, and a range."""
    chosen = [(name, value) for name, value in zip(CHOOSING, key[2:], strict=True) if value is not None]
    return chosen + [(name, asked[name]) for name in (b"range", b"if-range") if b"range" in asked and name in asked]


def made_up(path: bytes, query: bytes, method: Literal["GET", "HEAD"]) -> HTTPScope:
    """A request that nobody made."""
    return {
        "type": ScopeType.HTTP, "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": unquote(path.decode("ascii")), "raw_path": path, "query_string": query,
        "root_path": "", "headers": [], "client": None, "server": None, "state": {},
    }  # type: ignore[typeddict-item]  # fmt: skip


async def _hung_up() -> HTTPDisconnectEvent:
    return {"type": "http.disconnect"}


async def _nowhere(message: Message) -> None:
    pass
