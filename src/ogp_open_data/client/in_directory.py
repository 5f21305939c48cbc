"""A copy as files: {noun}.ndjson, {noun}.csv, SHA256SUMS and state.json, all of which change at one instant.

The names in the directory are links to `current/…`, and `current` is a link to a hidden directory with one whole copy. A run
makes another such directory and turns `current` to it: one rename, so that nobody ever sees half of a copy. The copy before
stays until the next one, for whoever is still reading it.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import msgspec

from ogp_open_data.client.copies import Edits, State
from ogp_open_data.client.publisher import Digests, Rows, stamp
from ogp_open_data.client.wire import Damaged
from ogp_open_data.errors import Refused
from ogp_open_data.formats import to_csv
from ogp_open_data.records import NOUNS, Source, digest

STATE = "state.json"
SUMS = "SHA256SUMS"
NEXT = ".next"
LINES = tuple(f"{noun}.ndjson" for noun in NOUNS)
TABLES = tuple(f"{noun}.csv" for noun in NOUNS)
FILES = (*LINES, *TABLES, SUMS, STATE)


class Directory:
    """A copy in a directory."""

    def __init__(self, path: Path, make: bool = True) -> None:
        self.path = path
        self.make = make

    async def __aenter__(self) -> Self:
        self._lock: TextIO | None = None
        try:
            if self.make:
                self.path.mkdir(parents=True, exist_ok=True)
                self._lock = locked(self.path / ".lock")
        except OSError as error:
            raise Refused(f"{self.path}: {error.strerror}; is it a directory that may be written to?") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()
        if isinstance(error, OSError):
            raise Refused(f"{self.path}: {error.strerror or error}; the copy is as it was") from error

    async def state(self) -> State | None:
        return read_state(self.path / STATE)

    async def keep(self, state: State) -> None:
        write(self.path.joinpath(STATE).resolve(), pretty(state))
        if not (self.path / STATE).is_symlink():
            await self.apply({}, state)

    async def apply(self, edits: Edits, state: State) -> None:
        copy = self._new()
        for noun in NOUNS:
            if edits.get(noun) is None and self._shared(noun, copy):
                continue
            rows = dict(read_rows(self.path / f"{noun}.ndjson"))
            for id, text in edits.get(noun, {}).items():
                if text is None:
                    rows.pop(id, None)
                else:
                    rows[id] = text
            write_rows(copy, noun, rows)
        self._show(copy, state)

    async def digests(self, noun: str) -> Digests:
        found: Digests = {}
        for place, (id, text) in enumerate(read_rows(self.path / f"{noun}.ndjson")):
            # Twice the same id, or a line that is no record, is kept under a name that no record has.
            found[id if id and id not in found else f"(line {place + 1})"] = digest(text)
        return found

    async def stale(self) -> list[str]:
        try:
            sums = {name: one for one, _, name in (line.partition("  ") for line in lines_of(self.path / SUMS))}
        except OSError:
            sums = {}
        return [noun for noun in NOUNS if sums.get(f"{noun}.csv") != sum_of(self.path / f"{noun}.csv")]

    async def lay(self, state: State) -> None:
        shutil.rmtree(self.path / NEXT, ignore_errors=True)
        (self.path / NEXT).mkdir()
        write(self.path / NEXT / STATE, pretty(state))

    async def laid(self) -> tuple[State, set[str]] | None:
        state = read_state(self.path / NEXT / STATE)
        # The table is written after the lines.
        return state and (state, {noun for noun in NOUNS if (self.path / NEXT / f"{noun}.csv").exists()})

    async def fill(self, noun: str, rows: Rows) -> None:
        write_rows(self.path / NEXT, noun, rows)

    async def swap(self) -> None:
        state = read_state(self.path / NEXT / STATE)
        assert state is not None
        copy = self._name()
        os.rename(self.path / NEXT, copy)
        self._show(copy, state)

    def _name(self) -> Path:
        return self.path / f".copy-{secrets.token_hex(6)}"

    def _new(self) -> Path:
        copy = self._name()
        copy.mkdir()
        return copy

    def _shared(self, noun: str, copy: Path) -> bool:
        """Take over the files of a noun that does not change, without copying them; False where one is missing."""
        try:
            for name in (f"{noun}.ndjson", f"{noun}.csv"):
                os.link((self.path / name).resolve(strict=True), copy / name)
        except OSError:
            for name in (f"{noun}.ndjson", f"{noun}.csv"):
                (copy / name).unlink(missing_ok=True)
            return False
        return True

    def _show(self, copy: Path, state: State) -> None:
        """Let a whole copy be the visible one."""
        sums = "".join(f"{sum_of(copy / name)}  {name}\n" for name in sorted((*LINES, *TABLES)))
        write(copy / SUMS, sums.encode())
        write(copy / STATE, pretty(state))
        before = self.path.joinpath("current").resolve()
        for name in FILES:
            if link_of(self.path / name) != f"current/{name}":
                link(self.path / name, f"current/{name}")
        link(self.path / "current", copy.name)
        settle(self.path)
        for old in self.path.glob(".copy-*"):
            if old not in (copy, self.path / before.name):
                shutil.rmtree(old, ignore_errors=True)


def locked(path: Path) -> TextIO:
    """The open lock file, held until it is closed. Raises Refused where another run has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Refused(f"{path}: another run is at work on this copy; wait for it to end") from error
    return file


def read_state(path: Path) -> State | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def pretty(state: State) -> bytes:
    return msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n"


def lines_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in file)


def read_rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """Id and text of each line; the id is empty where the line is no record of the noun. Nothing where there is no file."""
    try:
        with path.open("rb") as file:
            for line in file:
                text = line.removesuffix(b"\n")
                try:
                    yield stamp(path.stem, text).id, text
                except Damaged:
                    yield "", text
    except (FileNotFoundError, NotADirectoryError):
        return


def write_rows(directory: Path, noun: str, rows: Rows) -> None:
    """The records of a noun by id, as lines and as a table."""
    ordered = [rows[id] for id in sorted(rows) if id]
    write(directory / f"{noun}.ndjson", b"".join(b"%b\n" % text for text in ordered))
    table = [to_csv.header(noun), *(table_line(noun, text) for text in ordered)]
    write(directory / f"{noun}.csv", "".join(f"{line}\r\n" for line in table).encode())


def table_line(noun: str, text: bytes) -> str:
    """A record's CSV line, the publisher's own; values are taken as they are, also those that this program does not know."""
    known = NOUNS[noun]
    told = msgspec.json.decode(text)
    values = {name: told.get(name) for name in known.__struct_fields__}
    if isinstance(source := values.get("source"), Mapping):
        values["source"] = Source(**{name: source.get(name) for name in Source.__struct_fields__})
    # A struct does not look at its values when it is made this way.
    return to_csv.line(known(**values))


def write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all, down to the disk."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    settle(path.parent)


def settle(directory: Path) -> None:
    """Bring the names of a directory down to the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sum_of(path: Path) -> str | None:
    try:
        return digest(path.read_bytes())
    except OSError:
        return None


def link_of(path: Path) -> str | None:
    return os.readlink(path) if path.is_symlink() else None


def link(path: Path, target: str) -> None:
    """Let a name lead to another, in one step."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    os.replace(part, path)
