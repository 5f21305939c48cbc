"""Starting: from nothing and again, against PostgreSQL alone; the memory of a worker; a list page over ever more rows."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import asyncpg
from msgspec.structs import replace

from benchmarks.figures import ROUNDS, Figure, Place, alternating, database
from benchmarks.servers import free_port, ours, peak, ready, wrk
from ogp_open_data.store import listings
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from ogp_open_data.store.listings import Listing

PAGE = "/v1/commitments.json"
# Rows of one noun, which differ by nothing but their ids; indexes and statistics are those of the program.
MORE = """
INSERT INTO record (noun, id, version, from_release, change_kind, changed_fields, doc, sha256, csv, organisations, sort_key, words)
SELECT 'progress', 'zz-' || n, 1, 1, 'data', '{}', '{"id":"zz-' || n || '"}', encode(sha256(n::text::bytea), 'hex'),
    'zz-' || n, '{}', 'zz' || lpad(n::text, 9, '0'), ''
FROM generate_series($1::int, $2::int) AS n
"""
SMALL, LARGE = 10_000, 1_000_000
LISTING = Listing(noun="progress", release=1, limit=101)


def figures(place: Place) -> Iterator[Figure]:
    fresh, again = place.directory / "fresh", place.directory / "again"
    pair = alternating(lambda: started(fresh, new=True), lambda: embedded(fresh, new=True))
    yield Figure("first start, ready to answer, s", "initdb and start of PostgreSQL", *pair, "≤ 1.6")
    started(again, new=True)
    pair = alternating(lambda: started(again, new=False), lambda: embedded(again, new=False))
    yield Figure("later start, ready to answer, s", "start of PostgreSQL", *pair, "≤ 2.5")
    with ours(place.dsn, PAGE) as url:
        yield Figure("memory of a worker, idle, MB", "90", peak(url) * 1.048576, 90, "≤ 1")
        for path in (PAGE, "/v1/progress.json", "/v1/commitments.atom"):
            wrk(url + path)
        yield Figure("memory of a worker, after a load, MB", "90 and its cache", peak(url) * 1.048576, 90 + 67, "≤ 1")
    with database(place.dsn, "bench_rows", template="postgres") as dsn:
        few, many = asyncio.run(deep(dsn))
        yield Figure(f"deep page of 100 among {LARGE:,} lines more, ms, p99", f"among {SMALL:,}", many, few, "≤ 1.3")


def started(directory: Path, new: bool) -> float:
    """Seconds until `serve` on a data directory is ready."""
    if new:
        shutil.rmtree(directory, ignore_errors=True)
    port = free_port()
    command = [sys.executable, "-m", "ogp_open_data", "serve", "--workers", "1", "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--data-dir", str(directory)], stderr=subprocess.DEVNULL)
    try:
        ready(f"http://127.0.0.1:{port}/readyz")
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(20)


def embedded(directory: Path, new: bool) -> float:
    """Seconds until PostgreSQL alone is ready."""
    if new:
        shutil.rmtree(directory, ignore_errors=True)
    began = time.perf_counter()
    with Embedded(directory):
        return time.perf_counter() - began


async def deep(dsn: str) -> tuple[float, float]:
    """The p99 of a page in the middle, in ms, among few and among many rows more."""
    store = Store(dsn)
    await store.open()
    connection = await asyncpg.connect(dsn)
    found = []
    for first, last in ((1, SMALL), (SMALL + 1, LARGE)):
        await connection.execute(MORE, first, last, timeout=600)
        await connection.execute("ANALYZE record", timeout=600)
        times = []
        for n in range(ROUNDS * 100):
            key = f"zz{last // 2 + n:09d}"
            began = time.perf_counter()
            await store.reading(listings.page, replace(LISTING, after=(key, key)))
            times.append((time.perf_counter() - began) * 1000)
        found.append(sorted(times)[len(times) * 99 // 100])
    await by_index(connection)
    await connection.close()
    await store.close()
    return found[0], found[1]


async def by_index(connection: asyncpg.Connection) -> None:
    """Raises where a page, in whatever order and of whatever release, is not read in order from an index."""
    for sort, (_, kind) in listings.SORTS.items():
        place = {"text": "zz000500000", "bigint": 1, "date": date(2018, 1, 1)}[kind]
        for release in (1, 2**40):
            listing = replace(LISTING, sort=sort, release=release, after=(place, "zz000500000"))
            text, arguments = listings.page_text(listing, texts=["doc"], counted=False)
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {text}", *arguments))
            if "Seq Scan" in plan or "Sort" in plan:
                raise RuntimeError(f"a page by {sort} is not read from an index:\n{plan}")
