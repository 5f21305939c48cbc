"""One release: the writer's lock, what is held, and the rows of a decision. Every change of the dataset goes through here.

lock → head and moment → held → (a pure decision) → rows → publish → commit, or roll back for a dry run
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec import Struct

from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.deciding.world import Decision
from ogp_open_data.intake.questions import Question
from ogp_open_data.intake.rows import row
from ogp_open_data.intake.terms import PROGRAM, Actor, mark_of
from ogp_open_data.records import Finding
from ogp_open_data.store import releases
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.history import Digests
from ogp_open_data.store.releases import Document, Head, Held, Prepared, Release
from ogp_open_data.tracing import span

T = TypeVar("T")


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
    """A connection, as a rule in a transaction with the writer's lock, the release that is built on, the moment of the next, which
    never goes back, and who makes it."""

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
            yield Writing(connection, head, moment(head), by, dry_run)
            if dry_run:
                raise RolledBack
    except RolledBack:
        pass


def moment(head: Head) -> datetime:
    """Now, but later than the release before: a feed tells a restored record from its tombstone by the times alone."""
    now = datetime.now(UTC)
    return now if head.made_at is None else max(now, head.made_at + timedelta(microseconds=1))


async def held(connection: Connection, directory: Held, commitments: Sequence[str]) -> Held:
    """All plans and organisations, and everything of some commitments."""
    return together([directory, *(await releases.held(connection, commitments)).values()])


def together(parts: Iterable[Held]) -> Held:
    """What is held of several parts of the records."""
    found = list(parts)
    return Held(
        records=_merged(one.records for one in found),
        versions=_merged(one.versions for one in found),
        released=_merged(one.released for one in found),
        withdrawn=frozenset().union(*(one.withdrawn for one in found)),
        successors=_merged(one.successors for one in found),
        facts=_merged(one.facts for one in found),
    )


def _merged(parts: Iterable[dict[str, T]]) -> dict[str, T]:
    merged: dict[str, T] = {}
    for one in parts:
        merged |= one
    return merged


def prepared(
    at: Writing,
    decision: Decision,
    cause: str,
    message: str | None = None,
    source: str | None = None,
    document: Document | None = None,
    empty: bool = False,
    subject: str | None = None,
) -> Prepared | None:
    """The release of a decision, where it changes anything or an empty one is wanted. Pure.

    `subject` is what it is about, for the audit trail: an id, a document's name.
    """
    if not decision.edits and not empty:
        return None
    counts = dict(at.head.counts)
    for edit in decision.edits:
        counts[edit.noun] += (edit.record is not None) - (edit.before is not None)
    release = Release(at.head.number + 1, at.made_at, cause, message, source, counts)
    rows = [row(edit, release.number, document.sha256 if document else None) for edit in decision.edits]
    subject = subject or (document.name if document else None)
    entry = Entry(at.by.name, at.by.address, cause, subject, None if message == subject else message)
    return Prepared(release, rows, decision.facts, document, entry)


async def publish(at: Writing, made: Prepared | None) -> int | None:
    """Write a release, where there is one to write, with who made it in the same transaction; its number."""
    if made is None:
        return None
    await publish_all(at.connection, [made])
    return made.release.number


async def publish_all(connection: Connection, made: Sequence[Prepared]) -> None:
    """Write releases that follow each other, all or none."""
    last = made[-1].release
    with span("release", number=last.number, cause=last.cause, records=sum(len(one.rows) for one in made)):
        await releases.publish(connection, made)
