"""Importing documents, one process and one release each, against parsing them alone."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import asyncpg

from benchmarks.figures import Figure, Place, alternating, database, rate
from ogp_open_data.intake import importer
from ogp_open_data.intake.importer import Document
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.intake.series import import_all
from ogp_open_data.store.doors import Store

TWIN = Path(__file__).parent.parent / "tests" / "documents" / "twin.txt"
COMMITS = 500


def figures(place: Place) -> Iterator[Figure]:
    known, asked = vocabulary.load(), place.asked.documents
    with database(place.dsn, "bench_empty") as dsn:
        found = measured(dsn, asked, known)
        yield Figure("import into an empty store, documents/s", "parsing alone", *found, "≥ 0.5")
    with database(place.dsn, "bench_country", template="postgres") as dsn:
        found = measured(dsn, asked // 4, known)
        yield Figure("import into the synthetic country, documents/s", "parsing alone", *found)
    with database(place.dsn, "bench_one") as dsn:
        one = asyncio.run(one_by_one(dsn, reports(0, asked // 4), known))
        yield Figure("the same, each by a call of its own, documents/s", "parsing alone", one, found[1])
        yield Figure("a commit of one row, ms", "1", asyncio.run(commit(dsn)), 1)


def measured(dsn: str, documents: int, known: Vocabulary) -> tuple[float, float]:
    """Documents/s of importing reports of many commitments, and of parsing them alone, in turns."""
    rounds = (reports(n * documents, documents) for n in count())
    made = reports(0, documents)

    def parsed() -> float:
        return rate(lambda: sum(importer.read(one, known) is not None for one in made))

    parsed()
    return alternating(lambda: asyncio.run(imported(dsn, next(rounds), known)), parsed)


def reports(first: int, documents: int) -> list[Document]:
    """A report for each of so many commitments."""
    text = TWIN.read_text()
    numbers = range(first + 1, first + documents + 1)
    return [
        Document(name=f"{n}.txt", body=re.sub(r"Commitment \d+", f"Commitment {n}", text).encode()) for n in numbers
    ]


async def imported(dsn: str, documents: Sequence[Document], known: Vocabulary) -> float:
    """Documents/s of one command with many files."""
    store = Store(dsn)
    await store.open()
    began = time.perf_counter()
    async for one in import_all(store, documents, known):
        assert isinstance(one, Outcome) and one.release is not None, one
    spent = time.perf_counter() - began
    await store.close()
    return len(documents) / spent


async def one_by_one(dsn: str, documents: Sequence[Document], known: Vocabulary) -> float:
    """Documents/s where each takes the writer's lock and looks at what is held by itself, as over HTTP."""
    store = Store(dsn)
    await store.open()
    began = time.perf_counter()
    for one in documents:
        assert (await importer.import_document(store, one, known)).release is not None
    spent = time.perf_counter() - began
    await store.close()
    return len(documents) / spent


async def commit(dsn: str) -> float:
    """What bringing a transaction to the disk takes on this machine, in ms: no release can be made in less."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE line (number int)")
    began = time.perf_counter()
    for number in range(COMMITS):
        await connection.execute("INSERT INTO line VALUES ($1)", number)
    spent = time.perf_counter() - began
    await connection.close()
    return spent * 1000 / COMMITS
