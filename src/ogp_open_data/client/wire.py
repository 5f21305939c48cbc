"""Asking over HTTP, and asking again: what may be tried once more is tried with growing pauses, and what may not is an error."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
from msgspec import Struct

from ogp_open_data import __version__
from ogp_open_data.errors import OpenDataError, Refused, StoreUnavailable

T = TypeVar("T")
# Too early, too many, broken, overloaded, and what a proxy says of a server that is away.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Pace(Struct, frozen=True, kw_only=True):
    """How patiently to ask: tries, and seconds."""

    tries: int = 7
    first_pause: float = 0.5
    longest_pause: float = 60.0
    # A publisher that asks for more than this is left until the next run.
    longest_asked: float = 600.0
    timeout: float = 60.0


class Damaged(Exception):
    """An answer came whole but cannot be what was sent."""


class Busy(Exception):
    """The publisher asks to come back later; `after` in seconds where it says when."""

    def __init__(self, status: int, after: float | None) -> None:
        super().__init__(f"it answered {status}")
        self.after = after


# What may pass by itself.
FAULTS = (httpx.RequestError, Damaged, Busy)


class Wire:
    """A connection to one publisher that counts its requests and the bytes of the bodies it received."""

    def __init__(self, url: str, pace: Pace | None = None) -> None:
        self.url = base(url)
        self.pace = pace or Pace()
        self.requests = 0
        self.bytes = 0

    async def __aenter__(self) -> Self:
        agent = {"User-Agent": f"ogp-open-data/{__version__}"}
        self._http = httpx.AsyncClient(
            timeout=self.pace.timeout, headers=agent, follow_redirects=True, verify=authorities()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(
        self,
        path: str,
        query: Mapping[str, Any],
        read: Callable[[httpx.Response], Awaitable[T]],
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """What `read` makes of the answer; it is asked again while the fault may pass, `read` raising Damaged included.

        Raises Refused, or the kind of it that the publisher names, where asking again is of no use; StoreUnavailable where
        the tries are used up.
        """
        for attempt in count(1):
            try:
                return await self._once(path, query, read, headers)
            except FAULTS as fault:
                pause = self._pause(attempt, fault)
                if attempt >= self.pace.tries or pause is None:
                    why = str(fault) or type(fault).__name__
                    raise StoreUnavailable(
                        f"{self.url}{path}: {why}, after {attempt} tries; what was fetched is kept, the next run goes on from it"
                    ) from fault
                await asyncio.sleep(pause)
        raise AssertionError("count() does not end")

    async def _once(
        self,
        path: str,
        query: Mapping[str, Any],
        read: Callable[[httpx.Response], Awaitable[T]],
        headers: Mapping[str, str] | None,
    ) -> T:
        self.requests += 1
        given = {name: str(value) for name, value in query.items() if value is not None}
        try:
            request = self._http.build_request("GET", self.url + path, params=given, headers=headers)
        except httpx.InvalidURL as error:
            raise Refused(f"{self.url}: is no address ({error})") from error
        try:
            response = await self._http.send(request, stream=True)
        except httpx.UnsupportedProtocol as error:
            raise Refused(f"{self.url}: give an address that begins with http:// or https://") from error
        try:
            if response.status_code in PASSING:
                raise Busy(response.status_code, retry_after(response.headers.get("retry-after")))
            if response.is_error:
                raise problem(response.status_code, await response.aread(), f"{self.url}{path}")
            return await read(response)
        finally:
            self.bytes += response.num_bytes_downloaded
            await response.aclose()

    def _pause(self, attempt: int, fault: Exception) -> float | None:
        """Seconds until the next try, doubled each time and spread so that many clients do not come at once."""
        pause = min(self.pace.first_pause * 2.0 ** (attempt - 1), self.pace.longest_pause) * random.uniform(0.5, 1.0)
        if not isinstance(fault, Busy) or fault.after is None:
            return pause
        return max(fault.after, pause) if fault.after <= self.pace.longest_asked else None


@cache
def authorities() -> ssl.SSLContext:
    """Whom to trust; reading them takes longer than a quiet night, so once is enough."""
    return httpx.create_ssl_context()


def base(url: str) -> str:
    """The address of a publisher, with or without the /v1 that people copy along."""
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def retry_after(header: str | None) -> float | None:
    """Seconds from now, given as seconds or as an HTTP date; None where it is neither."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())


def problem(status: int, body: bytes, address: str) -> OpenDataError:
    """Problem details (RFC 9457) as the error of our tree whose code its `type` ends with, else by its status."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        told = {}
    code = str(told.get("type", "")).rsplit("/", 1)[-1]
    kinds = kinds_of(OpenDataError)
    fitting = [kind for kind in kinds if kind.status == status] or [Refused]
    fitting += [kind for kind in kinds if kind.code == code]
    extra = {
        name: value for name, value in told.items() if name not in ("type", "title", "status", "detail", "instance")
    }
    error = fitting[-1](f"{address}: {told.get('detail') or f'answered {status}'}", **extra)
    # Of the tree or not, this is what was answered.
    error.code, error.status = code or error.code, status
    return error


def kinds_of(kind: type[OpenDataError]) -> list[type[OpenDataError]]:
    """An error and all kinds of it."""
    return [kind, *(one for below in kind.__subclasses__() for one in kinds_of(below))]
