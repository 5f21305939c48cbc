"""Copies as a test makes, reads and damages them; nothing here asks the program what it holds."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from ogp_open_data.client import Pace, Summary, sync
from ogp_open_data.formats import to_csv
from ogp_open_data.records import NOUNS, Milestone
from publisher import Publisher, country, some

QUICK = Pace(tries=5, first_pause=0.001, longest_pause=0.004, timeout=5.0)
Rows = dict[str, dict[str, bytes]]


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    one = Publisher()
    one.release(*country(random.Random(1), 60))
    with one.serving():
        yield one


@pytest.fixture(params=["directory", "sqlite"])
def into(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "copy") if request.param == "directory" else f"sqlite:///{tmp_path}/copy.db"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def run(publisher: Publisher, into: str, verify_only: bool = False, pace: Pace = QUICK) -> Summary:
    return sync(publisher.url, into, verify_only, pace)


def held(into: str) -> Rows:
    """What a copy holds, read as anybody would; rows by noun and id."""
    if into.startswith("sqlite"):
        db = sqlite3.connect(into.removeprefix("sqlite:///"))
        try:
            return {noun: {id: doc.encode() for id, doc in db.execute(f"SELECT id, doc FROM {noun}")} for noun in NOUNS}
        finally:
            db.close()
    found: Rows = {}
    for noun in NOUNS:
        texts = (Path(into) / f"{noun}.ndjson").read_bytes().splitlines(keepends=True)
        ids = [msgspec.json.decode(text)["id"] for text in texts]
        assert ids == sorted(set(ids)) and all(text.endswith(b"\n") for text in texts)
        found[noun] = {id: text[:-1] for id, text in zip(ids, texts, strict=True)}
    return found


def release_of(into: str) -> int:
    if into.startswith("sqlite"):
        db = sqlite3.connect(into.removeprefix("sqlite:///"))
        try:
            return int(db.execute("SELECT release FROM state").fetchone()[0])
        finally:
            db.close()
    return int(msgspec.json.decode((Path(into) / "state.json").read_bytes())["release"])


def table(noun: str, rows: Mapping[str, bytes]) -> bytes:
    """The CSV file of a noun as its publisher makes it."""
    records = (msgspec.json.decode(rows[id], type=NOUNS[noun]) for id in sorted(rows))
    return "".join(f"{line}\r\n" for line in [to_csv.header(noun), *map(to_csv.line, records)]).encode()


def edit(publisher: Publisher, text: str = "another wording", id: str = "nz-nap2-c5-m7") -> int:
    return publisher.release(some(Milestone, id, text=text))


def tamper(into: str, noun: str, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of a noun's records behind the program's back."""
    if into.startswith("sqlite"):
        db = sqlite3.connect(into.removeprefix("sqlite:///"))
        for id, doc in db.execute(f"SELECT id, doc FROM {noun}").fetchall():
            db.execute(f"UPDATE {noun} SET doc = ? WHERE id = ?", (change(doc.encode()).decode(), id))
        db.commit()
        db.close()
    else:
        path = Path(into) / f"{noun}.ndjson"
        path.write_bytes(change(path.read_bytes()))
