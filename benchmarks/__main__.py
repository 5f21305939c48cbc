"""Measure and print a table. A subject is a module with `figures(place)`; to add one, write it and name it in SUBJECTS."""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from benchmarks import bulk, country, growth, importing, peers, serving, starting, syncing
from benchmarks.figures import ROUNDS, Place, migrated
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded

SUBJECTS = {
    "importing": importing,
    "serving": serving,
    "peers": peers,
    "bulk": bulk,
    "starting": starting,
    "syncing": syncing,
    "growth": growth,
}
TOOLS = ("wrk", "taskset")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all, if none is named"
    )
    parser.add_argument("--commitments", type=int, default=5000)
    parser.add_argument("--milestones", type=int, default=5, help="for each commitment")
    parser.add_argument("--lines", type=int, default=4, help="for each milestone")
    parser.add_argument("--documents", type=int, default=1000, help="to import")
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000_000,
        help="of the largest table of growth, where 10,000,000 take 25 GB; and records to follow",
    )
    asked = parser.parse_args()
    if unknown := set(asked.subjects) - SUBJECTS.keys():
        parser.error(f"there is no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        sys.exit(f"benchmarks: needs {' and '.join(missing)}; install with: apt-get install wrk util-linux")
    directory = Path(tempfile.mkdtemp(prefix="ogp-bench-"))
    directory.chmod(0o755)
    try:
        with Embedded(directory / "data") as embedded:
            measure(Place(embedded.dsn, directory, asked))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(place: Place) -> None:
    """Load the country, measure what was asked for, print each figure when it is there."""
    began = time.perf_counter()
    server, counts = asyncio.run(loaded(place))
    spent = time.perf_counter() - began
    print(f"loaded {sum(counts.values()):,} records in {spent:.1f} s: {counts}\n")
    machine = f"{platform.platform()}, Python {platform.python_version()}, PostgreSQL {server}, {os.cpu_count()} cores"
    print(f"{machine}; medians of {ROUNDS} alternating rounds where two are compared\n")
    print("| work | against | ours | reference | ratio | reach |\n|---|---|---|---|---|---|")
    for name in place.asked.subjects or SUBJECTS:
        for figure in SUBJECTS[name].figures(place):
            print(figure.line, flush=True)


async def loaded(place: Place) -> tuple[str, dict[str, int]]:
    """The version of the server, and how many records of each noun it holds now."""
    await migrated(place.dsn)
    store = Store(place.dsn)
    await store.open()
    counts = await country.load(store, place.asked.commitments, place.asked.milestones, place.asked.lines)
    await store.close()
    connection = await asyncpg.connect(place.dsn)
    await connection.execute("ANALYZE")
    version: str = await connection.fetchval("SHOW server_version")
    await connection.close()
    return version, counts


if __name__ == "__main__":
    main()
