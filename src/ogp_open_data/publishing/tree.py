"""A directory of files that takes the place of the one before at once: whoever reads it sees the old whole or the new whole."""

import fcntl
import filecmp
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path

import msgspec
from msgspec import Struct

from ogp_open_data.errors import Refused

MANIFEST = "manifest.json"
# What a file system takes anywhere, and no way out of the directory.
SAFE = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)*")


class File(Struct, frozen=True):
    """A file of the tree: the address whose answer it is, and what a host of static files must say with it."""

    address: str
    size: int
    sha256: str
    content_type: str
    cache_control: str


class Manifest(Struct, frozen=True):
    """Everything in a tree, by path, and the release that it shows."""

    release: int
    files: dict[str, File]


class Tree:
    """Files on their way into a directory; equal ones of the tree before are linked, so that what did not change is not new."""

    def __init__(self, path: Path, before: Path | None) -> None:
        self.path = path
        self.before = before
        # What it shows, for whoever fills it to say.
        self.release = 0
        self.files: dict[str, File] = {}
        self.unchanged = 0

    @contextmanager
    def part(self) -> Iterator[BufferedRandom]:
        """A file to write to, gone at the end."""
        path = self.path / f".{secrets.token_hex(8)}.part"
        try:
            with open(path, "w+b") as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def add(self, path: str, part: BufferedRandom, address: str, content_type: str, cache_control: str) -> None:
        """Take what was written to a part. Raises Refused where the path leads out of the tree."""
        if not SAFE.fullmatch(path):
            raise Refused(f"{path}: no file is made of that name")
        part.flush()
        part.seek(0)
        sha256 = hashlib.file_digest(part, "sha256").hexdigest()
        made = File(address, part.tell(), sha256, content_type, cache_control)
        goal = self.path / path
        goal.parent.mkdir(parents=True, exist_ok=True)
        old = self.before / path if self.before is not None else None
        # By the bytes that are there, not by what the manifest says of them.
        if old is not None and old.is_file() and filecmp.cmp(old, part.name, shallow=False):
            self.unchanged += 1
            os.link(old, goal)
        else:
            os.replace(part.name, goal)
        self.files[path] = made


@contextmanager
def replaced(directory: Path) -> Iterator[Tree]:
    """A tree that takes the place of a directory at the end of the body, or leaves it as it was where the body raises.

    The directory is a link to the newest tree, and changing a link is one step; the tree before stays until the next time, for
    those who are reading it. Raises Refused where something else is there, where another run is at it, and where there is no room.
    """
    directory = directory.expanduser().absolute()
    if not directory.is_symlink() and directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Refused(f"{directory}: something else is there; give an export a place of its own")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _alone(directory):
            yield from _laid(directory)
    except OSError as error:
        raise Refused(f"{directory}: {error.strerror or error}; the export before, if there is one, stands") from error


def _laid(directory: Path) -> Iterator[Tree]:
    before = directory.parent / os.readlink(directory) if directory.is_symlink() else None
    if before is not None and not (before / MANIFEST).is_file():
        raise Refused(f"{directory}: the link leads to {before}, which is no export; give an export a place of its own")
    for one in _of_runs(directory):
        # What a run that was killed left, and what nobody reads any more.
        if one.is_symlink():
            one.unlink()
        elif one != before:
            shutil.rmtree(one, ignore_errors=True)
    path = directory.parent / f".{directory.name}-{secrets.token_hex(8)}"
    path.mkdir()
    try:
        tree = Tree(path, before)
        yield tree
        _write_manifest(tree)
        link = path.with_name(f"{path.name}.link")
        # One wait for the disk, not one for each file.
        os.sync()
        link.symlink_to(path.name)
        if not directory.is_symlink():
            with suppress(FileNotFoundError):
                directory.rmdir()
        os.replace(link, directory)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _of_runs(directory: Path) -> list[Path]:
    """What runs made beside a directory, by the names that only they give: `.site-staging-…` is of another export than `site`."""
    name = re.compile(rf"\.{re.escape(directory.name)}-[0-9a-f]{{16}}(\.link)?")
    return [one for one in directory.parent.iterdir() if name.fullmatch(one.name)]


def _write_manifest(tree: Tree) -> None:
    """The last file of a tree."""
    body = msgspec.json.format(msgspec.json.encode(Manifest(tree.release, dict(sorted(tree.files.items())))), indent=1)
    (tree.path / MANIFEST).write_bytes(body + b"\n")


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One run at a time; the lock goes with the process."""
    with open(directory.parent / f".{directory.name}.lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(f"{directory}: another export is being written there; wait until it has ended") from error
        yield
