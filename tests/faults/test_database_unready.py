"""PostgreSQL is not there yet, read-only, full of others or held up by them: what needs it says so, all else goes on."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import asyncpg
import httpx
import pytest

from database import executed, named
from embedded_tools import eventually
from faults.cluster import PASSWORD, Cluster
from faults.stage import (
    CACHED,
    PROBLEM,
    WHOLE,
    Program,
    asking,
    lasting,
    mixed,
    serving,
    slowest,
    uncached,
    writing_as,
)
from ogp_open_data.store import migrate
from publishing import TWIN, planned
from serving import program as command
from test_importer import report

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.usefixtures("well")]
Figures = Callable[[str], None]
RECOVERY = 5.0
PATIENCE = 5.0 + 3.0
READ_ONLY = "ALTER SYSTEM {} default_transaction_read_only"
RELOAD = "SELECT pg_reload_conf()"
HANG_UP = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ogp-open-data'"
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ogp-open-data'"


def test_program_that_starts_before_its_database_is_not_ready_and_then_is(
    cluster: Cluster, tmp_path: Path, figures: Figures
) -> None:
    asyncio.run(executed(cluster.dsn(), "CREATE DATABASE late"))
    cluster.stop()
    try:
        with serving(cluster.dsn("late"), tmp_path / "log", "--sample") as early:
            answers = [early.get(path) for path in ("/readyz", "/v1/plans")]
            assert early.status("/livez") == 200
            assert [(one.status_code, one.headers["content-type"]) for one in answers] == [(503, PROBLEM)] * 2
            cluster.start()
            took = early.ready_within(RECOVERY + 5)
            eventually(lambda: early.events("serve.prepared"), 60)
            assert early.get("/v1/plans").json()["meta"]["total"] == 1
            assert len(early.events("serve.waits")) == 1
            early.sound()
    finally:
        if not cluster.runs:
            cluster.start()
    assert PASSWORD not in (tmp_path / "log").read_text()
    figures(f"not ready, with 503, until the database came; ready {took:.1f} s after it")


def test_wrong_password_ends_the_program_in_words_without_the_password(cluster: Cluster) -> None:
    began = time.monotonic()
    for wrong in ("hunter2", PASSWORD[:-1]):
        done = command("serve", "--port", "0", "--database-url", cluster.dsn(password=wrong), expect=3)
        assert "password authentication failed" in done.stderr and "Traceback" not in done.stderr
        assert wrong not in done.stderr
    assert time.monotonic() - began < 60


def test_database_that_may_only_be_read_is_read_and_imports_are_503(
    dsn: str, program: Program, key: str, tmp_path: Path, figures: Figures
) -> None:
    with read_only(dsn):
        with asking(program.url, mixed, clients=8) as load, writing_as(program.url, key) as client:
            answer = planned(client, TWIN)
            assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
            assert "read-only" in answer.json()["detail"]
            time.sleep(1)
        # One that starts now has a release to make, and reads to answer before that.
        with serving(dsn, tmp_path / "log", OGP_DAILY_AT="00:00") as other:
            assert other.status("/v1/plans") == other.status("/readyz") == 200
            assert len(other.events("serve.waits")) == 1
            asyncio.run(writable(dsn))
            eventually(lambda: other.events("serve.prepared"), 10)
    assert {one.status for one in load.got} == {200}
    with writing_as(program.url, key) as client:
        assert planned(client, TWIN).status_code == 201
    figures(f"{len(load.got)} reads 200, none else; imports 503, and 201 when it may be written again")


@contextmanager
def read_only(dsn: str) -> Iterator[None]:
    asyncio.run(executed(dsn, READ_ONLY.format("SET") + " = on"))
    asyncio.run(executed(dsn, RELOAD))
    try:
        yield
    finally:
        asyncio.run(writable(dsn))


async def writable(dsn: str) -> None:
    await executed(dsn, READ_ONLY.format("RESET"))
    await executed(dsn, RELOAD)


def test_connections_that_others_have_taken_cost_a_quick_503_and_nothing_that_needs_none(
    dsn: str, program: Program, figures: Figures
) -> None:
    etag = program.get("/v1/plans").headers["etag"]
    free = [
        ("GET", "/v1/plans", {"if-none-match": etag}, 304),
        ("GET", "/nothing/here", {}, 404),
        ("GET", "/v1/plans?staus=delayed", {}, 400),
        ("OPTIONS", "/v1/plans", {}, 204),
        *(("GET", path, {}, 200) for path in CACHED),
    ]
    with taken(dsn):
        began = time.monotonic()
        for method, path, headers, status in free:
            assert httpx.request(method, program.url + path, headers=headers, timeout=60).status_code == status, path
        quick = (time.monotonic() - began) / len(free)
        refused = program.get(next(uncached()))
        assert (refused.status_code, refused.headers["content-type"]) == (503, PROBLEM)
        assert refused.elapsed.total_seconds() < PATIENCE
        assert program.status("/readyz") == 503
    took = program.ready_within(RECOVERY)
    assert program.status(next(uncached())) == 200
    figures(
        f"503 after {refused.elapsed.total_seconds():.1f} s; 304, 404, 400, OPTIONS and what is in memory answered "
        f"meanwhile, {quick * 1000:.0f} ms each; ready {took:.2f} s after the end"
    )


@contextmanager
def taken(dsn: str) -> Iterator[None]:
    """All connections are somebody else's."""
    with asyncio.Runner() as loop:
        others = loop.run(_all_of(dsn))
        try:
            yield
        finally:
            loop.run(_closed(others))


async def _all_of(dsn: str) -> list[asyncpg.Connection]:
    """Every connection that the server gives, those of the program too: it is hung up on until it has none."""
    others = [await asyncpg.connect(named(dsn, "postgres"))]
    for _ in range(200):
        try:
            while True:
                others.append(await asyncpg.connect(named(dsn, "postgres"), timeout=10))
        except asyncpg.TooManyConnectionsError:
            if not await others[0].fetchval(OURS):
                return others
            await others[0].execute(HANG_UP)
    raise AssertionError("the program always gets a connection first")


async def _closed(others: list[asyncpg.Connection]) -> None:
    for one in others:
        await one.close()


@contextmanager
def held_up(dsn: str, statement: str) -> Iterator[None]:
    """Somebody else's transaction, which did something and does not end."""

    async def begun() -> asyncpg.Connection:
        connection = await asyncpg.connect(dsn)
        await connection.execute("BEGIN")
        await connection.execute(statement)
        return connection

    with asyncio.Runner() as loop:
        connection = loop.run(begun())
        yield
        loop.run(connection.close())


def test_migration_waits_for_a_long_transaction_without_making_readers_wait(
    dsn: str, program: Program, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    lasts = lasting(4, 20)
    ours = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: [*ours, ("9999-test.sql", "ALTER TABLE record ADD one text")])
    done: list[str] = []

    def migrating() -> None:
        done.extend(asyncio.run(_migrated(dsn)))

    thread = threading.Thread(target=migrating)
    with asking(program.url, uncached, clients=8) as load:
        with held_up(dsn, "SELECT count(*) FROM record"):
            thread.start()
            time.sleep(lasts)
            assert not done
        thread.join(30)
    assert done == ["9999-test.sql"]
    asyncio.run(executed(dsn, "ALTER TABLE record DROP one; DELETE FROM migration WHERE name = '9999-test.sql'"))
    assert {one.status for one in load.got} == {200}
    # A reader who stands behind the migration waits for as long as that waits: a second, not until the other ends.
    assert slowest(load.got) < lasts - 0.5
    figures(
        f"a transaction of {lasts:.0f} s: {len(load.got)} reads 200, the slowest {slowest(load.got):.1f} s; then migrated"
    )


async def _migrated(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        made = await migrate.migrate(connection, "example.org", date(2026, 11, 28))
    await connection.close()
    return made


def test_long_transaction_of_somebody_else_keeps_no_release_from_readers(
    dsn: str, program: Program, key: str, figures: Figures
) -> None:
    until = time.monotonic() + lasting(1, 60)
    times, numbers = [], []
    with ExitStack() as stack:
        # One that has a transaction id, in this database and in another.
        for where in (dsn, named(dsn, "postgres")):
            stack.enter_context(held_up(where, "CREATE TABLE unfinished (n int)"))
        client = stack.enter_context(writing_as(program.url, key))
        while time.monotonic() < until or not numbers:
            plan = planned(client, report(number="70", done=f"The panel met at {time.time_ns()}.").encode())
            applied = client.post(httpx.URL(plan.json()["links"]["apply"]).path)
            assert applied.status_code == 200, applied.text
            numbers.append(applied.json()["data"]["number"])
            began = time.monotonic()
            eventually(lambda: read_until(client, numbers[-1]), 5)
            times.append(time.monotonic() - began)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    figures(f"{len(numbers)} releases while it lasted, each followed within {max(times):.2f} s")


def read_until(client: httpx.Client, number: int) -> bool:
    """Whether a copy that follows is told of a release."""
    return bool(client.get(f"/v1/changes?since={number - 1}").json()["meta"]["next_since"] >= number)


def test_import_waits_a_minute_for_another_writer_and_reads_not_at_all(
    dsn: str, program: Program, key: str, figures: Figures
) -> None:
    lasts = lasting(1, 70)
    ended = threading.Event()

    def other() -> None:
        with held_up(dsn, "SELECT epoch FROM dataset FOR UPDATE"):
            ended.wait(lasts)

    thread = threading.Thread(target=other)
    with asking(program.url, mixed, clients=8) as load, writing_as(program.url, key) as client:
        thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        answer = planned(client, TWIN)
        took = time.monotonic() - began
        ended.set()
        thread.join()
    assert (answer.status_code, took > 60) == ((503, True) if WHOLE else (201, False)), answer.text
    assert took < 90
    assert {one.status for one in load.got} == {200}
    figures(
        f"the import {answer.status_code} after {took:.0f} s; {len(load.got)} reads 200, the slowest {slowest(load.got):.1f} s"
    )
