"""A copy as files: {noun}.ndjson, {noun}.csv, SHA256SUMS and state.json, all of which change at one instant.

The names in the directory are links to `current/…`, and `current` is a link to a hidden directory with one whole copy. A run
makes another such directory and turns `current` to it: one rename, so that nobody ever sees half of a copy. The copy before
stays until the next one, for whoever is still reading it.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TextIO

import msgspec

from ogp_open_data.client.copies import Edits, State
from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.publisher import Digests, Rows, stamp
from ogp_open_data.client.wire import Damaged
from ogp_open_data.errors import Refused
from ogp_open_data.formats import beside, to_csv
from ogp_open_data.records import NOUNS, digest

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
            self._lock = locked(self.path / ".lock", alone=self.make)
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
        file = self.path.joinpath(STATE).resolve()
        write(file, pretty(state))
        settle(file.parent)
        if not (self.path / STATE).is_symlink():
            await self.apply({}, state)

    async def apply(self, edits: Edits, state: State) -> None:
        copy, sums = self._new(), read_sums(self.path / SUMS)
        kept: dict[str, str] = {}
        for noun in NOUNS:
            files = (f"{noun}.ndjson", f"{noun}.csv")
            if noun not in edits and all(name in sums for name in files) and self._shared(files, copy):
                # The sum goes along unseen, so that damage is not sealed into the new copy.
                kept |= {name: sums[name] for name in files}
                continue
            rows = dict(read_rows(self.path / f"{noun}.ndjson"))
            table = self._table(noun, rows, sums)
            for id, text in edits.get(noun, {}).items():
                rows.pop(id, None)
                table.pop(id, None)
                if text is not None:
                    rows[id] = text
            write_rows(copy, noun, rows, table)
        self._show(copy, state, kept)

    async def digests(self, noun: str) -> Digests:
        found: Digests = {}
        for place, (id, text) in enumerate(read_rows(self.path / f"{noun}.ndjson")):
            # Twice the same id, or a line that is no record, is told under a name that no record has.
            if not id or id in found:
                found[f"(line {place + 1})"] = digest(text)
            if id:
                found[id] = digest(text)
        return found

    async def digest(self, noun: str) -> str:
        whole, last = hashlib.sha256(), ""
        for id, text in read_rows(self.path / f"{noun}.ndjson"):
            if id <= last:
                return "a line is no record, or stands where it does not belong"
            whole.update(f"{id}\t{digest(text)}\n".encode())
            last = id
        return whole.hexdigest()

    async def stale(self) -> list[str]:
        sums = read_sums(self.path / SUMS)
        wrong = {name for name in (*LINES, *TABLES) if sums.get(name, "") != sum_of(self.path / name)}
        return [noun for noun in NOUNS if {f"{noun}.ndjson", f"{noun}.csv"} & wrong]

    async def lay(self, state: State) -> None:
        shutil.rmtree(self.path / NEXT, ignore_errors=True)
        (self.path / NEXT).mkdir()
        write(self.path / NEXT / STATE, pretty(state))

    async def laid(self) -> tuple[State, set[str]] | None:
        state = read_state(self.path / NEXT / STATE)
        return (state, {noun for noun in NOUNS if (self.path / NEXT / f"{noun}.csv").exists()}) if state else None

    async def fill(self, noun: str, rows: Ordered) -> None:
        place = self.path / NEXT
        # The lines get their name first: the table's says that both are there.
        with written(place / f"{noun}.csv") as table, written(place / f"{noun}.ndjson") as lines:
            table.write(f"{to_csv.header(noun)}\r\n".encode())
            async with beside.table(noun, table, rows.count) as add:
                async for records in rows.parts():
                    lines.write(records)
                    await add(records)
        settle(place)

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

    def _table(self, noun: str, rows: Rows, sums: Mapping[str, str]) -> dict[str, str]:
        """The table's lines by id, as long as both files are what was written; making a line costs ten times reading it."""
        names = (f"{noun}.ndjson", f"{noun}.csv")
        if any(sums.get(name) != sum_of(self.path / name) for name in names):
            return {}
        lines = list(table_lines((self.path / names[1]).read_bytes().decode()))
        # A program of another version may have had other columns.
        return (
            dict(zip(rows, lines[1:], strict=True))
            if [lines[0], len(lines) - 1] == [to_csv.header(noun), len(rows)]
            else {}
        )

    def _shared(self, files: tuple[str, ...], copy: Path) -> bool:
        """Take over the files of a noun that does not change, without copying them; False where one is missing."""
        try:
            for name in files:
                os.link((self.path / name).resolve(strict=True), copy / name)
        except OSError:
            for name in files:
                (copy / name).unlink(missing_ok=True)
            return False
        return True

    def _show(self, copy: Path, state: State, sums: Mapping[str, str] = {}) -> None:
        """Let a whole copy be the visible one; some of its sums are known."""
        lines = [f"{sums.get(name) or sum_of(copy / name)}  {name}\n" for name in sorted((*LINES, *TABLES))]
        write(copy / SUMS, "".join(lines).encode())
        write(copy / STATE, pretty(state))
        settle(copy)
        before = self.path.joinpath("current").resolve()
        for name in FILES:
            if link_of(self.path / name) != f"current/{name}":
                link(self.path / name, f"current/{name}")
        link(self.path / "current", copy.name)
        settle(self.path)
        for old in self.path.glob(".copy-*"):
            if old not in (copy, self.path / before.name):
                shutil.rmtree(old, ignore_errors=True)


def locked(path: Path, alone: bool = True) -> TextIO | None:
    """The open lock file, held until it is closed; None where nobody made one yet. Raises Refused where another run has it."""
    if not alone and not path.exists():
        return None
    file = path.open("a" if alone else "r")
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
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


def read_sums(path: Path) -> dict[str, str]:
    """SHA-256 by file name, as `sha256sum` writes them."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: one for one, _, name in (line.partition("  ") for line in lines)}


def read_rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """Id and text of each line; the id is empty where the line is no record of the noun. Nothing where there is no file."""
    noun = path.stem
    try:
        with path.open("rb") as file:
            for line in file:
                text = line.removesuffix(b"\n")
                try:
                    yield stamp(noun, text).id, text
                except Damaged:
                    yield "", text
    except (FileNotFoundError, NotADirectoryError):
        return


def write_rows(directory: Path, noun: str, rows: Rows, known: Mapping[str, str] = {}) -> None:
    """The records of a noun by id, as lines and as a table, some of whose lines are known."""
    ids = sorted(id for id in rows if id)
    write(directory / f"{noun}.ndjson", b"".join(b"%b\n" % rows[id] for id in ids))
    table = [to_csv.header(noun), *(known.get(id) or table_line(noun, rows[id]) for id in ids)]
    write(directory / f"{noun}.csv", "".join(f"{line}\r\n" for line in table).encode())


def table_lines(table: str) -> Iterator[str]:
    """The lines of a table, the header first; a line break inside quotes ends none."""
    open = ""
    for part in table.split("\r\n")[:-1]:
        line = f"{open}{part}"
        open = f"{line}\r\n" if line.count('"') % 2 else ""
        if not open:
            yield line


def table_line(noun: str, text: bytes) -> str:
    """A record's CSV line, the publisher's own."""
    return to_csv.line_of(noun, msgspec.json.decode(text))


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file that comes into being whole or not at all, down to the disk."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def write(path: Path, body: bytes) -> None:
    with written(path) as file:
        file.write(body)


def settle(directory: Path) -> None:
    """Bring the names of a directory down to the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sum_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
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
