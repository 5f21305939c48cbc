"""Following the program: a first copy of `--rows` records, a night with nothing new, one with 100 changes, the past and now."""

import asyncio
import io
import resource
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit
from urllib.request import urlopen

import asyncpg
import msgspec
from msgspec.structs import replace

from benchmarks import many
from benchmarks.figures import Figure, Place, alternating, database
from benchmarks.servers import ours, wrk
from ogp_open_data.client import Summary, sync
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.rows import row
from ogp_open_data.store import listings, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.listings import Listing
from ogp_open_data.store.releases import Prepared, Release

CHANGES = 100
POLLS = 200
LIVE = "SELECT id, version, sha256, doc FROM record WHERE until_release IS NULL AND doc IS NOT NULL"
SCRATCH = "CREATE TEMPORARY TABLE scratch (id text PRIMARY KEY, version int, sha256 text, doc text)"
# Every statement of a reader is a transaction of its own.
TRANSACTIONS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


def figures(place: Place) -> Iterator[Figure]:
    with ExitStack() as stack:
        dsn = stack.enter_context(database(place.dsn, "bench_syncing"))
        # A tenth of the rows are of before the last release.
        asyncio.run(many.load(dsn, round(place.asked.rows * 1.1)))
        url, copy = stack.enter_context(ours(dsn)), str(place.directory / "copy")
        first = yield from first_copies(place, dsn, url, copy)
        yield from quiet_night(dsn, url, copy)
        asyncio.run(changed(dsn))
        night = sync(url, copy)
        assert (night.whole, night.published, night.mended) == (False, CHANGES, 0)
        named = f"night with {CHANGES} changes in {first.published:,} records"
        yield Figure(f"{named}, bytes received", "a whole copy", night.bytes, first.bytes, "≤ 0.01")
        yield Figure(f"{named}, seconds with the proof", "a whole copy", night.seconds, first.seconds)
        yield from past(dsn)


def first_copies(place: Place, dsn: str, url: str, copy: str) -> Generator[Figure, None, Summary]:
    """The first copy, in records/s; gives the one into a directory, which is left there."""
    into = {
        "a directory, the publisher having built nothing yet": copy,
        "SQLite": f"sqlite:///{place.directory}/copy.db",
    }
    with database(place.dsn, "bench_copy") as target:
        into["PostgreSQL"] = target
        done: dict[str, Summary] = {}
        before = most_memory()
        for name, where in into.items():
            done[name] = sync(url, where)
            yield Figure(
                f"growth of the process up to there ({name}), MiB", "64", max(most_memory() - before, 1), 64, "≤ 1"
            )
    out_and_in = asyncio.run(copied(dsn))
    for name, one in done.items():
        work = f"first copy of {one.published:,} records into {name}, records/s"
        yield Figure(work, "COPY out plus COPY in", one.published / one.seconds, out_and_in, "≥ 0.25")
    return next(iter(done.values()))


def most_memory() -> float:
    """The most memory, in MiB, that this process has had; that of its children not counted."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def copied(dsn: str) -> float:
    """Records/s of COPY out of all live records, and into an empty table with a key."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCRATCH)
    rows = io.BytesIO()
    began = time.perf_counter()
    status = await connection.copy_from_query(LIVE, output=rows, format="binary")
    rows.seek(0)
    await connection.copy_to_table("scratch", source=rows, format="binary")
    spent = time.perf_counter() - began
    await connection.close()
    return int(status.split()[-1]) / spent


def quiet_night(dsn: str, url: str, copy: str) -> Iterator[Figure]:
    """What a night with nothing new asks for and moves, and what it costs the database."""
    told = [sync(url, copy) for _ in range(2)][-1]
    yield Figure("night with nothing new, requests", "one", told.requests, 1, "= 1")
    with urlopen(f"{url}/v1/releases?limit=1") as answer:
        epoch = msgspec.json.decode(answer.read())["meta"]["epoch"]
    path = f"/v1/changes?since={told.release}&epoch={epoch}&limit=1000"
    with urlopen(url + path) as answer:
        etag = answer.headers["ETag"]
    yield Figure("night with nothing new, bytes with all headers", "1 kB", spoken(url, path, etag), 1000, "≤ 1")
    yield Figure("night with nothing new, statements", "one for the head", statements(dsn, url, path, etag), 1, "= 0")


def spoken(url: str, path: str, etag: str) -> int:
    """Bytes of the answer to a request with a tag, which must be 304."""
    place = urlsplit(url)
    fields = f"Host: {place.netloc}\r\nIf-None-Match: {etag}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n"
    request = f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()
    answer = b""
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(request)
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 304"), answer[:200]
    return len(answer)


def statements(dsn: str, url: str, path: str, etag: str) -> float:
    """Statements that a poll costs the database, beside those that the program makes anyway."""

    def made(polls: int) -> int:
        before, until = asyncio.run(transactions(dsn)), time.monotonic() + 3
        for _ in range(polls):
            spoken(url, path, etag)
        # Both spans are as long, and the server tells of its transactions once a second.
        time.sleep(max(0.0, until - time.monotonic()))
        return asyncio.run(transactions(dsn)) - before

    idle = made(0)
    return max(0.0, round((made(POLLS) - idle) / POLLS, 1))


async def transactions(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    number: int = await connection.fetchval(TRANSACTIONS)
    await connection.close()
    return number


async def changed(dsn: str) -> None:
    """Publish other texts of some progress lines, all in one release."""
    store = Store(dsn)
    await store.open()
    head = await store.reading(releases.head)
    found = await store.reading(listings.page, Listing(noun="progress", release=head.number, limit=CHANGES))
    edits = []
    for one in found:
        before = releases.decode("progress", one.doc)
        after = replace(before, text=f"{before.text} It was told otherwise since.")  # type: ignore[union-attr]
        edits.append(Edit("progress", one.id, after, before, before.version + 1, "data", ["text"]))
    async with store.writing() as connection:
        await releases.lock(connection)
        release = Release(head.number + 1, datetime.now(UTC), "import", None, None, head.counts)
        await releases.publish(connection, [Prepared(release, [row(edit, release.number) for edit in edits])])
    await store.close()
    # The program hears of it within a second.
    await asyncio.sleep(1)


def past(dsn: str) -> Iterator[Figure]:
    """A list of the present and as of the release before, neither from the cache."""
    now = "/v1/progress.json?limit=100"
    with ours(dsn, now, OGP_CACHE_BYTES="0") as url:
        with urlopen(f"{url}/v1") as answer:
            before = msgspec.json.decode(answer.read())["data"]["release"] - 1
        found = alternating(lambda: wrk(f"{url}{now}&as_of={before}"), lambda: wrk(url + now))
    yield Figure("list of 100 as of an earlier release, no cache, requests/s", "the present list", *found, "≥ 0.9")
