"""The real program with two workers on a cluster of its own: its processes and log, and the clients that ask it all the while."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import httpx

from embedded_tools import alive, eventually
from growing import opened
from ogp_open_data.store import keys

WHOLE = os.environ.get("OGP_TEST_FAULTS") == "whole"
WORKERS = 2
CLIENTS = 32
# Longer than any time-out of the program: an answer that takes longer is a hang.
HANGS = 40.0
PROBLEM = "application/problem+json"
# Addresses whose answers are in memory after the first time.
CACHED = ("/v1/plans", "/v1/commitments?limit=10", "/v1/plans/nz-nap2", "/feed.atom", "/v1/milestones.csv")
PAGE = 4096


def lasting(quick: float, whole: float) -> float:
    """Seconds, or how many: in the suite, and in `make faults`."""
    return whole if WHOLE else quick


class Answered(NamedTuple):
    """What a client got: when it asked, the seconds it took, and the status; 0 and the error where nothing came."""

    at: float
    seconds: float
    status: int
    path: str
    said: str = ""

    @property
    def told(self) -> bool:
        """Whether it is what was asked for, or a refusal that says when to come again."""
        return self.status == 200 or (self.status == 503 and self.said == f"{PROBLEM} 5")


class Program:
    """`serve` at work. `log` is what it says, one event a line."""

    def __init__(self, dsn: str, log: Path, *arguments: str, **environ: str) -> None:
        self.dsn = dsn
        self.log = log
        command = [sys.executable, "-m", "ogp_open_data", "serve", "--port", "0", "--workers", str(WORKERS)]
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [*command, "--database-url", dsn, *arguments],
                stderr=out,
                env={**os.environ, "OGP_DAILY_AT": "23:59", "OGP_READ_QUOTA": "0", **environ},
            )
        eventually(lambda: self.events("serve.started") or self.process.poll() is not None, 60)
        assert self.process.poll() is None, log.read_text()
        self.url: str = self.events("serve.started")[0]["url"]
        eventually(lambda: self.status("/livez") == 200, 60)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the log has of an event."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if f'"event":"{name}"' in line]

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.url + path, **{"timeout": HANGS, **more})

    def status(self, path: str) -> int:
        """0 where no answer comes."""
        with suppress(httpx.HTTPError):
            return self.get(path).status_code
        return 0

    def ready_within(self, seconds: float) -> float:
        return eventually(lambda: self.status("/readyz") == 200, seconds)

    def workers(self) -> list[int]:
        """The processes that answer."""
        return [pid for pid in children(self.process.pid) if "spawn_main" in command_of(pid)]

    def memory(self) -> list[float]:
        """Resident memory of each worker, in MB."""
        return [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6 for pid in self.workers()]

    def files(self) -> list[int]:
        """Open files of each worker."""
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in self.workers()]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def sound(self) -> None:
        """Nothing happened in it that nobody foresaw."""
        assert self.process.poll() is None
        assert [self.events(name) for name in ("request.failed", "loop.failed")] == [[], []]


@contextmanager
def serving(dsn: str, log: Path, *arguments: str, **environ: str) -> Iterator[Program]:
    program = Program(dsn, log, *arguments, **environ)
    try:
        yield program
    finally:
        program.end()
        assert not [pid for pid in program.workers() if alive(pid)]


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def cached() -> Iterator[str]:
    """Addresses that are in memory."""
    return itertools.cycle(CACHED)


def uncached() -> Iterator[str]:
    """Addresses that nobody asked for before."""
    return (f"/v1/milestones?q=panel{number}" for number in itertools.count(time.time_ns()))


def mixed() -> Iterator[str]:
    """One of each in turn."""
    return (path for pair in zip(cached(), uncached(), strict=False) for path in pair)


class Load:
    """Clients on a thread of their own, each of which asks again as soon as it was answered."""

    def __init__(self, url: str, paths: Iterator[str], clients: int, pause: float) -> None:
        self.url, self.paths, self.clients, self.pause = url, paths, clients, pause
        self.got: list[Answered] = []
        self.over = False
        self.began = time.monotonic()

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        # The server closes after five idle seconds; whoever asks at that very moment gets nothing.
        limits = httpx.Limits(max_connections=self.clients, keepalive_expiry=2)
        async with httpx.AsyncClient(base_url=self.url, timeout=HANGS, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(self._one(client) for _ in range(self.clients)))

    async def _one(self, client: httpx.AsyncClient) -> None:
        while not self.over:
            path, began = next(self.paths), time.monotonic()
            try:
                answer = await client.get(path)
                said = f"{answer.headers['content-type']} {answer.headers.get('retry-after')}"
                found = (answer.status_code, path, "" if answer.status_code == 200 else said)
            except httpx.HTTPError as error:
                found = (0, path, repr(error))
            self.got.append(Answered(began, time.monotonic() - began, *found))
            await asyncio.sleep(self.pause)

    def since(self, at: float) -> list[Answered]:
        """What was asked for from a moment on."""
        return [one for one in self.got if one.at >= at]


class Running(Protocol):
    """What works until it is told that it is over."""

    over: bool

    def run(self) -> None: ...


R = TypeVar("R", bound=Running)


@contextmanager
def asking(url: str, paths: Callable[[], Iterator[str]], clients: int = CLIENTS, pause: float = 0.02) -> Iterator[Load]:
    """Clients that ask until the end of the body; all that they got is in `got` after it."""
    with beside(Load(url, paths(), clients, pause)) as load:
        yield load


@contextmanager
def beside(one: R) -> Iterator[R]:
    """Something that runs on a thread of its own until the end of the body."""
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.over = True
        thread.join(HANGS + 10)
    assert not thread.is_alive(), "a client hangs"


def unforeseen(got: list[Answered]) -> list[Answered]:
    """Answers that are neither what was asked for nor a refusal that says when to come again."""
    return [one for one in got if not one.told]


def slowest(got: list[Answered]) -> float:
    return max((one.seconds for one in got), default=0.0)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def key_of(dsn: str) -> str:
    """A key that may do anything."""

    async def made() -> str:
        async with opened(dsn) as store, store.writing() as connection:
            return await keys.create(connection, "faults", [], ["admin"])

    return asyncio.run(made())


@contextmanager
def writing_as(url: str, key: str) -> Iterator[httpx.Client]:
    """A client that has a key."""
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, timeout=120, headers=headers, trust_env=False) as client:
        yield client
