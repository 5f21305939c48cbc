"""Answers kept for a day, so that a request that is repeated with its Idempotency-Key is carried out once."""

from datetime import timedelta

from msgspec import Struct

from ogp_open_data.store.doors import Connection

KEPT = timedelta(hours=24)
# A request that has not answered by then never will: its program is gone, and it may be tried again.
GIVEN_UP = timedelta(minutes=5)
# Of one key, the newest ones: an answer has as many bytes as a document has changes.
MOST_KEPT = 1000

FORGET = (
    "DELETE FROM replay WHERE made_at < now() - $1::interval OR (status IS NULL AND made_at < now() - $2::interval)"
)
CROWD_OUT = """
DELETE FROM replay WHERE key = $1 AND idempotency_key IN (
    SELECT idempotency_key FROM replay WHERE key = $1 AND status IS NOT NULL ORDER BY made_at DESC, idempotency_key OFFSET $2)
"""
CLAIM = """
INSERT INTO replay (key, idempotency_key, request) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
KEPT_ANSWER = "SELECT request, status, headers, body FROM replay WHERE key = $1 AND idempotency_key = $2"
KEEP = "UPDATE replay SET status = $3, headers = $4, body = $5 WHERE key = $1 AND idempotency_key = $2"
RELEASE = "DELETE FROM replay WHERE key = $1 AND idempotency_key = $2"
LET_GO = "DELETE FROM replay WHERE status IS NOT NULL"


class Replay(Struct, frozen=True):
    """A request that came before, by its digest, and its answer: `status` is None while it is under way, `headers` are JSON."""

    request: str
    status: int | None
    headers: str | None
    body: bytes | None


async def forget(connection: Connection) -> None:
    """Let go of what was kept for its time, and of what will never be answered."""
    await connection.execute(FORGET, KEPT, GIVEN_UP)


async def let_go(connection: Connection) -> None:
    """Let every answer go, in the transaction of a redaction: it may repeat the text that was redacted."""
    await connection.execute(LET_GO)


async def claim(connection: Connection, key: str, name: str, request: str) -> Replay | None:
    """Begin a request under a name of a key's own; None, or what came under that name before."""
    await forget(connection)
    if await connection.fetchval(CLAIM, key, name, request):
        return None
    row = await connection.fetchrow(KEPT_ANSWER, key, name)
    return Replay(*row) if row else None


async def keep(connection: Connection, key: str, name: str, status: int, headers: str, body: bytes) -> None:
    """Keep the answer of a request that was begun; the oldest of the key make room."""
    await connection.execute(KEEP, key, name, status, headers, body)
    await connection.execute(CROWD_OUT, key, MOST_KEPT)


async def release(connection: Connection, key: str, name: str) -> None:
    """Let a request that failed here be sent again."""
    await connection.execute(RELEASE, key, name)
