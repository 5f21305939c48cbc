"""The loop that lets go of what was kept for a time only, so that nothing grows where nobody comes by any more."""

import asyncio
from contextlib import suppress

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store import audit, imports, replays
from ogp_open_data.store.doors import Store

# Seconds. Every process does it: what is gone already costs the next one a look at an index.
EVERY = 3600.0


async def forever(store: Store) -> None:
    """Clean each hour; a database that is away, or takes no writes, is asked again in the next."""
    while True:
        with suppress(StoreUnavailable):
            await clean(store)
        await asyncio.sleep(EVERY)


async def clean(store: Store) -> None:
    """Let go of expired imports, of answers kept for repetition, and of old plans and refusals in the audit trail."""
    async with store.writing() as connection:
        await imports.forget(connection)
        await replays.forget(connection)
        await audit.forget(connection)
