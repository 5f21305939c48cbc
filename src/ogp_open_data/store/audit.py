"""The audit trail: who did what, when, on what and from where; written with the release it speaks of, read by `log`."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.store.doors import Connection

WRITE = """
INSERT INTO audit (actor, address, action, subject, detail, release, refused) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
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


async def write(connection: Connection, entry: Entry, release: int | None = None, refused: str | None = None) -> None:
    """Add an entry, in the caller's transaction: what is rolled back was not done."""
    # A refusal may repeat what it refuses, and no text of PostgreSQL takes a NUL.
    detail = entry.detail and entry.detail.replace("\0", "")
    await connection.execute(WRITE, entry.actor, entry.address, entry.action, entry.subject, detail, release, refused)


async def since(connection: Connection, at: datetime | None, most: int) -> list[Line]:
    """The newest entries from a moment on, in their order."""
    return [Line(*row) for row in await connection.fetch(SINCE, at, most)]
