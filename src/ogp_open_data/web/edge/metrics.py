"""Figures for Prometheus: what was asked and how it went, where the releases stand, the cache, the connections.

Several workers keep their figures in files of one directory, which `server` makes, so that any of them tells of all.
"""

import re
import resource
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from ogp_open_data import settings, tracing
from ogp_open_data.events import log
from ogp_open_data.web.edge.entry import Fields, Written
from ogp_open_data.web.edge.front import Edge
from ogp_open_data.web.site import Site

# From a look-up in the cache to what a reader calls slow; in seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Seconds after which a request is told of in the log. A stream lasts as long as its reader.
SLOW = 1.0
# What is looked at of a path, and kept: no address of ours has more, but a stranger's may have 32 kB.
LONGEST_PATH = 300
STATM = Path("/proc/self/statm")
# Few words for many addresses, the first that fits: a label for each address would be a series for each.
FAMILIES = (
    ("health", r"/(livez|readyz|metrics|status(\.json)?)$"),
    ("feeds", r"/feed\.|/feed/|/v1/.*\.atom$|/v1/changes/archive/"),
    ("history", r"/v1/(changes|releases)"),
    ("lists", r"/v1/[a-z]+(\.[a-z]+)?$"),
    ("records", r"/v1/"),
    ("static", r"/static/|/openapi.json|/schemas/"),
    ("pages", r"/"),
)

REQUESTS = Counter("ogp_requests", "Requests that were answered, or ended before.", ["family", "method", "status"])
SECONDS = Histogram("ogp_request_seconds", "From a request to the end of its answer.", ["family"], buckets=BUCKETS)
RELEASE = Gauge("ogp_release_number", "The newest release that every worker knows.", multiprocess_mode="livemin")
MADE = Gauge("ogp_release_made_timestamp_seconds", "When it was made.", multiprocess_mode="livemin")
DATABASE = Gauge("ogp_database_up", "Whether the database answers: 1 or 0.", multiprocess_mode="livemin")
CACHED = Gauge("ogp_cache_bytes", "What the caches of finished answers hold.", multiprocess_mode="livesum")
FOUND = Gauge("ogp_cache_hits", "Requests answered from memory since the start.", multiprocess_mode="livesum")
MISSED = Gauge("ogp_cache_misses", "Requests that were not.", multiprocess_mode="livesum")
MEMORY = Gauge("ogp_memory_bytes", "Resident memory of all workers.", multiprocess_mode="livesum")
BUSY = Gauge("ogp_database_connections_busy", "Connections for reads that are in use.", multiprocess_mode="livesum")


class Measured:
    """An ASGI application around another, which counts and times what it answers."""

    def __init__(self, app: Edge) -> None:
        self.app = app

    def at_once(self, method: bytes, target: bytes, asked: Fields) -> Written | None:
        """What is kept; counted where there is something."""
        began = perf_counter()
        found = self.app.at_once(method, target, asked)
        if found is not None:
            kind = family(target.partition(b"?")[0][:LONGEST_PATH])
            _counter(kind, method.decode(), str(found.status)).inc()
            _timer(kind).observe(perf_counter() - began)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        status, kind = "aborted", family(scope["raw_path"][:LONGEST_PATH])
        began = perf_counter()

        async def sent(message: Any) -> None:
            nonlocal status
            if "status" in message:
                status = str(message["status"])
            await send(message)

        try:
            with tracing.request(scope["headers"], method=scope["method"], family=kind) as traced:
                await self.app(scope, receive, sent)
                if traced is not None:
                    traced.set_attributes({"status": status, "request_id": scope["state"]["request_id"]})
        finally:
            seconds = perf_counter() - began
            _counter(kind, scope["method"], status).inc()
            _timer(kind).observe(seconds)
            if seconds > SLOW:
                path, id = scope["path"][:500], scope["state"].get("request_id")
                log("request.slow", request_id=id, path=path, status=status, seconds=round(seconds, 3))


@lru_cache(4096)
def family(raw_path: bytes) -> str:
    """Which kind of address it is."""
    path = raw_path.decode("latin-1")
    return next((name for name, pattern in FAMILIES if re.match(pattern, path)), "other")


@lru_cache(1024)
def _counter(kind: str, method: str, status: str) -> Counter:
    known = method if method in ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS") else "other"
    return REQUESTS.labels(kind, known, status)


@lru_cache(64)
def _timer(kind: str) -> Histogram:
    return SECONDS.labels(kind)


def present(site: Site, up: bool) -> None:
    """Take down where this worker stands now; `up` tells of the database."""
    DATABASE.set(up)
    if (head := site.known_head) is not None:
        RELEASE.set(head.number)
        MADE.set(head.made_at.timestamp() if head.made_at else 0)
    for gauge, value in ((CACHED, site.cache.entries.size), (FOUND, site.cache.found), (MISSED, site.cache.missed)):
        gauge.set(value)
    BUSY.set(site.store.busy)
    if (memory := _resident()) is not None:
        MEMORY.set(memory)


def _resident() -> int | None:
    """Bytes of memory that this process has; None where the system does not tell in this way."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return None


def exposition() -> bytes:
    """All figures of all workers, in Prometheus' text format."""
    if settings.shared_figures() is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
