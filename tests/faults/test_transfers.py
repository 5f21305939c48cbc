"""Large answers: a thousand readers who hang up leave nothing behind, an export takes no memory, one that ends early shows it."""

import asyncio
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from database import executed
from embedded_tools import ask, eventually
from faults.cluster import Cluster
from faults.stage import Program, lasting, serving
from serving import program as command
from test_streams import filled

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]
Figures = Callable[[str], None]
ROWS = int(lasting(60_000, 1_000_000))
READERS = int(lasting(100, 1000))
# A filter, so that the rows are streamed as they are read; without it they come from a finished file.
STREAMED = "?status=unknown"
OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'ogp-open-data' AND datname = current_database() AND state <> 'idle'
"""
# Hang up with a reset, as a client that is killed does.
RESET = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module")
def large(cluster: Cluster) -> Iterator[str]:
    """The address of a database with many progress lines."""
    asyncio.run(executed(cluster.dsn(), "CREATE DATABASE large"))
    command("migrate", "--database-url", cluster.dsn("large"))
    asyncio.run(executed(cluster.dsn("large"), filled(ROWS)))
    asyncio.run(executed(cluster.dsn("large"), "ANALYZE record"))
    yield cluster.dsn("large")
    asyncio.run(executed(cluster.dsn(), "DROP DATABASE large WITH (FORCE)"))


@pytest.fixture(scope="module")
def exporting(large: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with serving(large, tmp_path_factory.mktemp("large") / "log", OGP_STATEMENT_TIMEOUT="3") as one:
        one.ready_within(10)
        yield one


def hung_up(url: str, path: str, read: int, reset: bool) -> None:
    """Ask, read some bytes, and go."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port), timeout=60) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while read > 0 and (chunk := one.recv(min(read, 65536))):
            read -= len(chunk)
        if reset:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_readers_who_hang_up_leave_no_connection_transaction_or_file_behind(
    large: str, exporting: Program, figures: Figures
) -> None:
    rng = random.Random(12)
    paths = [f"/v1/progress.{suffix}{filter}" for suffix in ("csv", "ndjson") for filter in (STREAMED, "")]
    for path in paths:
        hung_up(exporting.url, path, 1 << 30 if "?" not in path else 1000, False)
    eventually(lambda: ask(large, OPEN) == 0, 20)
    files, memory = exporting.files(), exporting.memory()
    for number in range(READERS):
        hung_up(exporting.url, paths[number % 4], rng.choice((0, 100, 100_000, 2_000_000)), rng.random() < 0.5)
    took = eventually(lambda: ask(large, OPEN) == 0, 20)
    eventually(lambda: max(exporting.files()) <= max(files) + 8, 20)
    assert exporting.status("/v1/progress?limit=1") == 200
    exporting.sound()
    figures(
        f"{READERS} downloads dropped; {took:.1f} s later no statement or transaction is open; "
        f"open files {max(files)} before, {max(exporting.files())} after; "
        f"memory {max(memory):.0f} MB before, {max(exporting.memory()):.0f} MB after"
    )


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
@pytest.mark.parametrize("filter", [STREAMED, ""], ids=["streamed", "of a file"])
def test_export_of_many_rows_takes_no_memory(exporting: Program, suffix: str, filter: str, figures: Figures) -> None:
    before, most, size = exporting.memory(), exporting.memory(), 0
    began = time.monotonic()
    with httpx.stream("GET", f"{exporting.url}/v1/progress.{suffix}{filter}", timeout=120) as answer:
        assert answer.headers["ogp-row-count"] == str(ROWS)
        lines = 0
        for number, chunk in enumerate(answer.iter_bytes(1 << 20)):
            size += len(chunk)
            lines += chunk.count(b"\n")
            if number % 4 == 0:
                most = [max(pair) for pair in zip(most, exporting.memory(), strict=True)]
    assert lines == ROWS + (suffix == "csv")
    grown = max(late - early for early, late in zip(before, most, strict=True))
    assert grown < 32 * 1.05
    figures(f"{ROWS:,} rows, {size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s: memory grew by {grown:.0f} MB")


def test_statement_that_takes_too_long_in_the_middle_of_a_transfer_aborts_it_visibly(
    large: str, exporting: Program, figures: Figures
) -> None:
    locked = threading.Event()

    def lock() -> None:
        asyncio.run(executed(large, "BEGIN; LOCK TABLE record IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(6)"))

    thread = threading.Thread(target=lock)
    began = time.monotonic()
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("GET", f"{exporting.url}/v1/progress.csv{STREAMED}", timeout=60) as answer,
    ):
        assert answer.status_code == 200
        for chunk in answer.iter_bytes(65536):
            if not locked.is_set():
                locked.set()
                thread.start()
                time.sleep(0.5)
            assert chunk
    took = time.monotonic() - began
    thread.join()
    assert exporting.status("/v1/progress?limit=1&q=x") == 200
    exporting.sound()
    figures(f"cut off after {took:.1f} s of a limit of 3 s, without a last chunk")
