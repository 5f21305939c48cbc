"""What every request shares: the store, the settings, and the few facts that are looked up once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import litestar

from ogp_open_data.deprecations import Deprecated
from ogp_open_data.records import url_of
from ogp_open_data.settings import Settings, public_url
from ogp_open_data.store import following, history, listings
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.following import State
from ogp_open_data.store.history import Digests
from ogp_open_data.store.listings import Listing
from ogp_open_data.store.releases import Dataset, Head
from ogp_open_data.web.cache import Cache

Request: TypeAlias = litestar.Request[Any, Any, Any]
Response: TypeAlias = litestar.Response[Any]
MOST_KNOWN = 10_000


def site_of(request: Request) -> "Site":
    """The site that a request was sent to."""
    site: Site = request.app.state.site
    return site


class Site:
    """One running program: what it knows of the dataset's present state, and of releases, which never change."""

    def __init__(self, settings: Settings, store: Store, cache: Cache, deprecated: Sequence[Deprecated]) -> None:
        self.settings = settings
        self.store = store
        self.cache = cache
        self.deprecated = deprecated
        self.base = public_url(settings)
        self._state: State | None = None
        self._known: OrderedDict[tuple[str, Listing | int], Any] = OrderedDict()
        self._warming: asyncio.Task[None] | None = None

    async def head(self, known: int = 0) -> Head:
        """The newest release, from memory; looked up where the asker knows of a newer one, from another process for example."""
        state = self._state or await self._first()
        if state.head.number < known:
            state = await self.store.reading(following.state)
            self.learn(state)
        return state.head

    async def dataset(self) -> Dataset:
        """Epoch and tag authority of the database."""
        return (self._state or await self._first()).dataset

    async def _first(self) -> State:
        """The state, where the loop that watches it has not seen it yet."""
        state = await self.store.reading(following.state)
        if self._state is None:
            self.learn(state)
        return self._state or state

    async def reached(self, release: int) -> None:
        """Wait until a release that was made just now is known here: the loop that watches needs milliseconds."""
        for _ in range(100):
            if (await self.head()).number >= release:
                return
            await asyncio.sleep(0.01)

    def learn(self, state: State) -> None:
        """Take a state for the present one. The cache drops what it keeps of another, and makes again what is asked most."""
        before, self._state = self._state, state
        if before is None or before == state:
            return
        same_past = (before.dataset, before.rewritten) == (state.dataset, state.rewritten)
        only_more = same_past and before.head.number < state.head.number
        if not only_more:
            self._known.clear()
        asked = self.cache.forget(everything=not only_more)
        if self._warming is not None:
            self._warming.cancel()
        self._warming = asyncio.create_task(self.cache.warm(asked))

    async def total(self, listing: Listing) -> int:
        """How many records a question matches: counted once per release and filter."""
        found: int = await self._once("count", listings.count, listing)
        return found

    async def summary(self, listing: Listing) -> tuple[int, str]:
        """How many records a question matches, and a digest of them: made once per release and filter."""
        found: tuple[int, str] = await self._once("summary", listings.summary, listing)
        return found

    async def digests(self, release: int) -> Digests:
        """The digests of a release."""
        found: Digests = await self._once("digests", history.digests, release)
        return found

    async def _once(self, name: str, query: Callable[[Connection, Any], Awaitable[Any]], asked: Listing | int) -> Any:
        """What a query says of a release, or of all rows of a listing, which never changes."""
        if isinstance(asked, Listing):
            asked = Listing(noun=asked.noun, release=asked.release, filter=asked.filter)
        key = (name, asked)
        if key not in self._known:
            self._known[key] = await self.store.reading(query, asked)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def url(self, path: str) -> str:
        """A public address: links come from the settings only, never from what a request says."""
        return self.base + path

    def record_url(self, noun: str, id: str) -> str:
        return self.base + url_of(noun, id)
