"""For operators: whether the program runs, and whether it can answer from its database."""

from typing import Any

import litestar
import msgspec
from prometheus_client import CONTENT_TYPE_LATEST

from ogp_open_data.store import releases
from ogp_open_data.web.edge import metrics
from ogp_open_data.web.site import Request, Response, site_of


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
    head = await site.store.reading(releases.head)
    return _answer(200, {"status": "ok", "release": head.number})
