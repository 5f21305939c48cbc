"""`kill -9` of the program, and of PostgreSQL, at points of an import: all or nothing, and the same import then completes it.

OGP_TEST_KILLS is at how many points PostgreSQL is killed; each point waits for a recovery, so the suite has a few.
"""

import asyncio
import multiprocessing
import os
import signal
import statistics
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from database import executed
from embedded_tools import answers, eventually, place, processes_of  # noqa: F401
from ogp_open_data import cli
from ogp_open_data.store import checks
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from test_importer import report

T = TypeVar("T")
POINTS = 50
# The program is loaded once, then forked for each import: what is killed is a process of its own that runs the command.
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["ogp_open_data.cli.documents"])
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
RELEASES = "SELECT count(*) FROM release"
LIVE = "SELECT count(*) FROM record WHERE until_release IS NULL AND doc IS NOT NULL"
# Rows are written slowly, so that an import spends most of its time within a statement.
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION slow();
"""


class Importer:
    """Imports of reports of one commitment after another, each by a process of its own."""

    def __init__(self, dsn: str, directory: Path) -> None:
        self.dsn = dsn
        self.directory = directory

    def start(self, number: int) -> ForkServerProcess:
        file = self.directory / f"{number}.txt"
        file.write_text(report(number=str(number)))
        process = FORKING.Process(target=cli.main, args=(["import", str(file), "--database-url", self.dsn],))
        process.start()
        return process

    def done(self, number: int) -> int | None:
        """The exit code of an import that nobody disturbs."""
        process = self.start(number)
        process.join(60)
        return process.exitcode

    def seconds(self) -> float:
        """How long an import takes, from its start to its end."""

        def one(number: int) -> float:
            began = time.monotonic()
            assert self.done(number) == 0
            return time.monotonic() - began

        return statistics.median(one(number) for number in range(901, 906))


def asked(dsn: str, text: str) -> int:
    async def inside() -> int:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            return int(await connection.fetchval(text) or 0)
        finally:
            await connection.close()

    return asyncio.run(inside())


def with_store(dsn: str, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    async def inside() -> T:
        store = Store(dsn)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(inside())


def sound(dsn: str) -> None:
    assert with_store(dsn, lambda store: store.reading(checks.faults)) == []


def counted(dsn: str) -> tuple[int, int]:
    """Releases and live records."""
    return asked(dsn, RELEASES), asked(dsn, LIVE)


def killed(process: ForkServerProcess) -> None:
    process.kill()
    process.join(10)


def test_import_killed_at_any_point_happened_whole_or_not_at_all(dsn: str, tmp_path: Path) -> None:
    importer = Importer(dsn, tmp_path)
    asyncio.run(executed(dsn, SLOW))
    lasts = importer.seconds()
    outcomes = {True: 0, False: 0}
    for point in range(POINTS):
        number = point + 1
        before = counted(dsn)
        process = importer.start(number)
        process.join(lasts * (point + 0.5) / POINTS)
        killed(process)
        acknowledged = process.exitcode == 0
        eventually(lambda: asked(dsn, BUSY) == 0, 10)
        after = counted(dsn)
        happened = after != before
        assert happened or not acknowledged
        assert importer.done(number) == 0
        # A report brings as many records as its like does, whether at once or at the second try.
        assert counted(dsn) == (before[0] + 1, before[1] + RECORDS)
        assert not happened or after == counted(dsn)
        outcomes[happened] += 1
    assert outcomes[False] > POINTS // 4, f"most points are before the commit: {outcomes}"
    sound(dsn)


# A commitment, its three milestones, a report and its three lines; the plan and its agency are there by then.
RECORDS = 8


@pytest.mark.parametrize("table", ["dataset", "release", "record", "document"])
def test_import_killed_while_it_waits_for_a_table_leaves_nothing(dsn: str, tmp_path: Path, table: str) -> None:
    """Each lock stops the import where it first needs the table, while the writer's lock is held or is what it waits for."""
    importer = Importer(dsn, tmp_path)
    assert importer.done(1) == 0
    before = counted(dsn)
    waited = asyncio.run(_killed_at(importer, table))
    assert waited
    eventually(lambda: asked(dsn, BUSY) == 0, 10)
    assert counted(dsn) == before
    assert importer.done(2) == 0
    assert counted(dsn) == (before[0] + 1, before[1] + RECORDS)
    sound(dsn)


async def _killed_at(importer: Importer, table: str) -> bool:
    """Kill an import that waits for a table; whether it did."""
    holder = await asyncpg.connect(importer.dsn)
    observer = await asyncpg.connect(importer.dsn)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            process = importer.start(2)
            for _ in range(3000):
                if await observer.fetchval(WAITING):
                    break
                await asyncio.sleep(0.01)
            waits = bool(await observer.fetchval(WAITING))
            await asyncio.to_thread(killed, process)
            return waits and process.exitcode == -signal.SIGKILL
    finally:
        await holder.close()
        await observer.close()


@pytest.mark.embedded
@pytest.mark.timeout(3600)
def test_import_survives_postgresql_killed_at_any_point(place: Path, tmp_path: Path) -> None:  # noqa: F811
    points = int(os.environ.get("OGP_TEST_KILLS", "6"))
    with Embedded(place / "data") as server:
        server.watch()
        importer = Importer(server.dsn, tmp_path)
        assert importer.done(900) == 0
        asyncio.run(executed(server.dsn, SLOW))
        lasts = importer.seconds()
        acknowledged = 0
        for point in range(points):
            number = point + 1
            before = counted(server.dsn)
            process = importer.start(number)
            process.join(lasts * (point + 0.5) / points)
            for pid in processes_of(place):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.join(60)
            eventually(lambda: answers(server.dsn), 60)
            after = counted(server.dsn)
            assert process.exitcode in (0, 3)
            if process.exitcode == 0:
                acknowledged += 1
                assert after == (before[0] + 1, before[1] + RECORDS), "what was acknowledged is there"
            assert importer.done(number) == 0
            assert counted(server.dsn) == (before[0] + 1, before[1] + RECORDS)
            assert after in (before, counted(server.dsn))
        assert acknowledged < points
        sound(server.dsn)
