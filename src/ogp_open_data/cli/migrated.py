"""What the commands do with a store that runs: work on it once it is migrated, in the name of whoever sits there."""

import asyncio
import os
import pwd
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from ogp_open_data import settings, tracing
from ogp_open_data.intake import hand
from ogp_open_data.intake.terms import Actor
from ogp_open_data.settings import Settings
from ogp_open_data.store.doors import Store
from ogp_open_data.store.migrate import migrate


def user() -> Actor:
    """Who works at this command line, for the audit trail."""
    try:
        return Actor(f"user {pwd.getpwuid(os.geteuid()).pw_name}")
    except KeyError:
        return Actor(f"user {os.geteuid()}")


def store_of(chosen: Settings) -> Store:
    assert chosen.database_url is not None
    return Store(chosen.database_url, chosen.database_read_url, chosen.read_connections, chosen.statement_timeout)


def run(chosen: Settings, work: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
    """Do some work on a migrated store."""

    async def inside() -> Any:
        store = store_of(chosen)
        await store.open()
        try:
            await migrated(store, chosen)
            await hand.reshape(store)
            return await work(store)
        finally:
            await store.close()

    with tracing.told(chosen.traces):
        return asyncio.run(inside())


async def migrated(store: Store, chosen: Settings, new_epoch: bool = False) -> list[str]:
    async with store.writing() as connection:
        return await migrate(connection, settings.tag_authority(chosen), datetime.now(UTC).date(), new_epoch)
