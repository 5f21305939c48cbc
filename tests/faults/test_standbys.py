"""Several machines: two processes on a primary and two standbys; replay that lags, a primary that falls silent or is lost.

The tests stand in the order of what they leave: the last ones each cost a server.
"""

import asyncio
import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from embedded_tools import ask, eventually, open_directory
from faults.several import RECORD, Publisher, Reader, Readers, published
from faults.silence import Silence
from faults.stage import (
    HANGS,
    Program,
    asking,
    beside,
    key_of,
    lasting,
    mixed,
    percentile,
    serving,
    slowest,
)
from faults.standbys import Replicated
from growing import KNOWN, opened
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.store import doors, keys, releases
from ogp_open_data.store.doors import Known, Store
from serving import program as command

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
Figures = Callable[[str], None]


@pytest.fixture(scope="module")
def servers() -> Iterator[Replicated]:
    directory = open_directory()
    one = Replicated(directory)
    try:
        one.create()
        command("migrate", "--database-url", one.writing_dsn())
        asyncio.run(_imported(one.writing_dsn()))
        yield one
    finally:
        one.end()
        shutil.rmtree(directory, ignore_errors=True)


async def _imported(dsn: str) -> None:
    async with opened(dsn) as store:
        for document in itertools.islice(sample(), 3):
            await import_document(store, document, KNOWN)


@pytest.fixture(scope="module")
def key(servers: Replicated) -> str:
    return key_of(servers.writing_dsn())


@pytest.fixture(scope="module")
def programs(servers: Replicated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Program]]:
    """Two processes as on two machines, each with the standby beside it."""
    logs = tmp_path_factory.mktemp("several")
    with _beside(servers, 0, logs) as one, _beside(servers, 1, logs) as other:
        yield [one, other]


@contextmanager
def _beside(servers: Replicated, number: int, logs: Path) -> Iterator[Program]:
    read = servers.reading_dsn(servers.standbys[number])
    log = logs / f"log-{number}"
    with serving(servers.writing_dsn(), log, "--workers", "1", OGP_DATABASE_READ_URL=read) as program:
        yield program


@contextmanager
def paused(servers: Replicated, number: int) -> Iterator[None]:
    """A standby that receives and does not replay."""
    dsn = servers.standbys[number].dsn()
    ask(dsn, "SELECT pg_wal_replay_pause()")
    eventually(lambda: ask(dsn, "SELECT pg_get_wal_replay_pause_state()") == "paused", 10)
    try:
        yield
    finally:
        ask(dsn, "SELECT pg_wal_replay_resume()")


def test_release_that_a_standby_has_not_is_read_from_the_primary(
    servers: Replicated, programs: list[Program], key: str
) -> None:
    near, far = programs
    assert near.get("/v1").json()["data"]["release"] == far.get("/v1").json()["data"]["release"]
    with paused(servers, 1):
        answer = published(near, key, "lag")
        assert answer.status_code == 200, answer.text
        number = answer.json()["data"]["number"]
        assert answer.headers["ogp-release"] == str(number)
        # Who carries on what was seen is never answered from before it, wherever it asks.
        seen = {"OGP-Release": str(number)}
        told = far.get("/v1", headers=seen)
        assert (told.json()["data"]["release"], told.headers["ogp-release"]) == (number, str(number))
        for path in (RECORD, f"{RECORD}?as_of={number}", f"/v1/changes?since={number - 1}"):
            assert "example.org/lag" in far.get(path, headers=seen).text
        assert far.get(f"/v1/releases/{number}").status_code == 200
        # And who does not is, a moment later.
        assert eventually(lambda: far.get("/v1").json()["data"]["release"] == number, 5) < 1.5
        ready = far.get("/readyz").json()
        assert ready["standby"]["release"] == number - 1 and ready["standby"]["seconds"] > 0
        assert far.get("/v1", headers={"OGP-Release": str(number + 1)}).status_code == 400
        assert far.get("/v1", headers={"OGP-Release": "x"}).status_code == 400
    eventually(lambda: far.get("/readyz").json()["standby"] == {"release": number, "seconds": 0.0}, 10)


def test_key_that_was_revoked_is_refused_though_the_standby_still_knows_it(
    servers: Replicated, programs: list[Program]
) -> None:
    async def made() -> str:
        async with opened(servers.writing_dsn()) as store, store.writing() as connection:
            return await keys.create(connection, "leaver", [], ["admin"])

    async def revoked() -> None:
        async with opened(servers.writing_dsn()) as store, store.writing() as connection:
            await keys.revoke(connection, "leaver")

    leaver = asyncio.run(made())
    assert published(programs[1], leaver, "before").status_code == 200
    with paused(servers, 1):
        asyncio.run(revoked())
        assert published(programs[1], leaver, "after").status_code == 401


async def test_without_the_primary_a_standby_that_lags_answers_503_rather_than_an_older_release(
    servers: Replicated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "PATIENCE", 0.5)
    store = Store("postgresql://ogp@127.0.0.1:1/postgres", servers.standbys[0].dsn())
    await store.open()
    try:
        head = await store.reading(releases.head)
        assert head.made_at is not None
        # One that is to come, and one of the same number that another history has.
        for number, seconds in ((head.number + 1, 60), (head.number, -1)):
            store.floor = Known(number, head.made_at + timedelta(seconds=seconds))
            with pytest.raises(StoreUnavailable, match=f"has not release {number} yet|does not answer"):
                await store.reading(releases.head)
    finally:
        await store.close()


@contextmanager
def behind(servers: Replicated, port: int, log: Path) -> Iterator[Program]:
    """A process that reaches the primary by another port, with a standby beside it, and gives a statement up after two seconds."""
    read = servers.reading_dsn(servers.standbys[0])
    environ = {"OGP_DATABASE_READ_URL": read, "OGP_STATEMENT_TIMEOUT": "2"}
    with serving(servers.writing_dsn(port), log, "--workers", "1", **environ) as program:
        yield program


# Of a statement two seconds and one, and of a new connection five; with room for a busy machine.
STATED = 8.0 + 3.0


def test_primary_whose_packets_are_lost_stops_no_read_and_refuses_writes_in_time(
    servers: Replicated, key: str, tmp_path: Path, figures: Figures
) -> None:
    with Silence(servers.primary.port).listening() as way, behind(servers, way.port, tmp_path / "log") as program:
        assert published(program, key, "heard").status_code == 200
        eventually(lambda: program.get("/readyz").json()["status"] == "ok", 10)
        with asking(program.url, mixed, clients=8) as load:
            time.sleep(0.5)
            with way.silent():
                answer = published(program, key, "unheard")
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
                took = answer.elapsed.total_seconds()
                ready = program.get("/readyz")
                time.sleep(lasting(0, 20))
            back = eventually(lambda: published(program, key, "heard again").status_code == 200, 20)
        wrong = {one["name"]: one["state"] for one in ready.json()["checks"] if one["state"] != "ok"}
        assert (ready.status_code, wrong["database_writer"]) == (200, "degraded"), ready.text
        assert {one.status for one in load.got} == {200} and took < STATED
        assert eventually(lambda: program.get("/readyz").json()["status"] == "ok", 10) < 10
        program.sound()
    figures(
        f"a change 503 after {took:.1f} s; {len(load.got)} reads 200, the slowest {slowest(load.got):.1f} s; "
        f"the next change 200 {back:.1f} s after the end"
    )


def test_primary_is_lost_and_a_standby_promoted_and_nothing_acknowledged_is_lost(
    servers: Replicated, programs: list[Program], key: str, figures: Figures
) -> None:
    before = programs[0].get("/v1/releases").json()
    publisher = Publisher(programs, key)
    writing = threading.Thread(target=publisher.run, daemon=True)
    with beside(Readers([program.url for program in programs])) as readers:
        writing.start()
        time.sleep(lasting(1.5, 20))
        killed = time.monotonic()
        servers.lose_primary()
        time.sleep(lasting(1, 5))
        servers.promote()
        promoted = time.monotonic()
        resumed = eventually(lambda: any(at > promoted for _, at in list(publisher.acknowledged.values())), 60)
        time.sleep(lasting(1.5, 20))
        publisher.over = True
        writing.join(HANGS)
    assert publisher.strange == [] and readers.strange == []
    # Nothing that was acknowledged is lost, at either process.
    for number, (value, _) in publisher.acknowledged.items():
        for program in programs:
            assert f"example.org/{value}" in program.get(f"{RECORD}?as_of={number}").text, number
    # It is the same history: nobody's cursor is gone, and digests are what they were.
    after = programs[1].get("/v1/releases").json()
    assert after["meta"]["epoch"] == before["meta"]["epoch"]
    newest = before["data"][0]
    assert programs[1].get(f"/v1/releases/{newest['number']}").json()["data"]["root"] == newest["root"]
    assert "The store is sound" in command("check", "--database-url", servers.writing_dsn()).stdout
    # Nobody who carries the release on went back, and who got no answer was told when to come again.
    assert [got for got in readers.faithful if got.went_back] == []
    refused = [got for got in (*readers.faithful, *readers.plain) if got.status == 503]
    assert all(killed - 8 < got.at < promoted + 8 for got in refused)
    away = [got.seconds for got in readers.faithful if got.status == 200 and killed < got.at < promoted]
    assert away, "reads go on while there is no primary"
    for program in programs:
        program.sound()
    back = sum(got.went_back for got in readers.plain)
    figures(
        f"{len(publisher.acknowledged)} acknowledged releases, 0 lost; {len(readers.faithful)} reads that carry their release, "
        f"0 went back ({back} of {len(readers.plain)} plain ones); {len(refused)} answers of 503; without a primary for "
        f"{promoted - killed:.1f} s: {len(away)} reads, slowest {max(away):.2f} s, p50 {percentile(away, 0.5):.3f} s; publishing "
        f"{resumed:.1f} s after the promotion"
    )


def test_standby_that_had_not_all_releases_is_not_taken_for_the_history_that_was_read(
    servers: Replicated, key: str, tmp_path: Path, figures: Figures
) -> None:
    """The machine of the primary is gone with a release that no standby has, and refuses nothing: its packets are lost."""
    servers.wait_for_nobody()
    left, *others = servers.standbys
    for one in others:
        one.stop()
    servers.standbys = [left]
    copy = str(tmp_path / "copy")
    with Silence(servers.primary.port).listening() as way, behind(servers, way.port, tmp_path / "log") as program:
        eventually(lambda: program.get("/readyz").json()["status"] == "ok", 20)
        left.stop()
        lost = published(program, key, "lost").json()["data"]["number"]
        seen = Reader(program, lost)
        command("sync", program.url, "--into", copy)
        with way.silent():
            servers.lose_primary()
            left.start()
            servers.promote()
            eventually(lambda: program.events("history.parted"), 30)
            seen.is_told_no_other(key)
            # A command that knows nothing of it makes another release of that number: nobody takes it for the one that was read.
            correct = [
                "correct",
                RECORD.rpartition("/")[2],
                "--set",
                "website=https://www.example.org/other",
                "--reason",
                "x",
            ]
            command(*correct, "--database-url", left.dsn())
            time.sleep(1)
            seen.is_told_no_other(key)
            command("migrate", "--new-epoch", "--database-url", left.dsn())
            took = program.ready_within(20)
            # Beyond the number of the lost one: nothing but the epoch tells that it was another.
            assert published(program, key, "onward").json()["data"]["number"] == lost + 1
            seen.begins_anew()
            assert "whole copy" in command("sync", program.url, "--into", copy).stdout
        assert "example.org/lost" not in (tmp_path / "copy" / "organisations.ndjson").read_text()
        assert [len(program.events(name)) for name in ("history.parted", "database.back")] == [1, 1]
        program.sound()
    figures(f"503 until `migrate --new-epoch`, ready {took:.1f} s after it; old places 410, copies taken afresh")
