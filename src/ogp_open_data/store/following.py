"""Following the dataset's head: told by NOTIFY where that reaches, and asked for in any case.

A standby that was promoted before it had all releases continues the history before them: the next release would be another one of a
number that readers have seen. Whoever saw it notices here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import asyncpg
from msgspec import Struct

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.records import NOUNS
from ogp_open_data.store import servers
from ogp_open_data.store.doors import LOST, SESSION, Connection
from ogp_open_data.store.releases import Dataset, Head, counted

STATE = """
SELECT epoch::text, tag_authority, tag_on, shape, shaped_in, number, made_at, counts,
    (SELECT max(number) FROM release WHERE cause = 'redact') AS rewritten,
    (SELECT made_at FROM release WHERE number = $1) AS seen_made_at
FROM dataset LEFT JOIN LATERAL (SELECT number, made_at, counts FROM release ORDER BY number DESC LIMIT 1) AS head ON true
"""
# Seconds that an answer may take, before the database counts as away.
PATIENCE = 1.0


class State(Struct, frozen=True):
    """What holds now: the dataset, its newest release, and the newest one that rewrote older ones (only a redaction does)."""

    dataset: Dataset
    head: Head
    rewritten: int | None


class Parted(Exception):
    """The history is not the one that was seen, though it has the same epoch: for the program, which goes on with what it has."""


async def state(connection: Connection, before: State | None = None) -> State:
    """The state of the database that is read from.

    Raises StoreUnavailable where nobody has migrated it yet, and Parted where it does not go on from `before`.
    """
    try:
        row = await connection.fetchrow(STATE, before.head.number if before else 0)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        row = None
    if row is None:
        raise StoreUnavailable("the database is not prepared yet; `serve` does it when it starts, or `migrate`")
    head = Head(0, None, dict.fromkeys(NOUNS, 0))
    if row["number"] is not None:
        head = Head(row["number"], row["made_at"], counted(row["counts"]))
    if before and before.dataset.epoch == row["epoch"] and before.head.made_at != row["seen_made_at"]:
        raise Parted(f"the primary lacks release {before.head.number}, which was published")
    return State(Dataset(*row[:5]), head, row["rewritten"])


async def states(dsn: str, every: float, before: Callable[[], State | None] = lambda: None) -> AsyncIterator[State]:
    """The state now, after each release, and at least every so many seconds, on a connection of its own.

    Raises StoreUnavailable when the connection is lost, or slower than PATIENCE, and Parted where it does not go on from what was
    the state before.
    """
    connection = None
    try:
        connection = await servers.connect(dsn, timeout=PATIENCE, command_timeout=PATIENCE, server_settings=SESSION)
        woken = asyncio.Event()
        connection.add_termination_listener(lambda _: woken.set())
        # A standby refuses LISTEN; there the asking alone must do.
        with suppress(asyncpg.ReadOnlySQLTransactionError):
            await connection.add_listener("release", lambda *_: woken.set())
        while True:
            woken.clear()
            yield await state(connection, before())
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), every)
    except (TimeoutError, asyncpg.PostgresError, *LOST) as error:
        raise StoreUnavailable(f"the newest release cannot be asked for: {error}") from error
    finally:
        if connection is not None:
            connection.terminate()
