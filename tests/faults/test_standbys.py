"""Several machines: two processes on a primary and two standbys; replay that lags, a primary that is lost, 32 who read on."""

import asyncio
import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from embedded_tools import ask, eventually, open_directory
from faults.stage import CLIENTS, HANGS, PROBLEM, Program, beside, key_of, lasting, percentile, serving
from faults.standbys import Replicated
from growing import KNOWN, opened
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.store import doors, keys, releases
from ogp_open_data.store.doors import Store
from serving import program as command

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
Figures = Callable[[str], None]
RECORD = "/v1/organisations/nz-treasury"


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


def published(program: Program, key: str, value: str) -> httpx.Response:
    """The answer to a change that makes one release."""
    return httpx.patch(
        f"{program.url}{RECORD}",
        params={"reason": "It moved."},
        json={"website": f"https://www.example.org/{value}"},
        headers={"authorization": f"Bearer {key}", "if-match": "*"},
        timeout=HANGS,
    )


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
        head = (await store.reading(releases.head)).number
        store.floor = head + 1
        with pytest.raises(StoreUnavailable, match=f"has not release {head + 1} yet|does not answer"):
            await store.reading(releases.head)
    finally:
        await store.close()


class Got(NamedTuple):
    """What a reader got: when it asked, how long it took, the status, and the release that the answer speaks of."""

    at: float
    seconds: float
    status: int
    release: int
    went_back: bool


class Readers:
    """Clients on a thread, who ask the two processes in turn, for what is in memory and what is not.

    All but a quarter of them carry `OGP-Release` on; the others are plain.
    """

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.faithful: list[Got] = []
        self.plain: list[Got] = []
        self.strange: list[str] = []
        self.over = False

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=2 * CLIENTS)
        async with httpx.AsyncClient(timeout=HANGS, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(self._one(client, number) for number in range(CLIENTS)))

    async def _one(self, client: httpx.AsyncClient, number: int) -> None:
        faithful, token, seen = number % 4 != 0, 0, 0
        for turn in itertools.count(number):
            if self.over:
                return
            path = ("/v1/organisations?limit=5", f"/v1/organisations?q=t{number}x{turn}")[turn // 2 % 2]
            began = time.monotonic()
            headers = {"OGP-Release": str(token)} if faithful and token else {}
            answer = await client.get(self.urls[turn % 2] + path, headers=headers)
            release = 0
            if answer.status_code == 200:
                release, token = answer.json()["meta"]["release"], max(token, int(answer.headers["ogp-release"]))
            elif answer.status_code != 503 or answer.headers.get("retry-after") != "5":
                self.strange.append(f"{answer.status_code} {answer.text}")
            got = Got(began, time.monotonic() - began, answer.status_code, release, 0 < release < seen)
            (self.faithful if faithful else self.plain).append(got)
            seen = max(seen, release)
            await asyncio.sleep(0.05)


class Publisher:
    """Makes one release after the other at the two processes in turn, and remembers which were acknowledged, and when."""

    def __init__(self, programs: list[Program], key: str) -> None:
        self.programs, self.key = programs, key
        self.acknowledged: dict[int, tuple[str, float]] = {}
        self.strange: list[str] = []
        self.over = False

    def run(self) -> None:
        for turn in itertools.count():
            if self.over:
                return
            value = f"turn-{turn}"
            answer = published(self.programs[turn % 2], self.key, value)
            if answer.status_code == 200:
                self.acknowledged[answer.json()["data"]["number"]] = (value, time.monotonic())
            elif answer.status_code != 503 or not answer.headers["content-type"].startswith(PROBLEM):
                self.strange.append(f"{answer.status_code} {answer.text}")
            time.sleep(0.02)


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
