"""Who is told of each release, and how far each of them is: webhooks of agencies, hubs of the feeds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct

from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.store.doors import Connection

ADD = """
INSERT INTO receiver (url, kind, secret, told)
VALUES ($1, 'webhook', $2, (SELECT coalesce(max(number), 0) FROM release))
"""
REMOVE = "DELETE FROM receiver WHERE url = $1 AND kind = 'webhook' RETURNING url"
RESUME = """
UPDATE receiver SET ended_at = NULL, failures = 0, last_failure = NULL, due_at = now() WHERE url = $1 RETURNING told
"""
OTHER_HUBS = "DELETE FROM receiver WHERE kind = 'hub' AND url <> ALL($1::text[])"
ADD_HUBS = """
INSERT INTO receiver (url, kind, told) SELECT url, 'hub', $2 FROM unnest($1::text[]) AS hub(url) ON CONFLICT (url) DO NOTHING
"""
EVERY = """
SELECT url, kind, secret, created_at, told, told_at, failures, last_failure, due_at, ended_at,
    (SELECT coalesce(max(number), 0) FROM release) - told AS waiting
FROM receiver ORDER BY created_at, url
"""
BACKLOG = """
SELECT kind, count(*) AS receivers, count(*) FILTER (WHERE ended_at IS NULL AND told < newest) AS waiting,
    coalesce(max(newest - told) FILTER (WHERE ended_at IS NULL), 0) AS releases,
    count(*) FILTER (WHERE ended_at IS NULL AND failures > 0) AS failing, count(*) FILTER (WHERE ended_at IS NOT NULL) AS ended
FROM receiver, (SELECT coalesce(max(number), 0) AS newest FROM release) AS head GROUP BY kind ORDER BY kind
"""
DUE = """
FROM receiver WHERE ended_at IS NULL AND due_at <= now() AND told < (SELECT max(number) FROM release)
"""
ANY_DUE = f"SELECT EXISTS (SELECT {DUE})"
# Whoever took it and died leaves it to others when the time is over.
TAKE = f"""
UPDATE receiver SET due_at = now() + $1::interval
WHERE url = (SELECT url {DUE} ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING url, kind, secret, created_at, told, told_at, failures, last_failure, due_at, ended_at, 0::bigint AS waiting
"""
TOLD = """
UPDATE receiver SET told = $2, told_at = now(), failures = 0, last_failure = NULL, due_at = now() WHERE url = $1 AND told < $2
"""
FAILED = """
UPDATE receiver SET failures = failures + 1, last_failure = $2, due_at = now() + $3::interval,
    ended_at = CASE WHEN $4::boolean THEN now() END
WHERE url = $1
"""
ANY_NEWS = "SELECT EXISTS (SELECT FROM release WHERE number > $1 AND number <= $2 AND changed > 0)"


class Receiver(Struct, frozen=True):
    """One who is told: `told` is the last release that it has, `waiting` how many it has not. `ended_at` where it was given up."""

    url: str
    kind: str
    secret: str | None
    created_at: datetime
    told: int
    told_at: datetime | None
    failures: int
    last_failure: str | None
    due_at: datetime
    ended_at: datetime | None
    waiting: int


class Backlog(Struct, frozen=True):
    """How far the receivers of a kind are: their number, how many wait for a release and for how many at the most, how many did not
    take the last message, and how many were given up."""

    kind: str
    receivers: int
    waiting: int
    releases: int
    failing: int
    ended: int


async def add(connection: Connection, url: str, secret: str) -> None:
    """Tell an address of every release from the next one on. Raises Refused where it is told already."""
    try:
        await connection.execute(ADD, url, secret)
    except asyncpg.UniqueViolationError as error:
        raise Refused(f"{url} is told already; remove it first for another secret") from error


async def remove(connection: Connection, url: str) -> None:
    """Tell an address no more. Raises NotFound."""
    if await connection.fetchval(REMOVE, url) is None:
        raise NotFound(f"there is no webhook {url}; ogp-open-data webhooks list tells which there are")


async def resume(connection: Connection, url: str) -> int:
    """Begin again with one that was given up, where it stopped; the last release that it has. Raises NotFound."""
    told: int | None = await connection.fetchval(RESUME, url)
    if told is None:
        raise NotFound(f"there is no receiver {url}; ogp-open-data webhooks list tells which there are")
    return told


async def keep_hubs(connection: Connection, hubs: Sequence[str], head: int) -> None:
    """The hubs are those that are set, and no others; a new one is told from the next release on."""
    await connection.execute(OTHER_HUBS, hubs)
    await connection.execute(ADD_HUBS, hubs, head)


async def every(connection: Connection) -> list[Receiver]:
    """All of them, the oldest first."""
    return [Receiver(*row) for row in await connection.fetch(EVERY)]


async def backlogs(connection: Connection) -> list[Backlog]:
    """The backlog of each kind that there is."""
    return [Backlog(*row) for row in await connection.fetch(BACKLOG)]


async def any_due(connection: Connection) -> bool:
    """Whether somebody has not got the newest release and it is time to try."""
    found: bool = await connection.fetchval(ANY_DUE)
    return found


async def take(connection: Connection, lease: timedelta) -> Receiver | None:
    """One that is due, which nobody else takes for as long as the lease."""
    row = await connection.fetchrow(TAKE, lease)
    return None if row is None else Receiver(*row)


async def told(connection: Connection, url: str, release: int) -> None:
    """Note that a receiver has a release; where there are more, it is due at once."""
    await connection.execute(TOLD, url, release)


async def failed(connection: Connection, url: str, why: str, wait: timedelta, over: bool) -> None:
    """Note that it did not take what was sent, and when to try again, if at all."""
    await connection.execute(FAILED, url, why, wait, over)


async def any_news(connection: Connection, after: int, upto: int) -> bool:
    """Whether any release of some changed anything."""
    found: bool = await connection.fetchval(ANY_NEWS, after, upto)
    return found
