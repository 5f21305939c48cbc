"""The loop that keeps the head in memory, so that no request asks for it and the cache is emptied by a release."""

import asyncio

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.events import log
from ogp_open_data.store import following
from ogp_open_data.store.following import Parted, State
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
            async for state in following.states(site.store.dsn, EVERY, lambda: site.known):
                sight.of(state)
        except Parted as error:
            sight.lost("history.parted", str(error))
            await asyncio.sleep(EVERY)
            continue
        except StoreUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                await site.store.renew()
            await asyncio.sleep(PAUSE)
        try:
            sight.of(await site.store.reading(following.state))
        except StoreUnavailable as error:
            sight.lost("database.away", error.detail)


class Sight:
    """What the loop sees of the database; the log has a line for what is wrong, once, and one when it comes back."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.wrong: str | None = None

    def of(self, state: State) -> None:
        self.site.learn(state)
        metrics.present(self.site, up=True)
        if self.wrong is not None:
            self.wrong = None
            log("database.back", release=state.head.number)

    def lost(self, event: str, reason: str) -> None:
        metrics.present(self.site, up=False)
        if self.wrong != event:
            self.wrong = event
            log(event, reason=reason)
