"""Finished files of releases: each is built once, shared by all processes, and then only read.

The directory holds the files under the SHA-256 of their bytes, and for each question a link, named by the question, to its
file. Both come into being by a rename, so what is there is whole. All of it may be deleted at any time.
"""

import asyncio
import base64
import fcntl
import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from ogp_open_data.settings import Settings

PART, LOCK = ".part", ".lock"
CHUNK = 256 * 1024
# A file that was asked for this lately is not removed: whoever was told of it has yet to open it.
GRACE = 60.0
# What a process that was killed left unfinished.
ABANDONED = 3600.0
POLL = 0.02


class File(Struct, frozen=True):
    """A finished file: where it is, the SHA-256 of its bytes in hexadecimal, and their number."""

    path: Path
    sha256: str
    size: int


@contextmanager
def directory(settings: Settings) -> Iterator[Path]:
    """The directory of the settings, or a temporary one that is gone at the end."""
    if settings.files_dir is not None:
        path = Path(settings.files_dir).expanduser().absolute()
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ogp-open-data-", ignore_cleanup_errors=True) as name:
        yield Path(name)


class Files:
    """A directory of finished files; `room` is in bytes."""

    def __init__(self, path: Path, room: int) -> None:
        self.path = path
        self.room = room

    def find(self, question: str) -> File | None:
        """The file of a question, if there is one."""
        with suppress(OSError):
            path = self.path / os.readlink(self.path / _name(question))
            size = path.stat().st_size
            os.utime(path)
            return File(path, path.name, size)
        return None

    async def get(self, question: str, queue: str, build: Callable[[Path], Awaitable[None]]) -> File:
        """The file of a question, which `build(path)` writes where there is none. One is built at a time in each queue, by one
        process, and whoever asks for it waits. Raises OSError where there is no room."""
        if (found := self.find(question)) is not None:
            return found
        async with self._turn(queue):
            if (found := self.find(question)) is not None:
                return found
            part = self.path / f"{secrets.token_hex(8)}{PART}"
            try:
                await build(part)
                sha256 = await asyncio.to_thread(_digest, part)
                os.replace(part, self.path / sha256)
            finally:
                part.unlink(missing_ok=True)
            self._link(_name(question), sha256)
            self._make_room()
        found = self.find(question)
        assert found is not None, "what was just asked for is not removed"
        return found

    def _link(self, name: str, sha256: str) -> None:
        part = self.path / f"{secrets.token_hex(8)}{PART}"
        part.symlink_to(sha256)
        os.replace(part, self.path / name)

    @asynccontextmanager
    async def _turn(self, queue: str) -> AsyncIterator[None]:
        """One builder of a queue at a time, among all processes; a process that dies gives its turn away."""
        with open(self.path / f"{queue}{LOCK}", "wb") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(POLL)
            yield

    def _make_room(self) -> None:
        """Remove what was asked for longest ago until the rest fits, and links that lead nowhere."""
        now = time.time()
        found = sorted(self._there())
        taken = sum(size for _, size, path in found if not path.is_symlink())
        for used, size, path in found:
            if path.is_symlink():
                if not path.exists():
                    path.unlink(missing_ok=True)
            elif now - used > (ABANDONED if path.suffix == PART else GRACE) and (
                path.suffix == PART or taken > self.room
            ):
                path.unlink(missing_ok=True)
                taken -= size

    def _there(self) -> Iterator[tuple[float, int, Path]]:
        """When each file (and link) was last asked for, its size, and where it is; other processes may remove it meanwhile."""
        for one in self.path.iterdir():
            with suppress(FileNotFoundError):
                status = one.lstat()
                if one.suffix != LOCK:
                    yield status.st_mtime, status.st_size, one


def _name(question: str) -> str:
    return f"q-{hashlib.sha256(question.encode()).hexdigest()}"


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def repr_digest(sha256: str) -> str:
    """The Repr-Digest field (RFC 9530) of a SHA-256 in hexadecimal."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


async def part_of(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file from `start` to `end`. Raises EOFError where it is shorter."""
    with open(path, "rb") as file:
        file.seek(start)
        while start < end:
            chunk = await asyncio.to_thread(file.read, min(CHUNK, end - start))
            if not chunk:
                raise EOFError(f"a finished file ends {end - start} bytes early")
            start += len(chunk)
            yield chunk
