"""One release: the writer's lock, what is held, and the rows of a decision. Every change of the dataset goes through here.

lock → head and moment → held → (a pure decision) → rows → publish → commit, or roll back for a dry run
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec import Struct

from ogp_open_data.intake.decide import Decision
from ogp_open_data.intake.edits import Edit
from ogp_open_data.intake.rows import row
from ogp_open_data.records import Finding
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.releases import Document, Head, Held, Release


class Outcome(Struct, frozen=True):
    """What a change did, or would do: `release` is None where nothing changes."""

    document: str
    release: int | None
    edits: list[Edit]
    findings: list[Finding]


class Writing(Struct, frozen=True):
    """A transaction that holds the writer's lock, the release it builds on, and its moment, which never goes back."""

    connection: Connection
    head: Head
    made_at: datetime


class RolledBack(Exception):
    """A dry run ends its transaction by this."""


@asynccontextmanager
async def writing(store: Store, dry_run: bool = False) -> AsyncIterator[Writing]:
    """The only writer until the end of the body; rolled back where the body raises, and always for a dry run."""
    try:
        async with store.writing() as connection:
            head = await releases.lock(connection)
            yield Writing(connection, head, max(datetime.now(UTC), head.made_at or datetime.min.replace(tzinfo=UTC)))
            if dry_run:
                raise RolledBack
    except RolledBack:
        pass


async def held(connection: Connection, directory: Held, commitments: Sequence[str]) -> Held:
    """All plans and organisations, and everything of some commitments."""
    found = await releases.held(connection, commitments)
    return Held(
        records={**directory.records, **found.records},
        versions={**directory.versions, **found.versions},
        withdrawn=directory.withdrawn | found.withdrawn,
        successors={**directory.successors, **found.successors},
        facts=found.facts,
    )


async def publish(
    at: Writing,
    decision: Decision,
    cause: str,
    message: str | None = None,
    source: str | None = None,
    document: Document | None = None,
    empty: bool = False,
) -> int | None:
    """Write the release of a decision, where it changes anything or an empty one is wanted; its number."""
    if not decision.edits and not empty:
        return None
    counts = dict(at.head.counts)
    for edit in decision.edits:
        counts[edit.noun] += (edit.record is not None) - (edit.before is not None)
    release = Release(at.head.number + 1, at.made_at, cause, message, source, counts)
    rows = [row(edit, release.number) for edit in decision.edits]
    await releases.publish(at.connection, release, rows, decision.facts, document)
    return release.number
