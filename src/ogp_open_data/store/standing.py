"""Where one server stands: what operators must know of it, in one query."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from ogp_open_data.store.doors import Connection

# Our own sessions are read-only by a SET of their own, so it is the server's default that is asked for.
STANDING = """
SELECT coalesce((SELECT max(number) FROM release), 0) AS newest,
    pg_is_in_recovery() OR (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only,
    ARRAY(SELECT name FROM migration ORDER BY name) AS migrations,
    (SELECT made_at FROM release WHERE cause = 'import' ORDER BY number DESC LIMIT 1) AS imported_at
"""


class Standing(Struct, frozen=True):
    """The newest release that a server has (0 for none), whether it takes no writes, the migrations that were done, and when a
    document was taken in last."""

    newest: int
    read_only: bool
    migrations: list[str]
    imported_at: datetime | None


async def standing(connection: Connection) -> Standing:
    """Where the server of a connection stands; one that nobody migrated yet has nothing."""
    try:
        return Standing(*(await connection.fetch(STANDING))[0])
    except asyncpg.UndefinedTableError:
        return Standing(0, False, [], None)
