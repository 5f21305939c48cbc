"""Starting: from nothing and again, against PostgreSQL alone; and the memory of a worker."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Place, alternating
from benchmarks.servers import free_port, ours, peak, ready, wrk
from ogp_open_data.store.embedded import Embedded

PAGE = "/v1/commitments.json"


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
