"""A quota for reads that cost something, those that the cache has not: one client's flood must not become everybody's wait.

The fields are those of draft-ietf-httpapi-ratelimit-headers. What is answered from memory is not counted and does not have them.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from time import monotonic

from litestar.types import HTTPScope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ogp_open_data.errors import QuotaExceeded
from ogp_open_data.web.edge.buckets import Buckets

NAME = "reads"
# Seconds in which a client may spend its quota.
WINDOW = 60
# Units: what is looked for, or compared, is worked out; a whole table is read from end to end.
SEARCH, BULK = 5, 10
SEARCHED = re.compile(rb"/search$|/diff$|^/reports/[^/]+/changes$")
ASKED_IN_WORDS = re.compile(rb"(^|&)q=[^&]")
WHOLE = re.compile(rb"^/v1/[a-z]+\.(csv|ndjson|xlsx|parquet)$|\.zip$")
WHOLE_ACCEPTED = re.compile(rb"text/csv|ndjson|spreadsheetml|parquet")
# Who watches the program must see it, most of all when it is asked too much.
WATCHED = re.compile(rb"/(livez|readyz|metrics)$")


class Quota:
    """What each client has left of so many units a minute. `proxies` are those whose X-Forwarded-For is believed, with commas."""

    def __init__(self, quota: int, proxies: str | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.quota = quota
        self.buckets = Buckets(quota, WINDOW / max(1, quota), clock)
        self.proxies = ProxyHeadersMiddleware(_nobody, proxies or "").trusted_hosts

    def spend(self, scope: HTTPScope, accept: bytes | None) -> dict[str, str]:
        """Count a read; the fields that tell its client what is left. Raises QuotaExceeded."""
        cost = min(units(scope["raw_path"], scope["query_string"], accept), self.quota)
        client = self._client(scope) if cost else None
        if client is None:
            return {}
        if wait := self.buckets.wait(client, cost):
            raise QuotaExceeded(
                f"too many reads that had to be worked out came from there; try again in {wait} seconds",
                retry_after=wait,
                quota=self.quota,
                left=self.buckets.left(client),
                **{"violated-policies": [NAME]},
            )
        self.buckets.take(client, cost)
        return fields(self.quota, self.buckets.left(client), round(self.buckets.missing(client)))

    def _client(self, scope: HTTPScope) -> str | None:
        """Who asks; None for this machine itself: a proxy on it that is not trusted speaks for all readers at once."""
        host = scope["client"][0] if scope["client"] else ""
        if host in self.proxies:
            forwarded = b", ".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
            host = self.proxies.get_trusted_client_address(forwarded.decode("latin-1"))[0] if forwarded else host
        return network(host)


async def _nobody(*_: object) -> None:
    """An application that is never asked: of what stands before it only whom it trusts is wanted."""


@lru_cache(4096)
def network(host: str) -> str | None:
    """The name of a client's bucket: its address, of IPv6 the /64 that one subscriber has; None on the loopback."""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:100] or None
    if address.is_loopback:
        return None
    return str(address) if address.version == 4 else address.exploded[:19]


def units(path: bytes, query: bytes, accept: bytes | None) -> int:
    """What a read costs."""
    if WATCHED.match(path):
        return 0
    if WHOLE.search(path) or (path.startswith(b"/v1/") and accept is not None and WHOLE_ACCEPTED.search(accept)):
        return BULK
    return SEARCH if SEARCHED.search(path) or ASKED_IN_WORDS.search(query) else 1


def fields(quota: int, left: int, seconds: int) -> dict[str, str]:
    """What a client may spend, what it has left, and in how many seconds it has it all again (of a refusal: enough)."""
    return {"ratelimit-policy": f'"{NAME}";q={quota};w={WINDOW}', "ratelimit": f'"{NAME}";r={left};t={seconds}'}
