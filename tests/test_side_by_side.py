"""Old and new program on one database: a later migration does not stop reads, and the older program leaves writing to the newer."""

import asyncio
import time
from datetime import date

import asyncpg
import httpx
import pytest

from database import executed
from ogp_open_data.errors import NewerProgram
from ogp_open_data.intake.importer import Document, import_document
from ogp_open_data.store import migrate, releases
from ogp_open_data.store.doors import Store
from publishing import TWIN, office
from serving import running
from test_importer import KNOWN, report

pytestmark = pytest.mark.anyio
# What a later program could bring: more columns and tables, and nothing less.
LATER = """
ALTER TABLE record ADD COLUMN later text;
ALTER TABLE release ADD COLUMN later text NOT NULL DEFAULT '';
CREATE TABLE later (number bigint REFERENCES release);
"""
NAME = "9999_later.sql"


def test_older_program_reads_on_after_a_later_migration_and_refuses_to_write(dsn: str) -> None:
    with office(dsn) as one:
        client = one.client("office")
        before = client.get("/v1/commitments?limit=3").json()["data"]
        asyncio.run(executed(dsn, f"{LATER}; INSERT INTO migration (name) VALUES ('{NAME}')"))
        # Not from memory: nobody asked for that yet.
        assert client.get("/v1/commitments?limit=4").json()["data"][:3] == before
        fields = {"content-type": "text/plain", "idempotency-key": "once"}
        answer = client.post("/v1/imports?filename=twin.txt", content=TWIN, headers=fields)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"].endswith("/docs/errors/newer-program")
        # It is not kept for the next one who takes the request.
        asyncio.run(executed(dsn, f"DELETE FROM migration WHERE name = '{NAME}'"))
        assert client.post("/v1/imports?filename=twin.txt", content=TWIN, headers=fields).status_code == 201
        asyncio.run(executed(dsn, f"INSERT INTO migration (name) VALUES ('{NAME}')"))
    # An older program that is started again, or beside the newer one, reads too.
    with running("--database-url", dsn) as (_, url):
        assert httpx.get(f"{url}/v1/commitments?limit=3").json()["data"] == before
        assert httpx.get(f"{url}/readyz").status_code == 200


async def test_statement_that_makes_a_release_is_held_back_as_well(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute("INSERT INTO migration (name) VALUES ($1)", NAME)
    with pytest.raises(NewerProgram):
        await import_document(store, Document(name="r.txt", body=report().encode()), KNOWN)
    assert (await store.reading(releases.head)).number == 0


async def test_migration_waits_for_whoever_uses_the_tables_and_nobody_waits_long_for_it(
    dsn: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: [*ours, (NAME, LATER)])
    user = await asyncpg.connect(dsn)
    using = user.transaction()
    await using.start()
    await user.fetch("SELECT count(*) FROM record")

    async def migrated() -> None:
        async with store.writing() as connection:
            assert await migrate.migrate(connection, "example.org", date(2026, 11, 24)) == [NAME]

    work = asyncio.create_task(migrated())
    waits = []
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        began = time.monotonic()
        await store.reading(lambda connection: connection.fetchval("SELECT count(*) FROM record"))
        waits.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    assert not work.done()
    await using.rollback()
    await work
    await user.close()
    # A second, and what a busy machine takes more.
    assert max(waits) < 3


def test_migrations_are_in_order_as_text() -> None:
    """Which is the newest is decided by their names, by PostgreSQL too."""
    names = [name for name, _ in migrate.migrations()]
    assert names == sorted(names) and migrate.newest() == names[-1] < NAME
