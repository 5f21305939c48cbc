"""Imports that wait to be applied: what was handed in, what was answered, and for how long."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.store.doors import Connection

KEPT = timedelta(hours=24)
# What becomes of a plan can be asked for a week; then its id is as if it never was.
REMEMBERED = timedelta(days=7)
# Plans of one key that wait with their document: at 10 MB each, no key fills the disk.
MOST_WAITING = 10

# By the database's clock, which is also asked whether it is late: those of several programs may differ.
EXPIRY = "SELECT now() + $1::interval"
FORGET = "DELETE FROM pending_import WHERE expires_at < now() - $1::interval"
# What was planned goes with its document: it can be as large.
EXPIRE = "UPDATE pending_import SET body = NULL, planned = '{}' WHERE expires_at < now() AND body IS NOT NULL"
CROWD_OUT = """
UPDATE pending_import SET body = NULL, planned = '{}', expires_at = least(expires_at, now()) WHERE id IN (
    SELECT id FROM pending_import WHERE key = $1 AND body IS NOT NULL ORDER BY made_at DESC, id OFFSET $2)
"""
# Whose text was redacted may stand in what waits, and in what was answered: documents are compressed, so all of it goes.
LET_GO = """
UPDATE pending_import SET body = NULL, planned = '{}', expires_at = least(expires_at, now()) WHERE planned <> '{}'
"""
PLAN = """
INSERT INTO pending_import (id, key, expires_at, head, said, body, planned) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
ONE = """
SELECT id, key, expires_at, head, said, body, planned, applied, expires_at < now() AS late FROM pending_import WHERE id = $1
"""
APPLIED = "UPDATE pending_import SET body = NULL, applied = $2 WHERE id = $1"


class Plan(Struct, frozen=True):
    """A plan to keep: its id (a UUID), the prefix of its key, the release looked at, and as JSON what was said and answered."""

    id: str
    key: str
    expires_at: datetime
    head: int
    said: str
    body: bytes
    planned: str


class Pending(NamedTuple):
    """A plan as it is kept: without its document once it was applied (`applied` is the answer) or is too `late`."""

    id: str
    key: str
    expires_at: datetime
    head: int
    said: str
    body: bytes | None
    planned: str
    applied: str | None
    late: bool


async def expiry(connection: Connection) -> datetime:
    """Until when a plan of now is kept."""
    until: datetime = await connection.fetchval(EXPIRY, KEPT)
    return until


async def plan(connection: Connection, one: Plan) -> None:
    """Keep a plan; old ones make room."""
    await forget(connection)
    await connection.execute(PLAN, one.id, one.key, one.expires_at, one.head, one.said, one.body, one.planned)
    await connection.execute(CROWD_OUT, one.key, MOST_WAITING)


async def forget(connection: Connection) -> None:
    """Let the documents of expired plans go, and after a week all that is known of them."""
    await connection.execute(FORGET, REMEMBERED)
    await connection.execute(EXPIRE)


async def let_go(connection: Connection) -> None:
    """Let every plan expire, in the transaction of a redaction; what was applied stays applied."""
    await connection.execute(LET_GO)


async def one(connection: Connection, id: str) -> Pending | None:
    """The plan of an id, which is a UUID."""
    row = await connection.fetchrow(ONE, id)
    return Pending(str(row["id"]), *list(row)[1:]) if row else None


async def applied(connection: Connection, id: str, answer: str) -> None:
    """Keep what applying a plan did, in the transaction that does it; the document is let go."""
    await connection.execute(APPLIED, id, answer)
