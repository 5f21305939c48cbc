"""The outermost layer: one address per resource, CORS and security fields on every answer, and requests that need no routing."""

import re
import uuid
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any
from urllib.parse import unquote_to_bytes

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from ogp_open_data.errors import BadRequest, MethodNotAllowed, NotFound, OpenDataError, UriTooLong
from ogp_open_data.web import problems
from ogp_open_data.web.edge.cache import Cache
from ogp_open_data.web.edge.entry import Fields, Written
from ogp_open_data.web.edge.methods import READS, Methods

LONGEST_TARGET = 8000
EXPOSED = (
    "ETag, Link, Last-Modified, Content-Location, Content-Disposition, Retry-After, "
    "OGP-Row-Count, OGP-Next-Since, OGP-Epoch, OGP-Release, Accept-Ranges, Content-Range, Repr-Digest, API-Version, "
    "Memento-Datetime, Deprecation, Sunset, RateLimit, RateLimit-Policy"
)
ALWAYS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED.encode()),
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
ASKED_WITH = "Accept, Accept-Datetime, If-None-Match, If-Modified-Since, If-Range, Range, OGP-Release"
CHANGED_WITH = "Authorization, Content-Type, Content-Disposition, If-Match, Idempotency-Key"
KEY = re.compile(rb"ogp_[a-z2-7]{10}_[A-Za-z0-9_-]{20}")


class Edge:
    """An ASGI application around another."""

    def __init__(self, app: Cache, base: str, api_version: str, methods: Methods) -> None:
        self.app = app
        self.base = base
        self.methods = methods
        self.always = [*ALWAYS, (b"api-version", api_version.encode())]
        if base.startswith("https:"):
            self.always.append((b"strict-transport-security", b"max-age=31536000"))
        self.written = b"".join(b"%b: %b\r\n" % pair for pair in self.always)
        # Random for the process, counted for the request: ten times as fast as a random one each.
        self.ids = str(uuid.uuid4())[:24]
        self.numbers = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = self._id()
        scope.setdefault("state", {})["request_id"] = request_id

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.always, (b"request-id", request_id.encode())]
            await send(message)

        method, raw_path, query = scope["method"], scope.get("raw_path") or b"", scope.get("query_string") or b""
        methods = READS if method in READS else self.methods.of(scope["path"])
        error = refusal(raw_path, query) if method in methods else _no_method(methods)
        if error is not None:
            await self._problem(error, request_id, scope, sent)
        elif method == "OPTIONS":
            await _plain(204, _preflight(methods), b"", sent)
        elif raw_path.endswith(b"/") and raw_path != b"/":
            location = f"{self.base}{_canonical(raw_path, query)}".encode()
            await _plain(308, [(b"location", location), (b"cache-control", b"max-age=3600")], b"", sent)
        else:
            try:
                await self.app(scope, receive, sent)
            except OpenDataError as refused:
                # Before anything was looked up; the application answers its own errors.
                await self._problem(refused, request_id, scope, sent)

    def at_once(self, method: bytes, target: bytes, asked: Fields) -> Written | None:
        """What is kept, with the fields of every answer. An address that was answered once need not be looked at again."""
        found = self.app.at_once(method, target, asked)
        if found is None:
            return None
        return found._replace(head=b"%b%brequest-id: %b\r\n" % (found.head, self.written, self._id().encode()))

    def _id(self) -> str:
        return f"{self.ids}{next(self.numbers):012x}"

    async def _problem(self, error: OpenDataError, request_id: str, scope: HTTPScope, send: Send) -> None:
        body = problems.details(error, self.base, request_id)
        headers = [(name.encode(), text.encode()) for name, text in problems.fields(error, self.base).items()]
        if error.status == 405:
            headers.append((b"allow", ", ".join(self.methods.of(scope["path"])).encode()))
        await _plain(error.status, headers, b"" if scope["method"] == "HEAD" else body, send)


def _preflight(methods: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """What a page may send to an address."""
    with_what = ASKED_WITH if set(methods) <= {*READS, "OPTIONS"} else f"{ASKED_WITH}, {CHANGED_WITH}"
    return [
        (b"allow", ", ".join(methods).encode()),
        (b"access-control-allow-methods", ", ".join(methods).encode()),
        (b"access-control-allow-headers", with_what.encode()),
        (b"access-control-max-age", b"86400"),
        (b"cache-control", b"max-age=86400"),
    ]


async def _plain(status: int, headers: list[tuple[bytes, bytes]], body: bytes, send: Send) -> None:
    length = [] if status in (204, 304) else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _no_method(methods: Sequence[str]) -> OpenDataError:
    return MethodNotAllowed(f"this address takes {', '.join(methods)}, and nothing else")


# Most addresses are asked for again and again; the longest ones could take 8 MB here.
@lru_cache(1000)
def refusal(target: bytes, query: bytes) -> OpenDataError | None:
    """What is wrong with a request before anything is looked up."""
    if len(target) + len(query) > LONGEST_TARGET:
        return UriTooLong(f"the address has more than {LONGEST_TARGET} characters; ask for fewer ids at once")
    if KEY.search(unquote_to_bytes(target + b"?" + query)):
        return BadRequest(
            "a key in an address is seen by others: have it revoked, and send the next one in Authorization"
        )
    if not (_readable(target) and _readable(query)):
        return BadRequest("the address has a character that is not UTF-8 text, or a broken percent sign")
    if b"//" in target or re.search(rb"%2f|%5c|\\|;|/\.{1,2}(/|$)", target, re.IGNORECASE):
        return NotFound("there is nothing at this address; /v1 lists what there is")
    return None


def _readable(part: bytes) -> bool:
    """Whether a part of an address is percent-encoded UTF-8 without control characters."""
    if re.search(rb"%(?![0-9a-fA-F]{2})", part):
        return False
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return False
    return not any(ord(character) < 32 or ord(character) == 127 for character in text)


def _canonical(raw_path: bytes, query: bytes) -> str:
    """The address that a request with a slash at the end should have used."""
    asked = b"?" + query if query else b""
    return (raw_path.rstrip(b"/") + asked).decode("ascii", "ignore")
