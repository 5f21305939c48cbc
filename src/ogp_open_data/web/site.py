"""What every request shares: the store, the settings, and the few facts that are looked up once."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import litestar

from ogp_open_data.deprecations import Deprecated
from ogp_open_data.records import url_of
from ogp_open_data.settings import Settings, public_url
from ogp_open_data.store import history, listings, releases
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.history import Digests
from ogp_open_data.store.listings import Listing
from ogp_open_data.store.releases import Dataset

Request: TypeAlias = litestar.Request[Any, Any, Any]
Response: TypeAlias = litestar.Response[Any]
MOST_KNOWN = 10_000


def site_of(request: Request) -> "Site":
    """The site that a request was sent to."""
    site: Site = request.app.state.site
    return site


class Site:
    """One running program. What is cached here never changes: the dataset's identity, and totals of a release."""

    def __init__(self, settings: Settings, store: Store, deprecated: Sequence[Deprecated]) -> None:
        self.settings = settings
        self.store = store
        self.deprecated = deprecated
        self.base = public_url(settings)
        self._dataset: Dataset | None = None
        self._known: OrderedDict[tuple[str, Listing | int], Any] = OrderedDict()

    async def dataset(self) -> Dataset:
        """Epoch and tag authority of the database."""
        if self._dataset is None:
            self._dataset = await self.store.reading(releases.dataset)
        return self._dataset

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
