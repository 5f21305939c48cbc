"""A history that grows: releases made by hand, one after the other, as many as a test wants."""

from ogp_open_data.intake import hand, vocabulary
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Store

KNOWN = vocabulary.load()


async def grow(store: Store, until: int, id: str = "nz-treasury") -> None:
    """Correct the website of an organisation until there are so many releases."""
    for number in range((await store.reading(releases.head)).number + 1, until + 1):
        await hand.correct(store, KNOWN, id, {"website": f"https://www.example.org/{number}"}, f"It moved, {number}.")


async def grown(dsn: str, until: int) -> None:
    """The same for whoever has no store open."""
    store = Store(dsn)
    await store.open()
    try:
        await grow(store, until)
    finally:
        await store.close()
