"""deploy/roles.sql: owner, publisher and reader each may do their work, and nothing else."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from database import copied_database, executed, named
from embedded_tools import ask
from growing import opened
from ogp_open_data.store import audit, keys, migrate
from ogp_open_data.web import cleaning
from publishing import TWIN
from serving import DOCUMENTS, program, within

ROLES = Path(__file__).parent.parent / "deploy" / "roles.sql"
PRIVATE = ("api_key", "pending_import", "replay", "audit", "receiver")


def acting(dsn: str, role: str) -> str:
    """The address for an account: the tests' own, which may be all of them, as that one."""
    return f"{dsn}{'&' if '?' in dsn else '?'}role={role}"


@pytest.fixture(scope="module")
def database(server: str, template: str) -> Iterator[str]:
    with copied_database(server, template) as dsn:
        asyncio.run(executed(dsn, ROLES.read_text()))
        yield dsn


async def refused(dsn: str, role: str, statement: str) -> bool:
    """Whether a statement is refused to an account for want of a right."""
    connection = await asyncpg.connect(acting(dsn, role))
    try:
        await connection.execute(statement)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError):
        return True
    finally:
        await connection.close()
    return False


def test_program_serves_and_publishes_with_the_publisher_and_the_reader(database: str) -> None:
    """Import, plan and apply, a correction with an Idempotency-Key, the daily release, and reads of every kind."""
    publisher = acting(database, "ogp_publisher")
    program("migrate", "--database-url", acting(database, "ogp_owner"))

    async def created(name: str, action: str) -> str:
        async with opened(acting(database, "ogp_owner")) as store, store.writing() as connection:
            return await keys.create(connection, name, [], [action])

    key, lesser = asyncio.run(created("office", "admin")), asyncio.run(created("clerk", "import"))
    fields = {"authorization": f"Bearer {key}"}
    with (
        within(publisher, database_read_url=acting(database, "ogp_reader")) as url,
        httpx.Client(base_url=url, headers=fields, timeout=60) as client,
    ):
        text = {"content-type": "text/plain"}
        planned = client.post("/v1/imports?filename=t.txt", content=TWIN, headers=text)
        assert planned.status_code == 201, planned.text
        applied = client.post(planned.json()["links"]["apply"].removeprefix(url))
        assert applied.status_code == 200, applied.text
        record = client.get("/v1/commitments").json()["data"][0]
        path = f"/v1/commitments/{record['id']}"
        change = {"if-match": "*", "idempotency-key": "once"}
        for _ in range(2):
            answer = client.patch(path, params={"reason": "A slip."}, json={"title": "Another"}, headers=change)
            assert answer.status_code == 200, answer.text
        forbidden = client.post("/v1/releases", headers={"authorization": f"Bearer {lesser}"})
        assert forbidden.status_code == 403, "what is refused is told of in the trail"
        assert client.post("/v1/releases").status_code in (200, 201)
        for address in (
            path,
            f"{path}/versions",
            "/v1/changes?since=0",
            "/feed.atom",
            "/v1/progress.csv",
            "/search?q=a",
            "/",
        ):
            assert client.get(address).status_code == 200, address
        assert client.get("/readyz").json()["standby"]["seconds"] == 0
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", publisher)
    assert "The store is sound" in program("check", "--database-url", publisher).stdout
    # A key may be revoked by the owner alone.
    assert "permission denied" in program("keys", "revoke", "office", "--database-url", publisher, expect=3).stderr


async def test_reader_reads_what_is_published_and_cannot_write_anything_anywhere(database: str) -> None:
    assert not await refused(database, "ogp_reader", "SELECT * FROM record, release, dataset, document LIMIT 1")
    for table in PRIVATE:
        assert await refused(database, "ogp_reader", f"SELECT * FROM {table}")
    for statement in (
        "UPDATE dataset SET shape = shape",
        "DELETE FROM record",
        "INSERT INTO release (number, made_at, cause, counts) VALUES (99, now(), 'x', '{}')",
        "CREATE TABLE mine (n int)",
        "CREATE TEMP TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "SELECT number FROM release FOR UPDATE",
        "DROP TABLE record",
        "COPY record TO PROGRAM 'cat'",
    ):
        assert await refused(database, "ogp_reader", statement), statement


async def test_publisher_cannot_change_what_was_released(database: str) -> None:
    for statement in (
        *(f"DELETE FROM {table}" for table in ("record", "release", "document", "redaction", "fact", "api_key")),
        "TRUNCATE record CASCADE",
        "UPDATE record SET doc = '{}'",
        "UPDATE record SET from_release = 1",
        "UPDATE release SET made_at = now()",
        "UPDATE dataset SET epoch = gen_random_uuid()",
        "UPDATE audit SET actor = 'nobody'",
        "SELECT * FROM audit",
        "TRUNCATE audit",
        "UPDATE api_key SET actions = '{admin}'",
        "INSERT INTO api_key (prefix, name, sha256, organisations, actions) VALUES ('x', 'x', 'x', '{}', '{admin}')",
        "INSERT INTO migration (name) VALUES ('x')",
        "ALTER TABLE record DISABLE TRIGGER ALL",
        "CREATE TABLE mine (n int)",
        "CREATE TEMP TABLE mine (n int)",
    ):
        assert await refused(database, "ogp_publisher", statement), statement


async def test_publisher_lets_go_of_old_notes_in_the_trail_and_of_nothing_else(database: str) -> None:
    owner = await asyncpg.connect(acting(database, "ogp_owner"))
    await owner.execute("DELETE FROM audit")
    await owner.execute(TRAIL)
    async with opened(acting(database, "ogp_publisher")) as store:
        async with store.writing() as connection:
            await audit.note(connection, audit.Entry("key a", None, audit.PLAN))
            await audit.note(connection, audit.Entry("key a", None, "import"), "forbidden")
            await connection.execute("DELETE FROM audit WHERE at > now() - interval '80 days'")
        await cleaning.clean(store)
    assert await owner.fetchval("SELECT array_agg(DISTINCT roles) FROM pg_policies") == [["public"]]
    left = await owner.fetch("SELECT concat_ws(' ', action, refused) FROM audit ORDER BY number")
    await owner.close()
    assert [one[0] for one in left] == ["plan", "import forbidden", "import", "plan", "import forbidden"]


def test_backup_by_the_owner_has_the_whole_trail_and_comes_back_elsewhere(
    database: str, server: str, tmp_path: Path
) -> None:
    file, name = str(tmp_path / "ogp.backup"), f"ogp_roles_{os.getpid()}"
    asyncio.run(executed(acting(database, "ogp_owner"), f"DELETE FROM audit; {TRAIL}"))
    # Not `acting`: the tools of PostgreSQL know no `role` in an address.
    program("backup", file, "--database-url", database, PGOPTIONS="-c role=ogp_owner")
    asyncio.run(executed(server, f"CREATE DATABASE {name}"))
    try:
        program("recover", file, "--database-url", named(server, name))
        assert ask(named(server, name), "SELECT count(*) FROM audit") == 5
    finally:
        asyncio.run(executed(server, f"DROP DATABASE {name} WITH (FORCE)"))


# What was done, planned and refused, a while ago and long ago.
TRAIL = """
INSERT INTO audit (actor, action, refused, at) SELECT 'key a', action, refused, now() - make_interval(days => days)
FROM (VALUES ('plan', NULL, 10), ('import', 'forbidden', 20), ('plan', NULL, 100), ('import', 'forbidden', 100),
    ('import', NULL, 400)) AS row(action, refused, days)
"""


async def test_rights_reach_what_a_later_migration_makes(database: str) -> None:
    owner = await asyncpg.connect(acting(database, "ogp_owner"))
    await owner.execute("CREATE TABLE later (n bigint GENERATED ALWAYS AS IDENTITY)")
    await owner.close()
    assert not await refused(database, "ogp_reader", "SELECT * FROM later")
    assert await refused(database, "ogp_reader", "INSERT INTO later DEFAULT VALUES")
    assert not await refused(database, "ogp_publisher", "INSERT INTO later DEFAULT VALUES")
    await executed(database, "DROP TABLE later")
    # Once more, over what is there.
    await executed(database, ROLES.read_text())


async def test_account_that_may_not_migrate_is_told_who_may(database: str) -> None:
    last = migrate.newest()
    await executed(database, f"DELETE FROM migration WHERE name = '{last}'")
    try:
        done = await asyncio.to_thread(program, "check", "--database-url", acting(database, "ogp_publisher"), expect=1)
    finally:
        await executed(database, f"INSERT INTO migration (name) VALUES ('{last}')")
    assert "`ogp-open-data migrate` with the one that owns the tables" in done.stderr


async def test_each_table_has_its_rights_written_down(database: str) -> None:
    """A table that a migration brings is in deploy/roles.sql too, readable or not."""
    connection = await asyncpg.connect(database)
    tables = {row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    await connection.close()
    assert tables == {
        one[0] for one in re.findall(r"^        \('(\w+)', '[^']*', (true|false)\)", ROLES.read_text(), re.M)
    }
