"""The audit trail: who did what, when, on what and from where; written with the release it speaks of, read by `log`."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.store.doors import Connection

# What was done is kept for ever; what changed nothing, a plan or a refusal, long enough to look into it.
NOTES_KEPT = timedelta(days=90)
# Of one actor in a day, of plans and of refusals each: the first ones tell what it tries, and no key fills the disk.
MOST_NOTES = 1000
PLAN = "plan"

WRITE = "INSERT INTO audit (actor, address, action, subject, detail, release) VALUES ($1, $2, $3, $4, $5, $6)"
NOTE = """
INSERT INTO audit (actor, address, action, subject, detail, refused) SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM (SELECT FROM audit WHERE at > now() - interval '1 day' AND actor = $1
    AND CASE WHEN $6::text IS NULL THEN refused IS NULL AND action = 'plan' ELSE refused IS NOT NULL END
    LIMIT $7) AS today) < $7
"""
FORGET = "DELETE FROM audit WHERE (refused IS NOT NULL OR action = 'plan') AND at < now() - $1::interval"
SINCE = """
SELECT number, at, actor, address, action, subject, detail, release, refused FROM (
    SELECT * FROM audit WHERE ($1::timestamptz IS NULL OR at >= $1) ORDER BY number DESC LIMIT $2) AS newest
ORDER BY number
"""


class Entry(Struct, frozen=True):
    """What somebody did: the actor (`key NAME`, `user NAME`, `program`), the address of a request, the action, its subject (an id,
    a document's name, a key) and the reason given."""

    actor: str
    address: str | None
    action: str
    subject: str | None = None
    detail: str | None = None


class Line(NamedTuple):
    """An entry as it stands in the trail; `refused` names the error, where it was refused."""

    number: int
    at: datetime
    actor: str
    address: str | None
    action: str
    subject: str | None
    detail: str | None
    release: int | None
    refused: str | None


async def write(connection: Connection, entry: Entry, release: int | None = None) -> None:
    """Add an entry, in the caller's transaction: what is rolled back was not done."""
    await connection.execute(WRITE, *_told(entry), release)


async def note(connection: Connection, entry: Entry, refused: str | None = None) -> None:
    """Add what changed nothing, a plan or what was `refused` (by its error's code), unless its share of the day is full."""
    await connection.execute(NOTE, *_told(entry), refused, MOST_NOTES)


def _told(entry: Entry) -> tuple[str | None, ...]:
    # A refusal may repeat what it refuses, and no text of PostgreSQL takes a NUL.
    detail = entry.detail and entry.detail.replace("\0", "")
    return entry.actor, entry.address, entry.action, entry.subject, detail


async def forget(connection: Connection) -> None:
    """Let old plans and refusals go."""
    await connection.execute(FORGET, NOTES_KEPT)


async def since(connection: Connection, at: datetime | None, most: int) -> list[Line]:
    """The newest entries from a moment on, in their order."""
    return [Line(*row) for row in await connection.fetch(SINCE, at, most)]
