"""For operators: whether the program runs, and whether it can answer from its database."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import litestar
import msgspec
from prometheus_client import CONTENT_TYPE_LATEST

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store import following
from ogp_open_data.store.releases import Head
from ogp_open_data.web.edge import metrics
from ogp_open_data.web.site import Request, Response, Site, site_of

# Seconds: who asks whether we are ready asks again soon, and gives up soon.
PATIENCE = 2.0


def _answer(status: int, body: dict[str, Any]) -> Response:
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


async def readyz(request: Request) -> Response:
    """200 while reads can be answered, 503 (problem details) naming what is wrong otherwise."""
    site = site_of(request)
    asked = asyncio.create_task(site.store.reading(following.state))
    await asyncio.wait({asked}, timeout=PATIENCE)
    if not asked.done():
        # Its end is not waited for: it may be as slow as its answer.
        asked.cancel()
        raise StoreUnavailable(f"the database did not answer within {PATIENCE:.0f} seconds")
    head = asked.result().head
    standby = {"standby": await _standby(site, head)} if site.store.has_standby else {}
    return _answer(200, {"status": "ok", "release": head.number, **standby})


async def _standby(site: Site, head: Head) -> dict[str, Any]:
    """The release of the standby, null where it does not answer, and for how many seconds it has lacked a newer one."""
    release = await site.store.standby_release()
    lacks = head.made_at if release is None or release < head.number else None
    return {"release": release, "seconds": (datetime.now(UTC) - lacks).total_seconds() if lacks else 0.0}
