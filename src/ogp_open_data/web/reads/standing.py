"""Where the publication stands at this moment: the newest release, the next one, who lags, what waits to be told."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from ogp_open_data import __version__
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.schemas import VERSION
from ogp_open_data.store import history, receivers
from ogp_open_data.store.receivers import Backlog
from ogp_open_data.web.reads import readiness
from ogp_open_data.web.reads.history import next_expected
from ogp_open_data.web.reads.readiness import Check, Look
from ogp_open_data.web.site import Site


class Made(Struct, frozen=True):
    """The newest release: its number, when and why it was made, and how many records it changed."""

    number: int
    made_at: datetime
    cause: str
    message: str | None
    changed: int


class Status(Struct, frozen=True, kw_only=True):
    """What anybody may know. `state` is the worst of `checks`; `release` is None in an empty store, or while no database answers.

    `instance_behind` and `replica_behind` are in releases, behind the primary: of this process, and of the server that reads go to
    (None where that is the primary itself, or does not answer). `backlog` is None while no database answers.
    """

    state: str
    at: datetime
    version: str
    api_version: str
    release: Made | None
    next_expected_at: datetime | None
    overdue_seconds: int
    last_import_at: datetime | None
    instance_behind: int | None
    heard_seconds_ago: float | None
    replica_behind: int | None
    backlog: Sequence[Backlog] | None
    checks: Sequence[Check]


async def told(site: Site) -> Status:
    """Look, and tell; takes a few seconds at the most."""
    seen, found = await asyncio.gather(readiness.look(site), _found(site))
    made, backlog = found or (None, None)
    head = site.known_head
    checks = readiness.checked(seen)
    answering = [one for one in seen.servers if one is not None]
    return Status(
        state=readiness.worst(checks),
        at=datetime.now(UTC),
        version=__version__,
        api_version=VERSION,
        release=made,
        next_expected_at=next_expected(site, head.made_at) if head else None,
        overdue_seconds=max(0, int(seen.late)),
        last_import_at=answering[-1].imported_at if answering else None,
        instance_behind=_behind(seen, seen.known),
        heard_seconds_ago=None if seen.heard is None else round(seen.heard, 1),
        replica_behind=_behind(seen, seen.servers[0].newest) if len(seen.servers) > 1 and seen.servers[0] else None,
        backlog=backlog,
        checks=checks,
    )


def _behind(seen: Look, release: int | None) -> int | None:
    """By how many releases somebody is behind the primary; None where it cannot be asked."""
    primary = seen.servers[-1]
    return None if primary is None or release is None else max(0, primary.newest - release)


async def _found(site: Site) -> tuple[Made | None, list[Backlog]] | None:
    """The newest release with its cause, and the backlog; None while no database answers."""
    try:
        async with asyncio.timeout(readiness.PATIENCE):
            head = await site.head()
            rows = await site.store.reading(history.made, head.number + 1, 1)
            backlog = await site.store.reading(receivers.backlogs)
    except (TimeoutError, StoreUnavailable):
        return None
    made = [Made(one.number, one.made_at, one.cause, one.message, one.changed) for one in rows]
    return (made[0] if made else None), backlog
