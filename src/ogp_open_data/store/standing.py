"""Where one server stands: what operators must know of it, in one query."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from ogp_open_data.store.doors import Connection, Known

# Our own sessions are read-only by a SET of their own, so it is the server's default that is asked for.
STANDING = """
SELECT coalesce((SELECT max(number) FROM release), 0) AS newest,
    pg_is_in_recovery() OR (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only,
    ARRAY(SELECT name FROM migration ORDER BY name) AS migrations,
    (SELECT made_at FROM release WHERE cause = 'import' ORDER BY number DESC LIMIT 1) AS imported_at,
    (SELECT made_at FROM release WHERE number = $1) IS NOT DISTINCT FROM $2::timestamptz AS current
"""


class Standing(Struct, frozen=True):
    """The newest release that a server has (0 for none), whether it takes no writes, the migrations that were done, when a document
    was taken in last, and whether it has the release that it was asked for."""

    newest: int
    read_only: bool
    migrations: list[str]
    imported_at: datetime | None
    current: bool


async def standing(connection: Connection, known: Known | None) -> Standing:
    """Where the server of a connection stands; one that nobody migrated yet has nothing."""
    number, made_at = known or (0, None)
    try:
        return Standing(*(await connection.fetch(STANDING, number, made_at))[0])
    except asyncpg.UndefinedTableError:
        return Standing(0, False, [], None, known is None)
