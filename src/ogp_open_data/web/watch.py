"""The loop that keeps the head in memory, so that no request asks for it and the cache is emptied by a release."""

import asyncio

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.events import log
from ogp_open_data.store import following
from ogp_open_data.store.following import State
from ogp_open_data.web.edge import metrics
from ogp_open_data.web.site import Site

# Seconds: what is served is never staler than a second, though no notification should come.
EVERY = 0.5
PAUSE = 0.1


async def forever(site: Site) -> None:
    """Learn of each release when the primary makes it, however far its standbys lag; while it is away, from whatever is read."""
    sight = Sight(site)
    while True:
        try:
            async for state in following.states(site.store.dsn, EVERY):
                sight.of(state)
        except StoreUnavailable:
            await asyncio.sleep(PAUSE)
        try:
            sight.of(await site.store.reading(following.state))
        except StoreUnavailable as error:
            sight.lost(error)


class Sight:
    """What the loop sees of the database; the log has a line when it goes, and one when it comes back."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.away = False

    def of(self, state: State) -> None:
        self.site.learn(state)
        metrics.present(self.site, up=True)
        if self.away:
            self.away = False
            log("database.back", release=state.head.number)

    def lost(self, error: StoreUnavailable) -> None:
        metrics.present(self.site, up=False)
        if not self.away:
            self.away = True
            log("database.away", reason=error.detail)
