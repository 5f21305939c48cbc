"""What every request shares: the store, the settings, and the few facts that are looked up once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

import litestar
from msgspec.structs import replace

from ogp_open_data.deprecations import Deprecated
from ogp_open_data.errors import BadRequest
from ogp_open_data.records import Filter, url_of
from ogp_open_data.settings import Settings, public_url
from ogp_open_data.store import exports, following, history, listings, redactions, single, tallies
from ogp_open_data.store.doors import Connection, Known, Store
from ogp_open_data.store.exports import Summary
from ogp_open_data.store.following import State
from ogp_open_data.store.history import Digests
from ogp_open_data.store.listings import Found, Listing, Place
from ogp_open_data.store.redactions import Redaction
from ogp_open_data.store.releases import Dataset, Head
from ogp_open_data.store.single import Asked, At
from ogp_open_data.store.tallies import Tally
from ogp_open_data.store.together import Together
from ogp_open_data.web.edge.bounded import Bounded
from ogp_open_data.web.edge.cache import Cache
from ogp_open_data.web.reads.files import Files
from ogp_open_data.web.writes.guard import Guard
from ogp_open_data.web.writes.reading import Reading

Request: TypeAlias = litestar.Request[Any, Any, Any]
Response: TypeAlias = litestar.Response[Any]
MOST_KNOWN = 10_000
ROOM_FOR_ENTRIES = 16 * 1024 * 1024


class Rendered(NamedTuple):
    """An entry of a feed: when its record was updated, its bytes, and their digest."""

    updated: datetime
    body: bytes
    sha256: str


def site_of(request: Request) -> "Site":
    """The site that a request was sent to."""
    site: Site = request.app.state.site
    return site


class Site:
    """One running program: what it knows of the dataset's present state, and of releases, which never change."""

    def __init__(
        self, settings: Settings, store: Store, cache: Cache, files: Files, deprecated: Sequence[Deprecated]
    ) -> None:
        self.settings = settings
        self.store = store
        self.cache = cache
        self.deprecated = deprecated
        self.files = files
        self.base = public_url(settings)
        # Entries of feeds, by noun, id and release.
        self.entries: Bounded[tuple[str, str, int], Rendered] = Bounded(ROOM_FOR_ENTRIES)
        self.records = Together[Asked, At](lambda asked: store.reading(single.items, asked))
        self.guard = Guard()
        self.reading = Reading(settings.vocabulary)
        self._state: State | None = None
        # When a database last said what its newest release is; by a clock that only runs.
        self.heard_at: float | None = None
        self._known: OrderedDict[tuple[str, Listing | int], Any] = OrderedDict()
        self._warming: asyncio.Task[None] | None = None
        # Told to end: it answers on for a while, but is not ready for more.
        self.ending = False

    def end(self) -> None:
        self.ending = True

    async def head(self, known: int = 0) -> Head:
        """The newest release, from memory; looked up where the asker knows of a newer one, from another process for example."""
        state = self._state or await self._first()
        for read in (self.store.reading, self.store.reading_primary):
            if state.head.number < known:
                state = self.learn(await read(following.state))
        return state.head

    async def newest(self) -> Head:
        """The newest release as the primary has it; what is read from here on is not older."""
        return self.learn(await self.store.reading_primary(following.state)).head

    @property
    def known(self) -> State | None:
        """The state that this process saw last, where it has seen one already."""
        return self._state

    @property
    def known_head(self) -> Head | None:
        """The newest release, where this process has seen one already."""
        return self._state.head if self._state else None

    async def dataset(self) -> Dataset:
        """Epoch and tag authority of the database."""
        return (self._state or await self._first()).dataset

    async def _first(self) -> State:
        """The state, where the loop that watches it has not seen it yet."""
        return self.learn(await self.store.reading(following.state))

    async def caught_up(self, release: int) -> None:
        """Know a release that somebody has seen already. Raises BadRequest where this history has none of that number."""
        head = await self.head(release)
        if head.number < release:
            raise BadRequest(
                f"OGP-Release: there is no release {release}; the newest is {head.number}. Leave the field out to begin anew"
            )

    def learn(self, state: State) -> State:
        """Take a state for the present one; gives what holds then.

        The cache drops what it keeps of another, and makes again what is asked most. A history only grows: what is older than what
        is known was asked for before that, and is not heard.
        """
        self.heard_at = monotonic()
        before = self._state
        if before is not None and _goes_back(before, state):
            return before
        self._state, self.cache.release = state, state.head.number
        self.store.floor = Known(state.head.number, state.head.made_at)
        if before is None or before == state:
            return state
        same_past = (before.dataset, before.rewritten) == (state.dataset, state.rewritten)
        only_more = same_past and before.head.number < state.head.number
        if not only_more:
            self._known.clear()
            self.entries.clear()
        asked = self.cache.forget(everything=not only_more)
        if self._warming is not None:
            self._warming.cancel()
        self._warming = asyncio.create_task(self.cache.warm(asked))
        return state

    async def page(
        self, listing: Listing, total: int | None, texts: Sequence[str] = ("doc",)
    ) -> tuple[list[Found], int]:
        """A page, and how many match in all: where nobody knows that yet, it is counted with the page."""
        if listing.filter != Filter() and tallies.told(listing.filter):
            return await self._tallied_page(listing, texts)
        key = ("count", _apart_from_pages(listing))
        known: int | None = self._known.get(key) if total is None else total
        if known is not None:
            return await self.store.reading(listings.page, listing, texts), known
        rows, counted = await self.store.reading(listings.first_page, listing, texts)
        self._remember(key, counted)
        return rows, counted

    async def _tallied_page(self, listing: Listing, texts: Sequence[str]) -> tuple[list[Found], int]:
        """The same where the total follows from tallies, which also tell what there is to look for."""
        known: list[Tally] = await self._once(
            "tallies", tallies.at, _apart_from_pages(replace(listing, filter=Filter()))
        )
        total = tallies.total(tallies.matching(known, listing.filter))
        if total == 0 or listing.limit == 0:
            return [], total
        by = tallies.values(known, listing.filter) if listing.sort == "id" else None
        return await self.store.reading(listings.page, replace(listing, by=by), texts), total

    async def summary(self, listing: Listing) -> Summary:
        """What all records that a question matches come to: made once per release and filter."""
        found: Summary = await self._once("summary", exports.summary, _apart_from_pages(listing))
        return found

    async def ends(self, listing: Listing) -> Sequence[Place]:
        """Where batches of all rows of a listing end."""
        rows = (await self.summary(listing)).rows
        if rows <= exports.SIZE:
            return ()
        asked = listing if rows <= exports.FEW else replace(listing, filter=Filter())
        found: tuple[Place, ...] = await self._once("ends", exports.places, asked)
        return found

    async def release(self, number: int) -> tuple[datetime, str]:
        """Time and counts (JSON) of a release that was made."""
        found: tuple[datetime, str] = await self._once("release", listings.release_at, number)
        return found

    async def digests(self, release: int) -> Digests:
        """The digests of a release."""
        found: Digests = await self._once("digests", history.digests, release)
        return found

    async def redactions(self, release: int) -> list[Redaction]:
        """What a release redacted, and what was redacted in it since."""
        found: list[Redaction] = await self._once("redactions", redactions.of_release, release)
        return found

    async def _once(self, name: str, query: Callable[[Connection, Any], Awaitable[Any]], asked: Listing | int) -> Any:
        """What a query says of a release, or of all rows of a listing, which never changes."""
        key = (name, asked)
        if key not in self._known:
            self._remember(key, await self.store.reading(query, asked))
        return self._known[key]

    def _remember(self, key: tuple[str, Listing | int], value: Any) -> None:
        self._known[key] = value
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def url(self, path: str) -> str:
        """A public address: links come from the settings only, never from what a request says."""
        return self.base + path

    def record_url(self, noun: str, id: str) -> str:
        return self.base + url_of(noun, id)


def _goes_back(before: State, state: State) -> bool:
    """Whether a state is an older one of the same history."""
    return before.dataset.epoch == state.dataset.epoch and state.head.number < before.head.number


def _apart_from_pages(listing: Listing) -> Listing:
    """What a total depends on."""
    return Listing(noun=listing.noun, release=listing.release, filter=listing.filter)
