"""One release: the writer's lock, what is held, and the rows of a decision. Every change of the dataset goes through here.

lock → head and moment → held → (a pure decision) → rows → publish → commit, or roll back for a dry run
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec import Struct

from ogp_open_data.errors import ChangedSince, ConfirmationNeeded
from ogp_open_data.intake.decide import Decision
from ogp_open_data.intake.edits import Edit
from ogp_open_data.intake.questions import Question
from ogp_open_data.intake.rows import row
from ogp_open_data.records import Finding, canonical, digest
from ogp_open_data.store import releases
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


def mark_of(reads: Mapping[str, int]) -> str:
    return digest(canonical(reads))[:12]


class Terms(Struct, frozen=True):
    """On which terms an import is carried out: what it may rest on (`reads`, or their `mark`), and how much it may take back.

    `confirm` is that number as its publisher has typed it; without it `most` records, or that share of all, may change.
    """

    reads: Mapping[str, int] | None = None
    mark: str | None = None
    confirm: int | None = None
    most: int = 20
    share: float = 0.1

    def check(self, head: Head, reads: Mapping[str, int], touched: int) -> None:
        """Raises ChangedSince where another version was read, ConfirmationNeeded where too much would change."""
        if self.reads is not None and self.reads != reads:
            ids = sorted(id for id in {*self.reads, *reads} if self.reads.get(id, 0) != reads.get(id, 0))
            raise ChangedSince(
                f"{', '.join(ids[:5])} changed since; look at what would happen now, then apply that", ids=ids
            )
        if self.mark is not None and self.mark != mark_of(reads):
            raise ChangedSince("what this rests on changed since; look at what would happen now, then apply that")
        total = sum(head.counts.values())
        if touched != self.confirm and touched > max(self.most, self.share * total):
            detail = f"{touched} of {total} records that are published would be changed or withdrawn; if that is meant, confirm it"
            raise ConfirmationNeeded(f"{detail} with the figure {touched}", confirm=touched)


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
