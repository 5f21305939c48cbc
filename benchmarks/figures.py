"""What a benchmark is given and what it gives: a place to measure in, and figures, each with what it is held against."""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import asyncpg

from ogp_open_data.store.doors import Store
from ogp_open_data.store.migrate import migrate

ROUNDS = 3


class Place(NamedTuple):
    """A server with the synthetic country in its database `postgres`, a scratch directory, and the sizes asked for."""

    dsn: str
    directory: Path
    asked: argparse.Namespace


class Figure(NamedTuple):
    """A line of the table. `ours` and `reference` are in the unit that `work` names; `reach` is what their ratio should be."""

    work: str
    against: str
    ours: float
    reference: float
    reach: str = ""

    @property
    def line(self) -> str:
        numbers = map(_rounded, (self.ours, self.reference, self.ours / self.reference))
        return f"| {' | '.join([self.work, self.against, *numbers, self.reach])} |"


def _rounded(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def rate(work: Callable[[], int]) -> float:
    """What `work` counts, for each second it takes."""
    began = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - began)


def alternating(ours: Callable[[], float], reference: Callable[[], float]) -> tuple[float, float]:
    """The medians of two measurements, taken in turns so that a slow minute of the machine is both's."""
    pairs = [(ours(), reference()) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


@contextmanager
def database(dsn: str, name: str, template: str | None = None) -> Iterator[str]:
    """The address of a migrated database of its own on the same server, or of a copy of another; dropped at the end."""
    asyncio.run(_executed(dsn, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")))
    made = dsn.replace("/postgres?", f"/{name}?")
    asyncio.run(migrated(made))
    try:
        yield made
    finally:
        asyncio.run(_executed(dsn, f"DROP DATABASE {name} WITH (FORCE)"))


async def _executed(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn.replace("/postgres?", "/template1?"))
    await connection.execute(text)
    await connection.close()


async def migrated(dsn: str) -> None:
    store = Store(dsn)
    await store.open()
    async with store.writing() as connection:
        await migrate(connection, "bench.example", date(2026, 11, 24))
    await store.close()
