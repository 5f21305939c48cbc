"""Peers with the same commitments: Datasette on SQLite, Django REST framework on the same PostgreSQL; each in one process.

They are installed beside, from requirements.txt, when this is first asked for.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import msgspec

from benchmarks.figures import Figure, Place, alternating
from benchmarks.servers import free_port, ours, served, wrk, wrk_anew

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".venv" / "peers"
# One table with twenty columns, as both peers would have it.
COLUMNS = (
    *("id", "plan", "number", "title", "objective", "leads_raw", "starts", "ends", "status", "timeliness"),
    *("milestones_total", "milestones_completed", "latest_report", "version", "release", "url"),
)
NUMBERS = ("milestones_total", "milestones_completed", "version", "release")
LISTS = ("lead_organisations", "supporting_organisations", "themes")
UPDATED = "2026-11-24T09:00:00Z"
ATOM = """
select id as atom_id, title as atom_title, updated as atom_updated, objective as atom_content, url as atom_link
from commitments order by updated desc, id limit 50
"""
TEXTS = ", ".join(f"doc::jsonb ->> '{name}' AS {name}" for name in COLUMNS if name not in NUMBERS)
COUNTS = ", ".join(f"(doc::jsonb ->> '{name}')::int AS {name}" for name in NUMBERS)
ARRAYS = ", ".join(f"doc::jsonb -> '{name}' AS {name}" for name in LISTS)
TABLE = f"""
DROP TABLE IF EXISTS peer_commitment;
CREATE TABLE peer_commitment AS SELECT {TEXTS}, {COUNTS}, {ARRAYS}, timestamptz '{UPDATED}' AS updated
FROM record WHERE noun = 'commitments' AND until_release IS NULL AND doc IS NOT NULL;
ALTER TABLE peer_commitment ADD PRIMARY KEY (id);
CREATE INDEX ON peer_commitment (updated DESC, id);
ANALYZE peer_commitment
"""
ITEM, LIST, FEED = "/v1/commitments/xx-p10-c5.json", "/v1/commitments.json", "/v1/commitments.atom"
Peer = Callable[[Place], AbstractContextManager[dict[str, str]]]


def figures(place: Place) -> Iterator[Figure]:
    installed()
    asyncio.run(prepared(place))
    for name, peer, hot, cold in [
        ("Datasette", datasette, ("≥ 20", "≥ 50", "≥ 70"), ("≥ 3", "≥ 6", "≥ 7")),
        ("Django REST framework", django, ("", "", ""), ("≥ 7", "≥ 10", "≥ 25")),
    ]:
        with peer(place) as theirs, ours(place.dsn, LIST) as kept, ours(place.dsn, LIST, OGP_CACHE_BYTES="0") as made:
            for path, what, of_hot, of_cold in zip(
                (ITEM, LIST, FEED), ("item", "list of 100", "Atom of 50"), hot, cold, strict=True
            ):
                reference = theirs[path]
                yield Figure(
                    f"hot {what}, requests/s",
                    name,
                    *alternating(partial(wrk, kept + path), partial(wrk, reference)),
                    of_hot,
                )
                pair = alternating(partial(wrk_anew, place.directory, made + path), partial(wrk, reference))
                yield Figure(f"{what}, no cache, requests/s", name, *pair, of_cold)


def installed() -> None:
    """Install the peers, once."""
    wanted = Path(__file__).with_name("requirements.txt")
    stamp = HOME / ".installed"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(HOME)], check=True)
    pip = [os.environ.get("PYTHON", "python3"), "-m", "pip", "--python", str(HOME / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "-r", str(wanted)], check=True)
    stamp.write_text(wanted.read_text())


async def prepared(place: Place) -> None:
    """The commitments as a table of typed columns, in PostgreSQL and in SQLite."""
    connection = await asyncpg.connect(place.dsn)
    await connection.execute(TABLE)
    docs = await connection.fetch("SELECT doc FROM record WHERE noun = 'commitments' AND until_release IS NULL")
    await connection.close()
    names = (*COLUMNS, *LISTS)
    rows = [
        [_cell(record[name]) for name in names] + [UPDATED] for record in (msgspec.json.decode(row[0]) for row in docs)
    ]
    path = place.directory / "country.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute(f"create table commitments (id text primary key, {', '.join(names[1:])}, updated)")
        database.execute("create index newest on commitments (updated desc, id)")
        database.executemany(f"insert into commitments values ({', '.join('?' * (len(names) + 1))})", rows)
        database.execute("analyze")


def _cell(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, list) else value


@contextmanager
def datasette(place: Place) -> Iterator[dict[str, str]]:
    port = free_port()
    command = [str(HOME / "bin" / "datasette"), "serve", "-i", str(place.directory / "country.db"), "-p", str(port)]
    table = "/country/commitments"
    with served(command, {}, port, f"{table}.json?_size=1") as url:
        yield {
            ITEM: f"{url}{table}/xx-p10-c5.json?_shape=objects",
            LIST: f"{url}{table}.json?_size=100&_shape=array&_nocount=1&_nofacet=1&_nosuggest=1",
            FEED: f"{url}/country.atom?sql={quote(ATOM.strip())}",
        }


@contextmanager
def django(place: Place) -> Iterator[dict[str, str]]:
    port, parts = free_port(), urlsplit(place.dsn)
    environ = {
        "PEER_HOST": parse_qs(parts.query)["host"][0],
        "PEER_USER": parts.username or "",
        "PYTHONPATH": str(ROOT),
    }
    command = [str(HOME / "bin" / "gunicorn"), "-k", "gthread", "--threads", "4", "-w", "1", "-b", f"127.0.0.1:{port}"]
    with served([*command, "benchmarks.django_peer:app"], environ, port, "/commitments/xx-p10-c5") as url:
        yield {ITEM: f"{url}/commitments/xx-p10-c5", LIST: f"{url}/commitments", FEED: f"{url}/atom"}
