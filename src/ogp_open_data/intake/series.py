"""Documents one after another, a release each: the next is read and decided while the one before is being written.

look (what is held of many documents, as of the head) → decide (pure) → write, one statement → what is held then follows by itself

What was looked at stays true as long as nobody else publishes, and each statement proves that: it can write only the number after
the head that it was decided on. Where somebody did, the document goes the way of a single one, and the rest is looked at again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.errors import Refused
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.importer import (
    Document,
    Understood,
    concluded,
    import_document,
    resolved,
    unchanged,
    understood,
)
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.intake.releasing import Outcome, Prepared, Writing, moment, publish, together
from ogp_open_data.intake.terms import TERMS, Terms
from ogp_open_data.records import Commitment, Milestone, Organisation, Plan
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.releases import Head, Held, Overtaken

# How many documents, and bytes of them, are looked at together. More would save nothing: it is five statements for all of them.
AHEAD = 64
ROOM = 16 * 1024 * 1024
# Plans and organisations, among commitments by their ids.
DIRECTORY = ""
# A document as it comes, or why there is none; what it claims; and what came of it.
Given = Document | Refused
Read = Understood | Refused
Told = Outcome | Refused


class Known(Struct, frozen=True):
    """What is held as of a release, by commitment; which documents were looked for, and which of them are in it unchanged, with
    the reports they made."""

    head: Head
    parts: dict[str, Held]
    looked: frozenset[str]
    seen: dict[str, list[str]]

    def after(self, edits: Sequence[Edit], made: Prepared) -> Self:
        """What is held once the release of some edits is written."""
        number, document = made.release.number, made.document
        changes: dict[str, tuple[list[Edit], list[Commitment | Milestone]]] = {}
        for edit in edits:
            changes.setdefault(_part(edit), ([], []))[0].append(edit)
        for fact in made.facts:
            part = fact.commitment if isinstance(fact, Milestone) else fact.id
            changes.setdefault(part, ([], []))[1].append(fact)
        changed = {edit.id for edit in edits}
        seen = {sha256: ids for sha256, ids in self.seen.items() if changed.isdisjoint(ids)}
        if document is not None and document.reports:
            seen[document.sha256] = document.reports
        return replace(
            self,
            head=Head(number, made.release.made_at, made.release.counts),
            parts=self.parts | {part: after(self.parts[part], *some, number) for part, some in changes.items()},
            seen=seen,
        )


def _part(edit: Edit) -> str:
    record = edit.record or edit.before
    if record is None or isinstance(record, Plan | Organisation):
        return DIRECTORY
    return record.id if isinstance(record, Commitment) else record.commitment


def after(held: Held, edits: Iterable[Edit], facts: Iterable[Commitment | Milestone], release: int) -> Held:
    """What is held of the same records once some edits and facts are released."""
    records, versions, released = dict(held.records), dict(held.versions), dict(held.released)
    withdrawn, successors = set(held.withdrawn), dict(held.successors)
    for edit in edits:
        versions[edit.id], released[edit.id] = edit.version, release
        successors.pop(edit.id, None)
        if edit.successor is not None:
            successors[edit.id] = edit.successor
        if edit.record is None:
            del records[edit.id]
            withdrawn.add(edit.id)
        else:
            records[edit.id] = replace(edit.record, version=edit.version, release=release)
            withdrawn.discard(edit.id)
    known = held.facts | {fact.id: fact for fact in facts}
    return Held(records, versions, released, frozenset(withdrawn), successors, known)


async def look(connection: Connection, found: Sequence[Understood]) -> Known:
    """What is held now of everything that some documents speak of: five statements, all as of one release."""
    looked = [one.sha256 for one in found]
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        head = await releases.head(connection)
        directory = await releases.directory(connection)
        commitments = dict.fromkeys(id for one in found for id in _commitments(one, directory))
        held = await releases.held(connection, list(commitments))
        seen = await releases.seen(connection, looked)
    return Known(head, {DIRECTORY: directory, **held}, frozenset(looked), seen)


def _commitments(one: Understood, directory: Held) -> list[str]:
    try:
        return resolved(one, directory).commitments
    except Refused:
        # That is told when its turn comes; a document before it may bring what it lacks.
        return []


class _Written(Struct, frozen=True):
    """A document whose release is on its way, and what will have come of it."""

    document: Document
    outcome: Outcome
    task: asyncio.Task[int | None]


class _Series:
    """What is known between one document and the next, over one connection."""

    def __init__(self, store: Store, connection: Connection, vocabulary: Vocabulary, terms: Terms) -> None:
        self.store = store
        self.connection = connection
        self.vocabulary = vocabulary
        self.terms = terms
        self.known: Known | None = None
        self.written: _Written | None = None

    async def take(self, one: Understood, waiting: Iterable[Read]) -> list[Told]:
        """Begin to write what comes of a document; gives what came of the one before, and of this one where nothing is written.

        `waiting` are those after it, which are looked at together with it where that is necessary.
        """
        step = self._concluded(one)
        told = await self.end()
        if step is None or self.known is None:
            self.known = await look(self.connection, [one, *(n for n in waiting if isinstance(n, Understood))])
            step = self._concluded(one)
            assert step is not None, "it was just looked at"
        if isinstance(step, Refused):
            return [*told, step]
        at, outcome, made = step
        if made is None:
            return [*told, outcome]
        self.known = self.known.after(outcome.edits, made)
        self.written = _Written(one.document, outcome, asyncio.create_task(publish(at, made)))
        # The statement is sent before anything else is done.
        await asyncio.sleep(0)
        return told

    def _concluded(self, one: Understood) -> tuple[Writing, Outcome, Prepared | None] | Refused | None:
        """What comes of a document, by what is known; None where that is not enough."""
        if (known := self.known) is None or one.sha256 not in known.looked:
            return None
        at = Writing(self.connection, known.head, moment(known.head), self.terms.by, dry_run=False)
        if not one.document.answers and one.sha256 in known.seen:
            return at, unchanged(at, one), None
        try:
            about = resolved(one, known.parts[DIRECTORY])
            if not known.parts.keys() >= set(about.commitments):
                return None
            held = together(known.parts[part] for part in (DIRECTORY, *about.commitments))
            return at, *concluded(at, about, held, self.terms)
        except Refused as refusal:
            return refusal

    async def end(self) -> list[Told]:
        """What came of the document that is on its way, if there is one.

        Where somebody else published meanwhile, nothing is known any more, and it is imported by itself.
        """
        written, self.written = self.written, None
        if written is None:
            return []
        try:
            await written.task
            return [written.outcome]
        except (Overtaken, Refused):
            self.known = None
        try:
            return [await import_document(self.store, written.document, self.vocabulary, terms=self.terms)]
        except Refused as refusal:
            return [refusal]


async def import_all(
    store: Store, documents: Iterable[Given], vocabulary: Vocabulary, terms: Terms = TERMS
) -> AsyncIterator[Told]:
    """Import documents, each as `import_document` would; gives what came of each, in order. What is refused stops nothing.

    What was given is committed. Raises StoreUnavailable where the database is lost.
    """
    given = iter(documents)
    waiting = deque(_read(given, vocabulary, 1))
    async with store.writer() as connection:
        series = _Series(store, connection, vocabulary, terms)
        try:
            while waiting:
                one = waiting.popleft()
                told = [*await series.end(), one] if isinstance(one, Refused) else await series.take(one, waiting)
                # Two for each, until enough wait: nobody waits for more than the first before it begins.
                if sum(_size(n) for n in waiting) < ROOM:
                    waiting.extend(_read(given, vocabulary, min(2, AHEAD - len(waiting))))
                for each in told:
                    yield each
            for each in await series.end():
                yield each
        finally:
            if series.written is not None:
                await asyncio.wait([series.written.task])


def _read(given: Iterator[Given], vocabulary: Vocabulary, most: int) -> Iterator[Read]:
    """The next documents, read."""
    for one in islice(given, most):
        try:
            yield one if isinstance(one, Refused) else understood(one, vocabulary)
        except Refused as refusal:
            yield refusal


def _size(one: Read) -> int:
    return 0 if isinstance(one, Refused) else len(one.document.body)
