"""Nights of the real program behind a network that fails: the copy is equal each morning, for less than 1 % of fetching it all.

OGP_TEST_NIGHTS=400 is the whole proof (some minutes); the suite sleeps through a part of it.
"""

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import httpx
import pytest
from msgspec.structs import replace

from copied import QUICK, Rows, held, release_of, tamper
from faulty_proxy import Proxy
from ogp_open_data.client import sync
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.intake import hand
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.rows import row
from ogp_open_data.records import NOUN_OF, NOUNS, Commitment, Milestone, Record, url_of
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.releases import Prepared, Release
from publisher import some
from serving import running
from test_daily import next_day
from test_importer import KNOWN, imported, report
from test_sync_nights import trouble_of

NIGHTS = int(os.environ.get("OGP_TEST_NIGHTS", "50"))
COMMITMENTS, MILESTONES, WORDS = 150, 10, 150
TRUTH = """
SELECT noun, id, doc FROM record
WHERE doc IS NOT NULL AND from_release <= $1 AND (until_release IS NULL OR until_release > $1)
"""
# A busy machine is no outage.
PACE = replace(QUICK, timeout=60.0)
PERIODS = ("June to August 2017", "September to November 2017", "December 2017 to February 2018", "March to June 2018")


class Country:
    """The store of the real program, and what is published in it day by day."""

    def __init__(self, dsn: str, rng: random.Random) -> None:
        self.store = Store(dsn)
        self.rng = rng
        self.words = ["".join(rng.choices("aeiouhkmnprtwng", k=rng.randint(2, 10))) for _ in range(5000)]

    def wording(self, length: int) -> str:
        return " ".join(self.rng.choices(self.words, k=length))

    async def begin(self) -> None:
        """A plan by import, and many milestones beside it, whose words compress no better than prose does."""
        await self.store.open()
        await imported(self.store, report())
        parents = [some(Commitment, f"nz-nap2-c{1000 + c}") for c in range(COMMITMENTS)]
        await self._publish([
            *parents,
            *(
                some(Milestone, f"{one.id}-m{m}", commitment=one.id, text=self.wording(WORDS))
                for one in parents
                for m in range(1, MILESTONES + 1)
            ),
        ])  # fmt: skip

    async def _publish(self, records: list[Record]) -> None:
        placed = [replace(one, url=url_of(NOUN_OF[type(one)], one.id)) for one in records]
        edits = [Edit(NOUN_OF[type(one)], one.id, one, None, 1, "data", []) for one in placed]
        async with self.store.writing() as connection:
            head = await releases.lock(connection)
            counts = {noun: head.counts[noun] + sum(edit.noun == noun for edit in edits) for noun in NOUNS}
            assert head.made_at is not None
            release = Release(head.number + 1, head.made_at, "import", None, None, counts)
            await releases.publish(connection, [Prepared(release, [row(edit, release.number) for edit in edits])])

    async def day(self) -> None:
        """Often nothing or an empty release; else a report or two, corrected or withdrawn now and then."""
        what = self.rng.random()
        if what < 0.3:
            return
        if what < 0.5:
            assert (await next_day(self.store)).release
            return
        for _ in range(self.rng.randint(1, 2)):
            number, period = str(self.rng.randint(5, 60)), self.rng.choice(PERIODS)
            text = report(number=number, period=period, done=self.wording(20))
            outcome = await imported(self.store, text)
            made = [edit.id for edit in outcome.edits if edit.noun == "reports"]
            if made and self.rng.random() < 0.1:
                await hand.withdraw(self.store, KNOWN, made[0], "sent by mistake")
                await hand.restore(self.store, KNOWN, made[0], "right after all")
            elif self.rng.random() < 0.2:
                change = {"text": self.wording(WORDS)}
                id = f"nz-nap2-c{1000 + self.rng.randrange(COMMITMENTS)}-m1"
                await hand.correct(self.store, KNOWN, id, change, "misprinted")

    async def head(self) -> int:
        return (await self.store.reading(releases.head)).number

    async def truth(self, release: int) -> Rows:
        found: Rows = {noun: {} for noun in NOUNS}
        async with self.store.writing() as connection:
            for noun, id, doc in await connection.fetch(TRUTH, release):
                found[noun][id] = doc.encode()
        return found


class Program:
    """`serve`, which is killed and started again, at an address that stays: the proxy's."""

    def __init__(self, dsn: str, proxy: Proxy) -> None:
        self.dsn = dsn
        self.proxy = proxy
        self.stack = ExitStack()
        self.process: Popen[str] | None = None

    def start(self) -> None:
        self.stack.close()
        # The day's own release would come at an hour of the test machine's choice.
        self.process, url = self.stack.enter_context(running("--database-url", self.dsn, OGP_DAILY_AT="23:59"))
        self.proxy.upstream = int(url.rpartition(":")[2])

    def told(self, release: int) -> None:
        """Night comes: the program has had the time to hear of the day's releases."""
        url = f"http://127.0.0.1:{self.proxy.upstream}/v1/changes?since={release}"
        assert httpx.get(url, timeout=60).json()["meta"]["release"] == release

    def killed_soon(self, seconds: float) -> threading.Timer:
        assert self.process is not None
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        if not seconds:
            timer.join()
        return timer


@pytest.fixture
def program(dsn: str) -> Iterator[Program]:
    with Proxy().serving() as proxy:
        one = Program(dsn, proxy)
        yield one
        one.stack.close()


@pytest.mark.timeout(3600)
def test_after_each_night_of_the_real_program_the_copy_is_true_and_cheap(
    dsn: str, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No power fails here, and waiting for the disk is a third of the time.
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    rng = random.Random(20261128)
    proxy, into = program.proxy, str(tmp_path / "copy")
    with asyncio.Runner() as loop:
        country = Country(dsn, rng)
        loop.run(country.begin())
        program.start()
        sync(proxy.url, into, pace=PACE)
        everything, proxy.moved, missed, restarts, damaged = proxy.moved, 0, 0, 0, False
        for night in range(NIGHTS):
            loop.run(country.day())
            proxy.trouble = trouble_of(rng, 0.1 if rng.random() > 0.05 else 0.9)
            head = loop.run(country.head())
            program.told(head)
            # Killed somewhere in the night, and every other time before it.
            ends = program.killed_soon(rng.random() / 20 * (night % 40 != 10)) if night % 20 == 10 else None
            if night % 25 == 20:
                tamper(into, "commitments", lambda text: text.replace(b"nz-nap2", b"nz-nap3"))
                damaged = True
            try:
                sync(proxy.url, into, pace=PACE)
            except StoreUnavailable:
                missed += 1
                assert damaged or held(into) == loop.run(country.truth(release_of(into))), night
            else:
                damaged = False
                assert held(into) == loop.run(country.truth(head)), night
            if ends is not None:
                ends.join()
                program.start()
                restarts += 1
        proxy.trouble = lambda target: None
        sync(proxy.url, into, pace=PACE)
        assert held(into) == loop.run(country.truth(loop.run(country.head())))
        assert sync(proxy.url, into, verify_only=True, pace=PACE).exit_code == 0
        loop.run(country.store.close())
    assert restarts == (NIGHTS + 9) // 20 and 0 < missed < NIGHTS // 5
    # Requests, headers, and everything that was asked twice are in it.
    share = proxy.moved / (everything * NIGHTS)
    print(f"{NIGHTS} nights, {missed} missed, {everything / 1e6:.1f} MB in all, {share:.2%} of it a night")
    assert share < 0.01, f"{share:.2%} of {everything / 1e6:.1f} MB a night"
