"""What the edge cache keeps: an answer's bytes, its variants in the content codings, and what a 304 says of it."""

import asyncio
import hashlib
from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus
from typing import NamedTuple, Protocol

from msgspec import Struct

from ogp_open_data.web.edge import codings
from ogp_open_data.web.edge.conditions import unchanged
from ogp_open_data.web.reads.files import repr_digest

Headers = list[tuple[bytes, bytes]]
# Of a request, those that an answer from memory can depend on, by name.
Fields = dict[bytes, bytes]
# Raw path, query, Accept, Accept-Datetime.
Key = tuple[bytes, bytes, bytes | None, bytes | None]

# The Cache-Control of what names its release, and so outlives it.
PINNED = b"max-age=86400"
REPR_DIGEST = b"repr-digest"
# What a 304 repeats of the 200 (RFC 9110, 15.4.5), and what must be heard though nothing changed.
REPEATED = {
    b"etag",
    b"last-modified",
    b"cache-control",
    b"vary",
    b"content-location",
    b"deprecation",
    b"sunset",
    b"ogp-release",
}
# From this size on an answer is encoded in a thread, while others are served.
LARGE = 32 * 1024


class Answer(Struct, frozen=True, dict=True):
    """A complete answer of the application."""

    status: int
    headers: Headers
    body: bytes

    def field(self, name: bytes) -> bytes | None:
        return self._fields.get(name)

    @cached_property
    def _fields(self) -> Fields:
        """By name, the first of each."""
        return dict(reversed(self.headers))


class Written(NamedTuple):
    """An answer as it goes over the wire: status line and fields without the empty line at their end, and the body."""

    status: int
    head: bytes
    body: bytes


class AtOnce(Protocol):
    """What can answer some requests from memory, then and there: a server need make no task of them."""

    def at_once(self, method: bytes, target: bytes, asked: Fields) -> Written | None:
        """The answer to a GET or HEAD; None where it takes the long way, as an ASGI application."""


class Variant(Struct, frozen=True, dict=True):
    """An answer in one content coding, ready to send; written as it goes over the wire when it is first asked for again."""

    status: int
    headers: Headers
    body: bytes
    unchanged: Headers
    etag: bytes
    last_modified: bytes | None

    @cached_property
    def whole(self) -> Written:
        return Written(self.status, _head(self.status, self.headers), self.body)

    @cached_property
    def not_modified(self) -> Written:
        return Written(304, _head(304, self.unchanged), b"")


class Entry:
    """An answer that is kept, how often it was asked for, and its variants as far as somebody wanted them."""

    def __init__(self, key: Key, answer: Answer) -> None:
        self.key = key
        self.answer = answer
        self.hits = 0
        # What is on its way out (RFC 8594) is gone from a release on, whatever release it names.
        self.pinned = answer.field(b"cache-control") == PINNED and answer.field(b"sunset") is None
        # Whether the application gives parts of it.
        self.in_parts = answer.field(b"accept-ranges") is not None
        self.plain = _variant(answer, None, answer.body)
        self.variants: dict[str | None, Variant] = {None: self.plain}
        self.encodings: dict[str, asyncio.Future[bytes]] = {}
        if not (self.plain.etag and codings.worth(answer.field(b"content-type") or b"", answer.body)):
            self.variants |= dict.fromkeys(codings.ENCODERS, self.plain)

    async def encoded(self, coding: str) -> int:
        """Add the variant in a coding, made once however many wait for it; the bytes that it takes."""
        if coding not in self.encodings:
            self.encodings[coding] = asyncio.ensure_future(_in_coding(coding, self.answer.body))
        body = await asyncio.shield(self.encodings[coding])
        if coding in self.variants:
            return 0
        smaller = len(body) < len(self.answer.body)
        self.variants[coding] = _variant(self.answer, coding, body) if smaller else self.plain
        return len(body) if smaller else 0


def _variant(answer: Answer, coding: str | None, body: bytes) -> Variant:
    """An answer in a coding; each coding has its own strong ETag, and its own digest (RFC 9530)."""
    etag = answer.field(b"etag") or b""
    headers = [pair for pair in answer.headers if pair[0] not in (b"content-length", b"etag")]
    if coding is not None:
        etag = b'%b-%b"' % (etag[:-1], coding.encode())
        headers.append((b"content-encoding", coding.encode()))
        if answer.field(REPR_DIGEST) is not None:
            headers = [pair for pair in headers if pair[0] != REPR_DIGEST]
            headers.append((REPR_DIGEST, repr_digest(hashlib.sha256(body).hexdigest()).encode()))
    if etag:
        headers.append((b"etag", etag))
    headers.append((b"content-length", b"%d" % len(body)))
    return Variant(answer.status, headers, body, repeated(headers), etag, answer.field(b"last-modified"))


def _head(status: int, headers: Headers) -> bytes:
    """Status line and fields in HTTP/1.1, without the empty line at their end."""
    for name, value in headers:
        if b"\r" in value or b"\n" in value:
            raise ValueError(f"the field {name!r} has a line break in it")
    line = b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    return line + b"".join(b"%b: %b\r\n" % pair for pair in headers)


def repeated(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [pair for pair in headers if pair[0] in REPEATED]


async def _in_coding(coding: str, body: bytes) -> bytes:
    if len(body) < LARGE:
        return codings.encoded(coding, body)
    return await asyncio.to_thread(codings.encoded, coding, body)


def has_it(asked: Fields, status: int, etag: bytes | None, last_modified: bytes | None) -> bool:
    """Whether the asker has what would be sent."""
    if not etag or status not in (200, 206):
        return False
    return unchanged(asked.get(b"if-none-match"), asked.get(b"if-modified-since"), etag, last_modified)
