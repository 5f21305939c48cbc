"""Documents one after another, a release each: the next are read and decided while those before are being written.

look (what is held of many documents, as of the head) → decide (pure), what is held then follows by itself → write, one statement

What was looked at stays true as long as nobody else publishes, and each statement proves that: it can write only the numbers after
the head that it was decided on. Where somebody did, the documents go the way of a single one, and the rest is looked at again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from time import monotonic
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
from ogp_open_data.intake.releasing import Outcome, Writing, moment, publish_all, together
from ogp_open_data.intake.terms import TERMS, Terms
from ogp_open_data.records import Commitment, Milestone, Organisation, Plan
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.releases import Head, Held, Overtaken, Prepared

# How many documents, and bytes of them, are looked at together: five statements for all of them, before which all that was decided
# has to be written.
AHEAD = 256
ROOM = 16 * 1024 * 1024
# Seconds for which releases are gathered, to be written by one statement and brought to the disk by one commit; others wait for the
# writer's lock for half as long.
GATHER = 0.05
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
        seen = dict(self.seen)
        # A new report is none that a document was found to have made.
        if changed := {edit.id for edit in edits if edit.version > 1}:
            seen = {sha256: ids for sha256, ids in seen.items() if changed.isdisjoint(ids)}
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


class _Ahead:
    """Documents that are read before their turn."""

    def __init__(self, documents: Iterable[Given], vocabulary: Vocabulary) -> None:
        self.given = iter(documents)
        self.vocabulary = vocabulary
        self.waiting: deque[Read] = deque()
        self.size = 0

    def read(self, more: int, most: int) -> bool:
        """Read so many more, as long as no more than `most` wait; whether there were any."""
        if self.size >= ROOM:
            return False
        found = [self._read(one) for one in islice(self.given, max(0, min(more, most - len(self.waiting))))]
        self.waiting.extend(found)
        self.size += sum(map(_size, found))
        return bool(found)

    def _read(self, one: Given) -> Read:
        try:
            return one if isinstance(one, Refused) else understood(one, self.vocabulary)
        except Refused as refusal:
            return refusal

    def next(self) -> Read:
        """The one whose turn it is."""
        one = self.waiting.popleft()
        self.size -= _size(one)
        return one


def _size(one: Read) -> int:
    return 0 if isinstance(one, Refused) else len(one.document.body)


class _Step(Struct, frozen=True):
    """A document with what comes of it, told once it is true: once its release, where it makes one, is on the disk."""

    given: Read
    told: Told
    made: Prepared | None = None


class _Series:
    """What is known between one document and the next, over one connection: what was decided, and what of that is being written."""

    def __init__(self, store: Store, connection: Connection, ahead: _Ahead, terms: Terms) -> None:
        self.store = store
        self.connection = connection
        self.ahead = ahead
        self.terms = terms
        self.known: Known | None = None
        self.decided: list[_Step] = []
        self.since = 0.0
        self.writing: list[_Step] = []
        self.task: asyncio.Task[None] | None = None

    async def take(self, one: Read) -> list[Told]:
        """Decide on a document; gives what came of those before that are on the disk by now.

        Those that are read ahead are looked at together with it where that is necessary.
        """
        told: list[Told] = []
        step = self._step(one)
        if step is None:
            told = await self.end()
            wanted = [one, *self.ahead.waiting]
            self.known = await look(self.connection, [each for each in wanted if isinstance(each, Understood)])
            step = self._step(one)
            assert step is not None, "it was just looked at"
        if not self.decided:
            self.since = monotonic()
        self.decided.append(step)
        if monotonic() - self.since > GATHER:
            told += await self._write()
        return told

    def _step(self, one: Read) -> _Step | None:
        """What comes of a document, by what is known, which follows it; None where that is not enough."""
        if isinstance(one, Refused):
            return _Step(one, one)
        if (known := self.known) is None or one.sha256 not in known.looked:
            return None
        at = Writing(self.connection, known.head, moment(known.head), self.terms.by, dry_run=False)
        if not one.document.answers and one.sha256 in known.seen:
            return _Step(one, unchanged(at, one))
        try:
            about = resolved(one, known.parts[DIRECTORY])
            if not known.parts.keys() >= set(about.commitments):
                return None
            held = together(known.parts[part] for part in (DIRECTORY, *about.commitments))
            outcome, made = concluded(at, about, held, self.terms)
        except Refused as refusal:
            return _Step(one, refusal)
        if made is not None:
            self.known = known.after(outcome.edits, made)
        return _Step(one, outcome, made)

    async def end(self) -> list[Told]:
        """What came of all documents that were not told of yet."""
        return [*await self._write(), *await self._written()]

    async def _write(self) -> list[Told]:
        """Begin to write what was decided; gives what came of what was being written."""
        told = await self._written()
        self.writing, self.decided = self.decided, []
        if made := [step.made for step in self.writing if step.made is not None]:
            self.task = asyncio.create_task(publish_all(self.connection, made))
            # The statement is sent before anything else is done.
            await asyncio.sleep(0)
        return told

    async def _written(self) -> list[Told]:
        """What came of the documents that are being written.

        Where somebody else published meanwhile, or the database refuses one, none of them is written and nothing is known any more:
        each is imported by itself, and so are those that were decided on them.
        """
        task = self.task
        # Nothing else can be done before it is on the disk.
        while task is not None and not task.done():
            await (asyncio.sleep(0) if self.ahead.read(1, 2 * AHEAD) else asyncio.wait([task]))
        self.task = None
        try:
            if task is not None:
                task.result()
            steps, self.writing = self.writing, []
            return [step.told for step in steps]
        except (Overtaken, Refused):
            self.known = None
        steps, self.writing, self.decided = [*self.writing, *self.decided], [], []
        return [await self._by_itself(step.given) for step in steps]

    async def _by_itself(self, one: Read) -> Told:
        if isinstance(one, Refused):
            return one
        try:
            return await import_document(self.store, one.document, self.ahead.vocabulary, terms=self.terms)
        except Refused as refusal:
            return refusal


async def import_all(
    store: Store, documents: Iterable[Given], vocabulary: Vocabulary, terms: Terms = TERMS
) -> AsyncIterator[Told]:
    """Import documents, each as `import_document` would; gives what came of each, in order. What is refused stops nothing.

    What was given is committed. Raises StoreUnavailable where the database is lost.
    """
    ahead = _Ahead(documents, vocabulary)
    async with store.writer() as connection:
        series = _Series(store, connection, ahead, terms)
        ahead.read(1, AHEAD)
        try:
            while ahead.waiting:
                told = await series.take(ahead.next())
                # Four for each, until enough wait: nobody waits for more than the first before it begins.
                ahead.read(4, AHEAD)
                # A large statement is sent piece by piece.
                await asyncio.sleep(0)
                for each in told:
                    yield each
            for each in await series.end():
                yield each
        finally:
            if series.task is not None:
                await asyncio.wait([series.task])
