"""Half an hour of readers, imports and copies at once: memory, open files and the time of an answer stay where they were.

OGP_TEST_SOAK=3600 makes an hour of it, in seconds.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, cycle
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from copied import held
from faults.stage import CACHED, WHOLE, Load, Program, asking, lasting, percentile, uncached
from ogp_open_data.client import sync
from publishing import planned
from test_importer import report

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]
COPIES = 4
PERIODS = cycle(("June to August 2017", "September to November 2017", "December 2017 to February 2018"))
# Of the whole time, after which caches are filled and pools are open.
WARM = 0.25
GROWTH = 0.10
IDLE_MB, CACHE_MB = 90, 64


class Sample(NamedTuple):
    """How things stand at a moment: resident memory (MB) and open files of each worker."""

    at: float
    memory: list[float]
    files: list[int]


def browsed() -> Iterator[str]:
    """What readers ask for: mostly what is in memory, the past, searches, tables."""
    new, pages = uncached(), cycle(range(1, 8))
    kinds = cycle((*CACHED, "search", "past", "/v1/progress.ndjson", *CACHED, "/", "/v1/changes?since=0", "table"))
    for kind in kinds:
        if kind == "search":
            yield next(new)
        elif kind == "past":
            yield f"/v1/commitments?as_of={next(pages)}&limit=20"
        elif kind == "table":
            yield "/v1/milestones.csv?timeliness=overdue"
        else:
            yield kind


def importing(url: str, key: str, done: threading.Event, every: float) -> list[int]:
    """A report each time, by HTTP as an agency would; the releases they made."""
    made = []
    with httpx.Client(base_url=url, timeout=60, headers={"authorization": f"Bearer {key}"}) as client:
        for number in count(1):
            text = report(number=str(number % 20 + 41), period=next(PERIODS), done=f"The panel met {number} times.")
            plan = planned(client, text.encode())
            assert plan.status_code == 201, plan.text
            applied = client.post(httpx.URL(plan.json()["links"]["apply"]).path)
            assert applied.status_code == 200, applied.text
            made.append(applied.json()["data"]["number"])
            if done.wait(every):
                return made


def copying(url: str, into: str, done: threading.Event, every: float) -> None:
    while True:
        assert sync(url, into).exit_code == 0
        if done.wait(every):
            break
    assert sync(url, into).exit_code == 0


def test_memory_files_and_times_are_at_the_end_what_they_were_when_it_had_warmed_up(
    program: Program, key: str, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    seconds, every = float(os.environ.get("OGP_TEST_SOAK", lasting(8, 1800))), lasting(1, 20)
    done, samples = threading.Event(), list[Sample]()
    copies = [str(tmp_path / f"copy{number}") for number in range(COPIES)]
    idle = max(program.memory())
    with ThreadPoolExecutor() as pool, asking(program.url, browsed, clients=8, pause=lasting(0.01, 0.05)) as load:
        imports = pool.submit(importing, program.url, key, done, every)
        kept = [pool.submit(copying, program.url, into, done, every) for into in copies]
        try:
            while (at := time.monotonic() - load.began) < seconds:
                samples.append(Sample(at, program.memory(), program.files()))
                time.sleep(lasting(0.5, 10))
        finally:
            done.set()
        made = imports.result(120)
        for one in kept:
            one.result(120)
    wrong = [one for one in load.got if one.status != 200]
    warm = seconds * WARM
    first = quarter(load, samples, warm, warm + (seconds - warm) / 4)
    last = quarter(load, samples, seconds - (seconds - warm) / 4, seconds)
    figures(
        f"{seconds / 60:.1f} min, {len(load.got)} answers, {len(wrong)} errors; {len(made)} imports, {COPIES} copies; "
        f"a worker: {idle:.0f} MB before; the first quarter when warm {first}; the last quarter {last}"
    )
    assert wrong == []
    # A machine that does much else besides makes few in the seconds of the suite.
    assert len(made) > (seconds / every / 3 if WHOLE else 0) and made == sorted(made)
    assert all(held(into) == held(copies[0]) for into in copies)
    program.sound()
    if WHOLE:
        assert last.memory < first.memory * (1 + GROWTH)
        assert last.memory < IDLE_MB + CACHE_MB
        # Readers come and go, so a few more at a moment are no leak.
        assert last.files <= first.files + 8
        assert last.p99 < 2 * first.p99 + 50


class Quarter(NamedTuple):
    """The most that a worker took (MB, open files), and how long answers took (ms)."""

    memory: float
    files: int
    p50: float
    p99: float

    def __str__(self) -> str:
        return f"{self.memory:.0f} MB, {self.files} files, p50 {self.p50:.1f} ms, p99 {self.p99:.0f} ms"


def quarter(load: Load, samples: list[Sample], low: float, high: float) -> Quarter:
    """How it stood between two moments of the run."""
    some = [one for one in samples if low <= one.at < high]
    times = [one.seconds * 1000 for one in load.got if low <= one.at - load.began < high]
    return Quarter(
        max(max(one.memory) for one in some),
        max(max(one.files) for one in some),
        percentile(times, 0.5),
        percentile(times, 0.99),
    )
