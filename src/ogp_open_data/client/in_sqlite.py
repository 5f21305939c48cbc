"""A copy as a SQLite database: a table a noun (id, version, release, sha256, doc) and a table `state` of one row."""

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import msgspec

from ogp_open_data.client.copies import Edits, State
from ogp_open_data.client.in_directory import locked
from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.publisher import Digests, stamp
from ogp_open_data.client.wire import Damaged
from ogp_open_data.errors import Refused
from ogp_open_data.records import NOUNS, digest

TABLE = """
CREATE TABLE IF NOT EXISTS {} (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, release INTEGER NOT NULL, sha256 TEXT NOT NULL, doc TEXT NOT NULL
) WITHOUT ROWID
"""
STATE_TABLE = """
CREATE TABLE IF NOT EXISTS {} (url TEXT, epoch TEXT, release INTEGER, root TEXT, etag TEXT, synced_at TEXT, digests TEXT)
"""
STATE = "SELECT url, epoch, release, root, etag, synced_at, digests FROM {}"
CLEAR = "DELETE FROM {}"
KEEP = "INSERT INTO {} (url, epoch, release, root, etag, synced_at, digests) VALUES (?, ?, ?, ?, ?, ?, ?)"
PUT = "INSERT OR REPLACE INTO {} (id, version, release, sha256, doc) VALUES (?, ?, ?, ?, ?)"
REMOVE = "DELETE FROM {} WHERE id = ?"
DOCS = "SELECT id, version, release, sha256, doc FROM {} ORDER BY id"
NAMES = "SELECT name FROM sqlite_schema WHERE type = 'table'"
DROP = "DROP TABLE IF EXISTS {}"
# A first copy is renamed; over another it is written again, as SQLite renames nothing where others made views on a table.
RENAME = "ALTER TABLE {0}_next RENAME TO {0}"
TAKE = "INSERT INTO {0} SELECT * FROM {0}_next"


class Sqlite:
    """A copy in a SQLite database."""

    def __init__(self, path: Path, make: bool = True) -> None:
        self.path = path
        self.make = make

    async def __aenter__(self) -> Self:
        self._lock: TextIO | None = None
        try:
            if self.make:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            elif not self.path.exists():
                raise Refused(f"{self.path}: there is no copy yet; run it without --verify first")
            self._lock = locked(self.path.with_name(self.path.name + ".lock"), alone=self.make)
            # Transactions are begun and ended by `with self._all()`, never by the driver.
            self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            self._db.text_factory = lambda text: text.decode(errors="replace")
            # Readers go on reading while a page is written; what was committed is on the disk.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
        except (OSError, sqlite3.Error) as error:
            if self._lock is not None:
                self._lock.close()
            raise Refused(f"{self.path}: {error}; is it a SQLite database that may be written to?") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.close()
        if isinstance(error, sqlite3.Error):
            raise Refused(f"{self.path}: {error}; remove it to begin anew where it is damaged") from error

    async def state(self) -> State | None:
        return self._state("state")

    async def keep(self, state: State) -> None:
        with self._all():
            self._keep("state", state)

    async def apply(self, edits: Edits, state: State) -> None:
        with self._all():
            for noun in NOUNS:
                self._db.execute(TABLE.format(noun))
                some = edits.get(noun, {})
                self._db.executemany(REMOVE.format(noun), [(id,) for id, text in some.items() if text is None])
                self._put(noun, noun, (text for text in some.values() if text is not None))
            self._keep("state", state)

    async def digests(self, noun: str) -> Digests:
        if noun not in self._tables():
            return {}
        # A row whose columns do not follow from its text is not what was published, whatever the text says.
        return {str(held[0]): _digest(noun, held) for held in self._db.execute(DOCS.format(noun))}

    async def digest(self, noun: str) -> str:
        whole = hashlib.sha256()
        for held in self._db.execute(DOCS.format(noun)) if noun in self._tables() else ():
            whole.update(f"{held[0]}\t{_digest(noun, held)}\n".encode())
        return whole.hexdigest()

    async def stale(self) -> list[str]:
        return []

    async def lay(self, state: State) -> None:
        with self._all():
            for noun in NOUNS:
                self._db.execute(DROP.format(f"{noun}_next"))
            self._keep("state_next", state)

    async def laid(self) -> tuple[State, set[str]] | None:
        state = self._state("state_next")
        return (state, {noun for noun in NOUNS if f"{noun}_next" in self._tables()}) if state else None

    async def fill(self, noun: str, rows: Ordered) -> None:
        with self._all():
            self._db.execute(TABLE.format(f"{noun}_next"))
            self._put(noun, f"{noun}_next", (text for _, text in rows))

    async def swap(self) -> None:
        with self._all():
            there = self._tables()
            for table in (*NOUNS, "state"):
                if table not in there:
                    self._db.execute(RENAME.format(table))
                    continue
                self._db.execute(CLEAR.format(table))
                self._db.execute(TAKE.format(table))
                self._db.execute(DROP.format(f"{table}_next"))

    def _all(self) -> "_Transaction":
        return _Transaction(self._db)

    def _tables(self) -> set[str]:
        return {row[0] for row in self._db.execute(NAMES)}

    def _state(self, table: str) -> State | None:
        if table not in self._tables():
            return None
        row = self._db.execute(STATE.format(table)).fetchone()
        try:
            return row and msgspec.convert(
                dict(zip(State.__struct_fields__, (*row[:6], msgspec.json.decode(row[6])), strict=True)), State
            )
        except (msgspec.MsgspecError, TypeError):
            return None

    def _keep(self, table: str, state: State) -> None:
        self._db.execute(STATE_TABLE.format(table))
        self._db.execute(CLEAR.format(table))
        *plain, digests = msgspec.structs.astuple(state)
        self._db.execute(KEEP.format(table), (*plain, msgspec.json.encode(digests).decode()))

    def _put(self, noun: str, table: str, texts: Iterable[bytes]) -> None:
        self._db.executemany(PUT.format(table), (row(noun, text) for text in texts))


class _Transaction:
    """All or nothing, from its first statement on."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self.db.execute("COMMIT" if kind is None else "ROLLBACK")


def _digest(noun: str, held: tuple[Any, ...]) -> str:
    """The digest of a held row, or a word that is none."""
    text = str(held[4]).encode()
    try:
        return digest(text) if row(noun, text) == held else "columns"
    except Damaged:
        return digest(text)


def row(noun: str, text: bytes) -> tuple[str, int, int, str, str]:
    """The columns of a record: id, version, release, sha256, doc."""
    found = stamp(noun, text)
    return found.id, found.version, found.release, digest(text), text.decode()
