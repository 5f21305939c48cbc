"""A copy in PostgreSQL: the schema `ogp_copy` with a table a noun (id, version, release, sha256, doc) and `state` of one row."""

import hashlib
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import asyncpg
import msgspec

from ogp_open_data.client.copies import Edits, State
from ogp_open_data.client.in_sqlite import row
from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.publisher import Digests
from ogp_open_data.errors import Refused, StoreUnavailable
from ogp_open_data.records import NOUNS

SCHEMA = "ogp_copy"
MAKE_SCHEMA = f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"
# Text in the order of its bytes, and as it was served; `doc::jsonb` is for whoever asks inside it.
TABLE = f"""
CREATE TABLE IF NOT EXISTS {SCHEMA}.{{}} (
    id text COLLATE "C" PRIMARY KEY, version integer NOT NULL, release integer NOT NULL, sha256 text NOT NULL, doc text NOT NULL
)
"""
STATE_TABLE = f"""
CREATE TABLE IF NOT EXISTS {SCHEMA}.{{}} (
    url text, epoch text, release integer, root text, etag text, synced_at text, digests text
)
"""
STATE = f"SELECT url, epoch, release, root, etag, synced_at, digests FROM {SCHEMA}.{{}}"
CLEAR = f"DELETE FROM {SCHEMA}.{{}}"
KEEP = f"""
INSERT INTO {SCHEMA}.{{}} (url, epoch, release, root, etag, synced_at, digests) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
REMOVE = f"DELETE FROM {SCHEMA}.{{}} WHERE id = ANY($1::text[])"
# A row whose digest does not follow from its text is told by a word that is none.
DIGESTS = f"""
SELECT id, CASE WHEN sha256 = one THEN one ELSE 'columns' END AS held
FROM {SCHEMA}.{{}}, LATERAL (SELECT encode(sha256(convert_to(doc, 'UTF8')), 'hex') AS one) AS sums
"""
EXISTS = f"SELECT to_regclass('{SCHEMA}.' || $1) IS NOT NULL"
DROP = f"DROP TABLE IF EXISTS {SCHEMA}.{{}}"
# A first copy is renamed; over another it is written again, as renaming would leave the views that others made on a table behind.
RENAME = f"ALTER TABLE {SCHEMA}.{{0}}_next RENAME TO {{0}}"
TAKE = f"INSERT INTO {SCHEMA}.{{0}} SELECT * FROM {SCHEMA}.{{0}}_next"
LOCK = f"SELECT pg_try_advisory_lock(hashtext('{SCHEMA}'))"
LOCK_SHARED = f"SELECT pg_try_advisory_lock_shared(hashtext('{SCHEMA}'))"
PREFETCH = 10_000
COLUMNS = ("id", "version", "release", "sha256", "doc")


class Postgresql:
    """A copy in a PostgreSQL database."""

    def __init__(self, dsn: str, make: bool = True) -> None:
        self.dsn = dsn
        self.make = make

    async def __aenter__(self) -> Self:
        try:
            self._db = await asyncpg.connect(self.dsn, timeout=30)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            # Never the address itself: it may hold a password.
            raise StoreUnavailable(f"the database for the copy cannot be reached: {error}") from error
        if not await self._db.fetchval(LOCK if self.make else LOCK_SHARED):
            await self._db.close()
            raise Refused("another run is at work on this copy; wait for it to end")
        if self.make:
            await self._db.execute(MAKE_SCHEMA)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # close() waits for the server, which may be what is missing.
        self._db.terminate() if error else await self._db.close()
        if isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
            raise StoreUnavailable(f"the database for the copy: {error}") from error

    async def state(self) -> State | None:
        return await self._state("state")

    async def keep(self, state: State) -> None:
        async with self._db.transaction():
            await self._keep("state", state)

    async def apply(self, edits: Edits, state: State) -> None:
        async with self._db.transaction():
            for noun in NOUNS:
                await self._db.execute(TABLE.format(noun))
                if some := edits.get(noun):
                    await self._db.execute(REMOVE.format(noun), list(some))
                    await self._put(noun, noun, (text for text in some.values() if text is not None))
            await self._keep("state", state)

    async def digests(self, noun: str) -> Digests:
        if not await self._has(noun):
            return {}
        return {row["id"]: row["held"] for row in await self._db.fetch(DIGESTS.format(noun))}

    async def digest(self, noun: str) -> str:
        whole = hashlib.sha256()
        if await self._has(noun):
            async with self._db.transaction(readonly=True):
                async for row in self._db.cursor(f"{DIGESTS.format(noun)} ORDER BY id", prefetch=PREFETCH):
                    whole.update(f"{row['id']}\t{row['held']}\n".encode())
        return whole.hexdigest()

    async def stale(self) -> list[str]:
        return []

    async def lay(self, state: State) -> None:
        async with self._db.transaction():
            for noun in NOUNS:
                await self._db.execute(DROP.format(f"{noun}_next"))
            await self._keep("state_next", state)

    async def laid(self) -> tuple[State, set[str]] | None:
        state = await self._state("state_next")
        return (state, {noun for noun in NOUNS if await self._has(f"{noun}_next")}) if state else None

    async def fill(self, noun: str, rows: Ordered) -> None:
        async with self._db.transaction():
            await self._db.execute(TABLE.format(f"{noun}_next"))
            records = (row(noun, text) async for _, text in rows)
            await self._db.copy_records_to_table(f"{noun}_next", schema_name=SCHEMA, columns=COLUMNS, records=records)

    async def swap(self) -> None:
        async with self._db.transaction():
            for table in (*NOUNS, "state"):
                if not await self._has(table):
                    await self._db.execute(RENAME.format(table))
                    continue
                await self._db.execute(CLEAR.format(table))
                await self._db.execute(TAKE.format(table))
                await self._db.execute(DROP.format(f"{table}_next"))

    async def _has(self, table: str) -> bool:
        return bool(await self._db.fetchval(EXISTS, table))

    async def _state(self, table: str) -> State | None:
        found = await self._db.fetchrow(STATE.format(table)) if await self._has(table) else None
        if found is None:
            return None
        try:
            return msgspec.convert({**found, "digests": msgspec.json.decode(found["digests"])}, State)
        except (msgspec.MsgspecError, TypeError):
            return None

    async def _keep(self, table: str, state: State) -> None:
        await self._db.execute(STATE_TABLE.format(table))
        await self._db.execute(CLEAR.format(table))
        *plain, digests = msgspec.structs.astuple(state)
        await self._db.execute(KEEP.format(table), *plain, msgspec.json.encode(digests).decode())

    async def _put(self, noun: str, table: str, texts: Iterable[bytes]) -> None:
        rows = (row(noun, text) for text in texts)
        await self._db.copy_records_to_table(table, schema_name=SCHEMA, columns=COLUMNS, records=rows)
