"""The loop that keeps the head in memory, so that no request asks for it and the cache is emptied by a release."""

import asyncio
from contextlib import suppress

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store import following
from ogp_open_data.web.edge import metrics
from ogp_open_data.web.site import Site

# Seconds: what is served is never staler than a second, though no notification should come.
EVERY = 0.5
PAUSE = 0.1


async def forever(site: Site) -> None:
    """Learn of each release when it is made. Where no connection of its own is to be had, those of the readers must do."""
    while True:
        with suppress(StoreUnavailable):
            async for state in following.states(site.store.read_dsn, EVERY):
                site.learn(state)
                metrics.present(site, up=True)
        await asyncio.sleep(PAUSE)
        try:
            site.learn(await site.store.reading(following.state))
        except StoreUnavailable:
            metrics.present(site, up=False)
