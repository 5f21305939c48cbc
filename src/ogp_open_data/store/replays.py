"""Answers kept for a day, so that a request that is repeated with its Idempotency-Key is carried out once."""

from datetime import timedelta

from msgspec import Struct

from ogp_open_data.store.doors import Connection

KEPT = timedelta(hours=24)
# A request that has not answered by then never will: its program is gone, and it may be tried again.
GIVEN_UP = timedelta(minutes=5)

FORGET = (
    "DELETE FROM replay WHERE made_at < now() - $1::interval OR (status IS NULL AND made_at < now() - $2::interval)"
)
CLAIM = """
INSERT INTO replay (key, idempotency_key, request) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
KEPT_ANSWER = "SELECT request, status, headers, body FROM replay WHERE key = $1 AND idempotency_key = $2"
KEEP = "UPDATE replay SET status = $3, headers = $4, body = $5 WHERE key = $1 AND idempotency_key = $2"
RELEASE = "DELETE FROM replay WHERE key = $1 AND idempotency_key = $2"


class Replay(Struct, frozen=True):
    """A request that came before, by its digest, and its answer: `status` is None while it is under way, `headers` are JSON."""

    request: str
    status: int | None
    headers: str | None
    body: bytes | None


async def claim(connection: Connection, key: str, name: str, request: str) -> Replay | None:
    """Begin a request under a name of a key's own; None, or what came under that name before."""
    await connection.execute(FORGET, KEPT, GIVEN_UP)
    if await connection.fetchval(CLAIM, key, name, request):
        return None
    row = await connection.fetchrow(KEPT_ANSWER, key, name)
    return Replay(*row) if row else None


async def keep(connection: Connection, key: str, name: str, status: int, headers: str, body: bytes) -> None:
    """Keep the answer of a request that was begun."""
    await connection.execute(KEEP, key, name, status, headers, body)


async def release(connection: Connection, key: str, name: str) -> None:
    """Let a request that failed here be sent again."""
    await connection.execute(RELEASE, key, name)
