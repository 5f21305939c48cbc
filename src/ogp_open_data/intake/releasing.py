"""One release: the writer's lock, what is held, and the rows of a decision. Every change of the dataset goes through here.

lock → head and moment → held → (a pure decision) → rows → publish → commit, or roll back for a dry run
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.deciding.world import Decision
from ogp_open_data.intake.questions import Question
from ogp_open_data.intake.rows import row
from ogp_open_data.intake.terms import PROGRAM, Actor, mark_of
from ogp_open_data.records import Finding
from ogp_open_data.store import audit, releases
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.history import Digests
from ogp_open_data.store.releases import Document, Head, Held, Release


class Outcome(Struct, frozen=True):
    """What a change did, or would do: `release` is None where nothing changes, `made` what the release is."""

    document: str
    release: int | None
    edits: list[Edit]
    findings: list[Finding]
    made: "Made | None" = None


class Made(Struct, frozen=True):
    """What an import rested on and comes to: the release before, the version of each record that it read (0: none), how many
    records that stood there it changes, the digests of the release, and what is left to settle."""

    head: int
    reads: dict[str, int]
    touched: int
    digests: Digests | None
    questions: list[Question]

    @property
    def mark(self) -> str:
        """A short digest of what was read, by which somebody asks for exactly this."""
        return mark_of(self.reads)


class Writing(Struct, frozen=True):
    """A transaction that holds the writer's lock, the release it builds on, its moment, which never goes back, and who makes it."""

    connection: Connection
    head: Head
    made_at: datetime
    by: Actor
    dry_run: bool


class RolledBack(Exception):
    """A dry run ends its transaction by this."""


@asynccontextmanager
async def writing(store: Store, dry_run: bool = False, by: Actor = PROGRAM) -> AsyncIterator[Writing]:
    """The only writer until the end of the body; rolled back where the body raises, and always for a dry run."""
    try:
        async with store.writing() as connection:
            head = await releases.lock(connection)
            yield Writing(connection, head, _moment(head), by, dry_run)
            if dry_run:
                raise RolledBack
    except RolledBack:
        pass


def _moment(head: Head) -> datetime:
    """Now, but later than the release before: a feed tells a restored record from its tombstone by the times alone."""
    now = datetime.now(UTC)
    return now if head.made_at is None else max(now, head.made_at + timedelta(microseconds=1))


async def held(connection: Connection, directory: Held, commitments: Sequence[str]) -> Held:
    """All plans and organisations, and everything of some commitments."""
    found = await releases.held(connection, commitments)
    return Held(
        records={**directory.records, **found.records},
        versions={**directory.versions, **found.versions},
        released={**directory.released, **found.released},
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
    subject: str | None = None,
) -> int | None:
    """Write the release of a decision, where it changes anything or an empty one is wanted; its number.

    Who made it goes into the audit trail in the same transaction; `subject` is what it is about: an id, a document's name.
    """
    if not decision.edits and not empty:
        return None
    counts = dict(at.head.counts)
    for edit in decision.edits:
        counts[edit.noun] += (edit.record is not None) - (edit.before is not None)
    release = Release(at.head.number + 1, at.made_at, cause, message, source, counts)
    rows = [row(edit, release.number, document.sha256 if document else None) for edit in decision.edits]
    await releases.publish(at.connection, release, rows, decision.facts, document)
    subject = subject or (document.name if document else None)
    entry = Entry(at.by.name, at.by.address, cause, subject, None if message == subject else message)
    await audit.write(at.connection, entry, release.number)
    return release.number
