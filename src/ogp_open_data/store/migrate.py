"""Schema migrations: the `.sql` files of `migrations/`, in the order of their numbers, each once and each in a transaction."""

import asyncio
from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import resources

import asyncpg

from ogp_open_data.errors import NewerProgram, Refused, StoreUnavailable
from ogp_open_data.store.doors import Connection

HAS_ANY = "SELECT to_regclass('migration') IS NOT NULL"
AT_HOME = "SELECT count(*) = 1 FROM dataset WHERE home = $1"
CREATE = "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())"
# Two programs that start at once must not both migrate; the number only has to be ours.
LOCK = "SELECT pg_advisory_xact_lock(740220171)"
# Whoever waits for a table stands before all who come later, readers too: so it is given up soon, and tried again.
IMPATIENT = "SET LOCAL lock_timeout = '1s'"
PATIENT = "SET LOCAL lock_timeout TO DEFAULT"
TRIES = 60
DONE = "SELECT name FROM migration"
RECORD = "INSERT INTO migration (name) VALUES ($1)"
FOUND = "INSERT INTO dataset (tag_authority, tag_on) VALUES ($1, $2) ON CONFLICT DO NOTHING"
VERSION = "SHOW server_version_num"
HOME = """
SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid FROM pg_database WHERE datname = current_database()
"""
# What was restored into another database may be older than what readers have seen: their cursors must not go on in it unnoticed.
SETTLE = """
UPDATE dataset SET home = $1, epoch = CASE WHEN home IS NULL AND NOT $2 THEN epoch ELSE gen_random_uuid() END
WHERE home IS DISTINCT FROM $1 OR $2
"""
SERVER_NEEDED = 150000


@cache
def migrations() -> list[tuple[str, str]]:
    """Name and text of each migration of this program."""
    files = resources.files("ogp_open_data.store").joinpath("migrations").iterdir()
    return sorted((file.name, file.read_text()) for file in files if file.name.endswith(".sql"))


@cache
def newest() -> str:
    """The name of the last migration of this program."""
    return migrations()[-1][0]


async def migrate(connection: Connection, tag_authority: str, today: date, new_epoch: bool = False) -> list[str]:
    """Bring the schema up to this program's, in the caller's transaction; the names of what was done.

    Authority and day of the tag: URIs are taken at the first call only. The epoch is renewed in a database that was restored from
    a dump, and where `new_epoch` asks for it. Raises Refused when the server is older than 15 or the account may not change the
    schema, and NewerProgram when that is newer than this program.
    """
    if int(await connection.fetchval(VERSION)) < SERVER_NEEDED:
        raise Refused("PostgreSQL 15 or later is needed; this server is older")
    home = await connection.fetchval(HOME)
    # Most starts find everything done, and then need no more rights than to read.
    begun = not new_epoch and await connection.fetchval(HAS_ANY)
    if begun and not await _left(connection) and await connection.fetchval(AT_HOME, home):
        return []
    await connection.execute(LOCK)
    try:
        await connection.execute(CREATE)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refused(
            "the schema is to be changed, which this account may not; run `ogp-open-data migrate` with the one that owns the tables"
        ) from error
    left = await _left(connection)
    if left:
        await _carry_out(connection, left)
    await connection.execute(FOUND, tag_authority, today)
    await connection.execute(SETTLE, home, new_epoch)
    return [name for name, _ in left]


async def _carry_out(connection: Connection, left: Sequence[tuple[str, str]]) -> None:
    """All migrations that are left, or none; while others use the tables, in the pauses between them.

    Raises StoreUnavailable where there are none for a minute.
    """
    for _ in range(TRIES):
        try:
            async with connection.transaction():
                await connection.execute(IMPATIENT)
                for name, text in left:
                    await connection.execute(text)
                    await connection.execute(RECORD, name)
                await connection.execute(PATIENT)
            return
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(1)
    raise StoreUnavailable(
        "the tables cannot be changed, as somebody uses them without a pause; pg_stat_activity tells who: then try again"
    )


async def _left(connection: Connection) -> list[tuple[str, str]]:
    """The migrations that are not done yet. Raises NewerProgram where one is done that this program does not know."""
    done = {row["name"] for row in await connection.fetch(DONE)}
    ours = migrations()
    if unknown := sorted(done - {name for name, _ in ours}):
        raise NewerProgram(f"the database was migrated by a newer program ({unknown[-1]}); start that one")
    return [(name, text) for name, text in ours if name not in done]
