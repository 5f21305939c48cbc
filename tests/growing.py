"""A history that grows: releases made by hand, one after the other, as many as a test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ogp_open_data.intake import hand
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Store

KNOWN = vocabulary.load()


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Store]:
    """A store at an address."""
    store = Store(dsn)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def grow(store: Store, until: int, id: str = "nz-treasury") -> None:
    """Correct the website of an organisation until there are so many releases."""
    for number in range((await store.reading(releases.head)).number + 1, until + 1):
        await hand.correct(store, KNOWN, id, {"website": f"https://www.example.org/{number}"}, f"It moved, {number}.")


async def grown(dsn: str, until: int) -> None:
    """The same for whoever has no store open."""
    async with opened(dsn) as store:
        await grow(store, until)
