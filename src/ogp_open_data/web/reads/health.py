"""For operators: whether the program runs, and whether it can answer from its database."""

from datetime import UTC, datetime
from typing import Any

import litestar
import msgspec
from prometheus_client import CONTENT_TYPE_LATEST

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.web.edge import metrics
from ogp_open_data.web.reads import readiness, standing
from ogp_open_data.web.reads.readiness import Look
from ogp_open_data.web.site import Request, Response, Site, site_of


def _answer(status: int, body: Any) -> Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return litestar.Response(
        msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/octet-stream"
    )


async def figures(request: Request) -> Response:
    """`/metrics`: the figures of this program, for Prometheus."""
    headers = {"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"}
    return litestar.Response(metrics.exposition(), headers=headers, media_type="application/octet-stream")


async def livez(request: Request) -> Response:
    """200 while the program runs."""
    return _answer(200, {"status": "ok"})


async def status(request: Request) -> Response:
    """`/status.json`: what `/status` tells people."""
    return _answer(200, await standing.told(site_of(request)))


async def readyz(request: Request) -> Response:
    """200 while reads can be answered, naming what is wrong all the same; 503 (problem details) with the same list otherwise."""
    site = site_of(request)
    if site.ending:
        return _answer(503, {"status": "ending"})
    seen = await readiness.look(site)
    checks = readiness.checked(seen)
    state = readiness.worst(checks)
    if state == readiness.FAILED:
        wrong = [one for one in checks if one.state == readiness.FAILED]
        raise StoreUnavailable("; ".join(f"{one.name}: {one.detail}" for one in wrong), checks=checks)
    standby = {"standby": _standby(site, seen)} if len(seen.servers) > 1 else {}
    return _answer(200, {"status": state, "release": seen.known, **standby, "checks": checks})


def _standby(site: Site, seen: Look) -> dict[str, Any]:
    """The release of the standby, null where it does not answer, and for how many seconds it has lacked a newer one."""
    first, head = seen.servers[0], site.known_head
    release = None if first is None else first.newest
    lacks = head.made_at if head and (release is None or release < head.number) else None
    return {"release": release, "seconds": (datetime.now(UTC) - lacks).total_seconds() if lacks else 0.0}
