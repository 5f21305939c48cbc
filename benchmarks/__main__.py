"""Measure and print a table. Needs wrk; the server is pinned to one core, the load to another."""

import argparse
import asyncio
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.request import urlopen

import asyncpg

from benchmarks import country
from ogp_open_data.intake import importer, vocabulary
from ogp_open_data.intake.importer import Document
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from ogp_open_data.store.migrate import migrate

ROUNDS = 3
SECONDS = 3
TWIN = Path(__file__).parent.parent / "tests" / "documents" / "twin.txt"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--commitments", type=int, default=5000)
    parser.add_argument("--milestones", type=int, default=5, help="for each commitment")
    parser.add_argument("--lines", type=int, default=4, help="for each milestone")
    parser.add_argument("--documents", type=int, default=200)
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("benchmarks: wrk is needed; install it with: apt-get install wrk")
    directory = Path(tempfile.mkdtemp(prefix="ogp-bench-"))
    directory.chmod(0o755)
    try:
        with Embedded(directory / "data") as embedded:
            figures = list(measured(embedded.dsn, directory, asked))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    cores = os.cpu_count()
    print(
        f"\n{platform.platform()}, Python {platform.python_version()}, {cores} cores; median of {ROUNDS} alternating rounds\n"
    )
    print("| work | ours | reference | ratio |\n|---|---|---|---|")
    for name, ours, reference in figures:
        print(f"| {name} | {ours:,.0f} | {reference:,.0f} | {ours / reference:.2f} |")


def measured(dsn: str, directory: Path, asked: argparse.Namespace) -> Iterator[tuple[str, float, float]]:
    began = time.perf_counter()
    counts = asyncio.run(loaded(dsn, asked))
    print(f"loaded {sum(counts.values()):,} records in {time.perf_counter() - began:.1f} s: {counts}")
    yield (
        "import into an empty store, documents/s, against parsing alone",
        *asyncio.run(imports(dsn, asked.documents, True)),
    )
    yield ("import into the synthetic country, the same", *asyncio.run(imports(dsn, asked.documents // 4, False)))
    yield ("CSV of all progress lines, rows/s, against COPY … TO STDOUT", *bulk(dsn, "csv"))
    yield ("NDJSON of the same, rows/s, against the same", *bulk(dsn, "ndjson"))
    for name, path in [
        ("one commitment, requests/s, against bare ASGI", "/v1/commitments/xx-p10-c5.json"),
        ("list of 100 commitments, requests/s, against bare ASGI", "/v1/commitments.json"),
        ("Atom of 50 commitments, requests/s, against bare ASGI", "/v1/commitments.atom"),
        (
            "deep page of 100 progress lines, requests/s, against bare ASGI",
            "/v1/progress.json?plan=xx-p100&status=delayed",
        ),
    ]:
        yield (name, *requests(dsn, directory, path))


async def loaded(dsn: str, asked: argparse.Namespace) -> dict[str, int]:
    store = Store(dsn)
    await store.open()
    async with store.writing() as connection:
        await migrate(connection, "bench.example", date(2026, 11, 24))
    counts = await country.load(store, asked.commitments, asked.milestones, asked.lines)
    async with store.writing() as connection:
        await connection.execute("ANALYZE")
    await store.close()
    return counts


async def imports(dsn: str, documents: int, empty: bool) -> tuple[float, float]:
    """Documents/s of importing reports of many commitments, and of parsing them alone."""
    if empty:
        dsn = await another(dsn)
    known = vocabulary.load()
    text = TWIN.read_text()
    made = [
        Document(name=f"{n}.txt", body=re.sub(r"Commitment \d+", f"Commitment {n}", text).encode())
        for n in range(1, documents + 1)
    ]
    began = time.perf_counter()
    for document in made:
        importer.read(document, known)
    parsing = documents / (time.perf_counter() - began)
    store = Store(dsn)
    await store.open()
    began = time.perf_counter()
    for document in made:
        assert (await importer.import_document(store, document, known)).release is not None
    importing = documents / (time.perf_counter() - began)
    await store.close()
    return importing, parsing


async def another(dsn: str) -> str:
    """A migrated database of its own on the same server."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE DATABASE bench_empty")
    await connection.close()
    fresh = dsn.replace("/postgres?", "/bench_empty?")
    store = Store(fresh)
    await store.open()
    async with store.writing() as writing:
        await migrate(writing, "bench.example", date(2026, 11, 24))
    await store.close()
    return fresh


@contextmanager
def served(command: list[str], environ: dict[str, str], port: int, path: str) -> Iterator[str]:
    """A server pinned to the first core, ready to answer."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", *command], env={**os.environ, **environ}, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urlopen(url + path, timeout=5).read()
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def ours(dsn: str, path: str = "/livez") -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "ogp_open_data", "serve", "--port", str(port), "--database-url", dsn]
    with served(command, {}, port, path) as url:
        yield url


@contextmanager
def bare(directory: Path, body: bytes) -> Iterator[str]:
    bodies = directory / "bodies"
    bodies.mkdir(exist_ok=True)
    (bodies / "body").write_bytes(body)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.bare:app",
        "--port",
        str(port),
        "--no-access-log",
        "--lifespan",
        "off",
    ]
    with served(command, {"BARE_BODIES": str(bodies)}, port, "/body") as url:
        yield url + "/body"


def requests(dsn: str, directory: Path, path: str) -> tuple[float, float]:
    """Requests/s of our answer and of a bare ASGI application that gives the same bytes, in alternating rounds."""
    with ours(dsn, path) as url, bare(directory, urlopen(url + path).read()) as reference:
        pairs = [(wrk(url + path), wrk(reference)) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def wrk(url: str) -> float:
    command = ["taskset", "-c", str((os.cpu_count() or 2) - 1), "wrk", "-t1", "-c32", f"-d{SECONDS}s", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None
    return float(found[1])


def bulk(dsn: str, suffix: str) -> tuple[float, float]:
    """Rows/s of the whole progress table over HTTP, and of COPY of the same columns to nowhere."""

    def ask(url: str) -> Callable[[], int]:
        def get() -> int:
            with urlopen(f"{url}/v1/progress.{suffix}") as answer:
                rows = int(answer.headers["OGP-Row-Count"])
                while answer.read(1 << 20):
                    pass
            return rows

        return get

    with ours(dsn) as url:
        pairs = [(rate(ask(url)), rate(lambda: asyncio.run(copy(dsn, suffix)))) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


async def copy(dsn: str, suffix: str) -> int:
    column = "csv" if suffix == "csv" else "doc"
    connection = await asyncpg.connect(dsn)

    async def nowhere(data: bytes) -> None:
        pass

    query = f"SELECT {column} FROM record WHERE noun = 'progress' AND until_release IS NULL ORDER BY sort_key"
    status = await connection.copy_from_query(query, output=nowhere)
    await connection.close()
    return int(status.split()[-1])


def rate(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    rows = work()
    return rows / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
