"""Many importers, some of which roll back, and readers that poll all the while: nothing lost, nothing twice, no phantom."""

import asyncio
import random
from collections import Counter

import asyncpg
import pytest

from ogp_open_data.intake.importer import Document, import_document
from ogp_open_data.store import checks, history, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.history import Since
from test_importer import KNOWN, report

Seen = Counter[tuple[str, int]]


def judged(seen: Seen, committed: set[tuple[str, int]]) -> dict[str, int]:
    """What a reader lost, saw twice, or saw though it was never committed."""
    return {
        "lost": len(committed - set(seen)),
        "twice": sum(times > 1 for times in seen.values()),
        "phantom": len(set(seen) - committed),
    }


async def importing(store: Store, number: int, rng: random.Random) -> None:
    """Three imports of one publisher, one in ten of them rolled back."""
    for period in ("September to November 2017", "December 2017 to February 2018", "March to June 2018"):
        document = Document(name="r.txt", body=report(number=str(number), period=period).encode())
        await asyncio.sleep(rng.random() / 100)
        await import_document(store, document, KNOWN, dry_run=rng.random() < 0.1)


async def polling(store: Store, done: asyncio.Event) -> Seen:
    """Every version that a reader is told of, by a cursor it moves on after each page."""
    seen: Seen = Counter()
    since = 0
    while True:
        last = done.is_set()
        head = (await store.reading(releases.head)).number
        found, end, more = await store.reading(history.changes, Since(since=since, until=head, folded=False, limit=50))
        seen.update((one.id, one.version) for one in found)
        since = end
        if last and not more:
            return seen
        await asyncio.sleep(0.003)


@pytest.mark.parametrize(("seed", "writers"), [(seed, (8, 16)[seed % 2]) for seed in range(20)])
async def test_readers_miss_nothing_while_importers_come_and_go(dsn: str, seed: int, writers: int) -> None:
    stores = [Store(dsn) for _ in range(4)]
    for one in stores:
        await one.open()
    done = asyncio.Event()
    readers = [asyncio.create_task(polling(one, done)) for one in stores[:2]]
    work = [importing(stores[n % 4], n + 1, random.Random(seed * 100 + n)) for n in range(writers)]
    await asyncio.gather(*work)
    done.set()
    seen = await asyncio.gather(*readers)
    async with stores[0].writing() as connection:
        rows = await connection.fetch("SELECT id, version FROM record")
        numbers = [row[0] for row in await connection.fetch("SELECT number FROM release ORDER BY number")]
    committed = {(row[0], row[1]) for row in rows}
    assert [judged(one, committed) for one in seen] == [{"lost": 0, "twice": 0, "phantom": 0}] * len(readers)
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > writers
    assert await stores[0].reading(checks.faults) == []
    for one in stores:
        await one.close()


async def test_judge_sees_what_a_cursor_on_a_plain_sequence_loses(dsn: str) -> None:
    """The same load on the usual design, numbers from a sequence and no lock: the judge must find it wanting."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE naive (seq bigserial, name text)")
    done = asyncio.Event()

    async def write(number: int) -> None:
        rng = random.Random(number)
        mine = await asyncpg.connect(dsn)
        for turn in range(25):
            transaction = mine.transaction()
            await transaction.start()
            await mine.execute("INSERT INTO naive (name) VALUES ($1)", f"{number}-{turn}")
            await asyncio.sleep(rng.random() / 50)
            await (transaction.rollback() if rng.random() < 0.1 else transaction.commit())
        await mine.close()

    async def read() -> Seen:
        seen: Seen = Counter()
        cursor = 0
        while True:
            last = done.is_set()
            rows = await connection.fetch("SELECT seq, name FROM naive WHERE seq > $1 ORDER BY seq", cursor)
            seen.update((row["name"], 1) for row in rows)
            cursor = max([cursor, *(row["seq"] for row in rows)])
            if last:
                return seen
            await asyncio.sleep(0.003)

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(8)))
    done.set()
    seen = await reader
    committed = {(row[0], 1) for row in await connection.fetch("SELECT name FROM naive")}
    await connection.close()
    assert judged(seen, committed)["lost"] > 0
