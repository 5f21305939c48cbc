"""Whether this process can do its work: one look at what it needs, and what each check makes of it."""

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from msgspec import Struct

from ogp_open_data.store import migrate
from ogp_open_data.store.standing import Standing, standing
from ogp_open_data.web.reads.history import next_expected
from ogp_open_data.web.site import Site

OK, DEGRADED, FAILED = "ok", "degraded", "failed"
# Seconds: who asks whether we are ready asks again soon, and gives up soon.
PATIENCE = 2.0
# Seconds without word of the newest release, which otherwise comes twice a second.
SILENT = 5.0
# Seconds after which the release of the day is missing; the alert ReleaseMissing has the same grace.
OVERDUE = 5400.0
# Bytes: less than this is gone with the next table that is built.
LEAST_FREE = 256 * 1024 * 1024


class Check(Struct, frozen=True, omit_defaults=True):
    """What one check found: `state` is OK, DEGRADED (readers are answered, but something is wrong) or FAILED (they are not).

    Its words are ours alone: no name of a host, an account or a file, for anybody may read them.
    """

    name: str
    state: str
    detail: str
    remedy: str | None = None


class Look(Struct, frozen=True):
    """What there is to be seen at one moment. `servers` are those that reads are tried at, the primary last, None for one that does
    not answer; `known` is the newest release that this process knows, `heard` how many seconds ago it heard of it; `late` is how
    many seconds the next release is overdue; `free` the room for finished files in bytes, None where none can be written."""

    servers: Sequence[Standing | None]
    migrations: Sequence[str]
    known: int | None
    heard: float | None
    late: float
    free: int | None


async def look(site: Site) -> Look:
    """Look at everything at once; takes no longer than PATIENCE."""
    first = asyncio.create_task(site.head())
    servers = await site.store.reading_each(partial(standing, known=site.store.floor), PATIENCE)
    if first.done():
        # What it raises is seen in the servers.
        first.exception()
    first.cancel()
    head = site.known_head
    due = next_expected(site, head.made_at) if head else None
    return Look(
        servers=servers,
        migrations=[name for name, _ in migrate.migrations()],
        known=head.number if head else None,
        heard=None if site.heard_at is None else monotonic() - site.heard_at,
        late=(datetime.now(UTC) - due).total_seconds() if due else 0.0,
        free=_free(site.files.path),
    )


def _free(directory: Path) -> int | None:
    """Bytes that a directory has room for; None where nothing can be written there."""
    try:
        return shutil.disk_usage(directory).free if os.access(directory, os.W_OK) else None
    except OSError:
        return None


def checked(seen: Look) -> list[Check]:
    """Every check, in the order in which one looks for a fault."""
    return [check(seen) for check in CHECKS]


def worst(checks: Sequence[Check]) -> str:
    """The state of the whole."""
    return max((one.state for one in checks), key=(OK, DEGRADED, FAILED).index)


def _readers(seen: Look) -> Check:
    name, answering = "database_readers", [one for one in seen.servers if one is not None]
    current = [one for one in answering if one.current]
    remedy = "See database.away in the log; look whether PostgreSQL runs and takes connections, then at the settings DATABASE_*URL."
    if not answering:
        return Check(name, FAILED, f"no database answered within {PATIENCE:.0f} seconds", remedy)
    if not current:
        return Check(name, FAILED, "no database has the newest release that was seen here", remedy)
    if seen.servers[0] is None:
        return Check(name, DEGRADED, "the replica does not answer; reads go to the primary", remedy)
    if not seen.servers[0].current:
        behind = (seen.known or 0) - seen.servers[0].newest
        if behind <= 0:
            remedy = "Copy the primary anew (pg_basebackup or pg_rewind): this server did not follow it when it was promoted."
            return Check(name, DEGRADED, "the replica has another history; reads go to the primary", remedy)
        remedy = "Look at pg_stat_replication on the primary."
        return Check(name, DEGRADED, f"the replica is {behind} releases behind; reads go to the primary", remedy)
    return Check(name, OK, "reads are answered")


def _writer(seen: Look) -> Check:
    name, primary = "database_writer", seen.servers[-1]
    if primary is None:
        remedy = "Nothing can be published. Look whether the primary runs, or promote a replica and point DATABASE_URL at it."
        return Check(name, DEGRADED, f"the primary did not answer within {PATIENCE:.0f} seconds", remedy)
    if primary.read_only:
        remedy = (
            "Nothing can be published. DATABASE_URL has to lead to the primary: promote this server, or name the other."
        )
        return Check(name, DEGRADED, "the server for writes is a standby, or takes no writes", remedy)
    if not primary.current:
        remedy = (
            "Bring back the server that has it; where it is lost, run `ogp-open-data migrate --new-epoch`: copies are "
            "then taken afresh."
        )
        return Check(
            name, DEGRADED, f"the primary lacks release {seen.known}, which was published: none is added", remedy
        )
    return Check(name, OK, "the primary takes writes")


def _migrations(seen: Look) -> Check:
    name, answering = "migrations", [one for one in seen.servers if one is not None]
    if not answering:
        return Check(name, FAILED, "no database answers, so nobody knows")
    done = set(answering[-1].migrations)
    if missing := [one for one in seen.migrations if one not in done]:
        return Check(name, FAILED, f"{len(missing)} are not done, from {missing[0]} on", "Run `ogp-open-data migrate`.")
    if len(done) > len(seen.migrations):
        return Check(
            name, DEGRADED, "a newer program has changed the tables", "Finish its roll-out: start it here too."
        )
    return Check(name, OK, f"all {len(done)} are done")


def _head(seen: Look) -> Check:
    remedy = "See database.away and loop.failed in the log; what is served may be old."
    if seen.known is None or seen.heard is None:
        return Check("head", FAILED, "this process has not seen any release yet", remedy)
    if seen.heard > SILENT:
        detail = f"this process heard of the newest release {seen.heard:.0f} seconds ago, not since"
        return Check("head", DEGRADED, detail, remedy)
    return Check("head", OK, f"release {seen.known} is the newest")


def _daily(seen: Look) -> Check:
    if seen.late > OVERDUE:
        remedy = "See daily.failed in the log; `ogp-open-data release` makes it by hand."
        return Check("daily_release", DEGRADED, f"it is {seen.late / 3600:.1f} hours overdue", remedy)
    return Check("daily_release", OK, "none is overdue")


def _disk(seen: Look) -> Check:
    if seen.free is None:
        remedy = "Give the program a directory that it may write to (FILES_DIR); whole tables are not served meanwhile."
        return Check("disk", DEGRADED, "finished files cannot be written", remedy)
    if seen.free < LEAST_FREE:
        remedy = "Make room, or set FILES_BYTES lower; finished files may be deleted at any time."
        return Check("disk", DEGRADED, f"{seen.free // 1024**2} MiB are left for finished files", remedy)
    return Check("disk", OK, f"{seen.free // 1024**2} MiB are left for finished files")


CHECKS: tuple[Callable[[Look], Check], ...] = (_readers, _writer, _migrations, _head, _daily, _disk)
