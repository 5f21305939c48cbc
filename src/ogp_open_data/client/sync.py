"""A nightly run: follow the publisher's changes, prove the copy equal to what was published, mend what is not."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data import terminal
from ogp_open_data.client.copies import Copy, Edits, State
from ogp_open_data.client.opening import opened
from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.publisher import EMPTY, Change, Digests, Publisher, Release, digest_of, root_of
from ogp_open_data.client.wire import Pace, Wire
from ogp_open_data.errors import Refused
from ogp_open_data.records import NOUNS, digest
from ogp_open_data.terminal import Tell

# Where more than a quarter of a noun differs, the whole of it comes in one request.
MOST_MENDED = 4
NAMED = 5


class Difference(Struct, frozen=True):
    """A record whose copy is not what was published: `changed`, `missing` or `foreign`; `file` where only a table is."""

    noun: str
    id: str
    kind: str


class Summary(Struct, frozen=True, kw_only=True):
    """What a run did. `before` (None for a first copy) and `release` are release numbers; `bytes` were received."""

    url: str
    into: str
    verified: bool = False
    before: int | None = None
    release: int = 0
    whole: bool = False
    published: int = 0
    withdrawn: int = 0
    mended: int = 0
    root: str | None = None
    differences: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        return 1 if self.differences else 0

    @property
    def line(self) -> str:
        """The one line that cron mails, or does not."""
        asked = "1 request" if self.requests == 1 else f"{self.requests} requests"
        spent = f"{asked}, {self.bytes / 1000:.1f} kB, {self.seconds:.1f} s"
        if self.differences:
            return f"{self.into} differs from release {self.release} of {self.url}: {self._named()}; {spent}"
        proven = f"equal to release {self.release} of {self.url}, root {(self.root or '')[:12]}"
        unknown = f"; left out what this program does not know: {', '.join(self.unknown)}" if self.unknown else ""
        if self.verified:
            return f"{self.into} is {proven}{unknown}; {spent}"
        how = "whole copy" if self.whole else f"from release {self.before}"
        done = f"{self.published} published, {self.withdrawn} withdrawn, {self.mended} mended"
        return f"{self.into} is {proven}; {how}, {done}{unknown}; {spent}"

    def _named(self) -> str:
        nouns = []
        for noun in dict.fromkeys(one.noun for one in self.differences):
            some = [f"{one.id} ({one.kind})" for one in self.differences if one.noun == noun]
            more = f" and {len(some) - NAMED} more" if len(some) > NAMED else ""
            nouns.append(f"{len(some)} {noun}: {', '.join(some[:NAMED])}{more}")
        return "; ".join(nouns)


def sync(url: str, into: str, verify_only: bool = False, pace: Pace | None = None) -> Summary:
    """`follow` from outside of an event loop, with progress where a person looks on."""
    with terminal.progress("asking") as tell:
        return asyncio.run(follow(url, into, verify_only, pace, tell))


async def follow(
    url: str, into: str, verify_only: bool = False, pace: Pace | None = None, tell: Tell | None = None
) -> Summary:
    """Bring a copy up to the publisher's newest release and prove it; with `verify_only` compare and write nothing.

    `into` is a directory, sqlite:///path or postgresql://…. Raises Refused, and StoreUnavailable where the publisher or the
    database cannot be reached; the copy is then one whole release, this or an earlier one.
    """
    started = time.monotonic()
    async with Wire(url, pace) as wire, opened(into, make=not verify_only) as copy:
        run = _Run(Publisher(wire), copy, tell or terminal.silent, shown(into))
        done = await (run.verify() if verify_only else run.night())
        return replace(done, requests=wire.requests, bytes=wire.bytes, seconds=time.monotonic() - started)


def shown(into: str) -> str:
    """The place of a copy without a password."""
    scheme, colon, rest = into.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}".partition("?")[0] if colon else into


class _Run:
    """One run, and what it has done so far."""

    def __init__(self, publisher: Publisher, copy: Copy, tell: Tell, into: str) -> None:
        self.publisher = publisher
        self.copy = copy
        self.tell = tell
        self.done = Summary(url=publisher.wire.url, into=into)

    async def night(self) -> Summary:
        held = await self.copy.state()
        self.done = replace(self.done, before=held.release if held else None)
        try:
            state = await self._prove(await self._catch_up(held or await self._whole()))
        except _Astray:
            # Another dataset, one that went back, or a copy that will not be mended: once more, from the ground.
            state = await self._from_the_ground()
        state = replace(state, synced_at=now())
        await self.copy.keep(state)
        return replace(self.done, release=state.release, root=state.root)

    async def _from_the_ground(self) -> State:
        try:
            return await self._prove(await self._catch_up(await self._whole()))
        except _Astray as error:
            raise Refused(f"{self.done.url}: {error}, again after a whole copy; ask its publisher") from error

    async def verify(self) -> Summary:
        state = await self.copy.state()
        if state is None:
            raise Refused(f"{self.done.into}: there is no copy yet; run it without --verify first")
        try:
            release = await self._release(state)
        except _Astray as error:
            raise Refused(f"{self.done.into}: {error}; run it without --verify to begin anew") from error
        differences = []
        for noun in NOUNS:
            ours, theirs = await self._both(noun, release)
            differences += [Difference(noun, *one) for one in compared(ours, theirs)]
        named = {one.noun for one in differences}
        differences += [Difference(noun, noun, "file") for noun in await self.copy.stale() if noun not in named]
        return replace(
            self.done, verified=True, release=state.release, root=release.root, differences=tuple(differences)
        )

    async def _whole(self) -> State:
        """A full copy of the newest release, or the rest of one that was begun."""
        state, there, release = await self._begun()
        # The largest first: while its table is written, the others are built.
        left = sorted(NOUNS.keys() - there, key=lambda noun: (-release.counts.get(noun, 0), noun))
        # The next noun is built over there, and on its way, while this one is written.
        coming = {noun: asyncio.create_task(self._rows(noun, release)) for noun in left[:1]}
        try:
            for place, noun in enumerate(left):
                self.tell(f"copying {noun}", len(there) + place, len(NOUNS))
                rows = await coming.pop(noun)
                coming |= {
                    after: asyncio.create_task(self._rows(after, release)) for after in left[place + 1 : place + 2]
                }
                with closing(rows):
                    await self.copy.fill(noun, rows)
                self.done = replace(self.done, published=self.done.published + rows.count)
        finally:
            for task in coming.values():
                task.cancel()
        await self.copy.swap()
        self.done = replace(self.done, whole=True)
        return state

    async def _begun(self) -> tuple[State, set[str], Release]:
        """A full copy that has begun, now or in a run that was cut: its state, its nouns that are there, its release."""
        if laid := await self.copy.laid():
            try:
                return *laid, await self._release(laid[0])
            except _Astray:
                pass
        epoch, release = await self.publisher.newest()
        state = State(url=self.done.url, epoch=epoch, release=release.number)
        await self.copy.lay(state)
        return state, set(), release

    async def _rows(self, noun: str, release: Release) -> Ordered:
        """Every record of a noun, held against the release's digest; single ones that differ are asked for again."""
        if release.digests.get(noun, EMPTY) == EMPTY:
            return Ordered()
        rows = await self.publisher.whole(noun, release.number)
        if rows.digest() == release.digests[noun]:
            return rows
        theirs = await self.publisher.lines(noun, release)
        with closing(rows):
            right = {id: text for id, text in rows if theirs.get(id) == digest(text)}
        right |= await self.publisher.some(noun, release.number, [id for id in theirs if id not in right])
        mended = Ordered()
        for id in theirs:
            if id in right:
                mended.add(id, right[id])
        return mended

    async def _catch_up(self, state: State) -> State:
        """Apply page after page of changes, until one brings nothing."""
        first = state.release
        while True:
            try:
                page = await self.publisher.changes(state.release, state.epoch, state.etag)
            except Refused as error:
                raise astray(error) from error
            if page is None:
                return state
            after = page.meta.next_since
            assert after is not None
            if after == state.release:
                return replace(state, etag=page.etag)
            self.tell("following changes", after - first, page.meta.release - first)
            edits = folded(page.data)
            state = State(url=self.done.url, epoch=state.epoch, release=after)
            await self.copy.apply(edits, state)
            self._count(page.data, edits)

    def _count(self, changes: Sequence[Change], edits: Edits) -> None:
        texts = [text for some in edits.values() for text in some.values()]
        gone = texts.count(None)
        unknown = {one.noun for one in changes} - NOUNS.keys()
        self.done = replace(
            self.done,
            published=self.done.published + len(texts) - gone,
            withdrawn=self.done.withdrawn + gone,
            unknown=tuple(sorted({*self.done.unknown, *unknown})),
        )

    async def _prove(self, state: State) -> State:
        """Hold the copy against the release; mend it where it differs. The digests of a proven release are remembered."""
        if state.root and root_of(state.digests) == state.root:
            release = Release(number=state.release, digests=state.digests, root=state.root)
        else:
            release = await self._release(state)
        edits: dict[str, dict[str, bytes | None]] = {noun: {} for noun in await self.copy.stale()}
        for place, noun in enumerate(NOUNS):
            self.tell(f"proving {noun}", place, len(NOUNS))
            if mended := await self._mended(noun, release):
                edits[noun] = mended
        proven = replace(state, root=release.root, digests=release.digests)
        if edits:
            await self.copy.apply(edits, proven)
            self.done = replace(self.done, mended=self.done.mended + sum(len(some) or 1 for some in edits.values()))
            for noun in edits:
                if await self.copy.digest(noun) != release.digests.get(noun, EMPTY):
                    raise _Astray(f"the copy of {noun} does not become that of release {release.number}")
        unknown = release.digests.keys() - NOUNS.keys()
        self.done = replace(self.done, unknown=tuple(sorted({*self.done.unknown, *unknown})))
        return proven

    async def _mended(self, noun: str, release: Release) -> dict[str, bytes | None]:
        """What must be written and removed for a noun to be the release's."""
        ours, theirs = await self._both(noun, release)
        wanted = [id for id, one in theirs.items() if ours.get(id) != one]
        if len(wanted) * MOST_MENDED > len(theirs):
            missing = set(wanted)
            with closing(await self.publisher.whole(noun, release.number)) as rows:
                found = {id: text for id, text in rows if id in missing}
        else:
            found = await self.publisher.some(noun, release.number, wanted)
        edits: dict[str, bytes | None] = {id: found[id] for id in wanted if id in found}
        return edits | {id: None for id in ours if id not in theirs}

    async def _both(self, noun: str, release: Release) -> tuple[Digests, Digests]:
        """The digests of our records and of theirs, where the noun's digest differs; else of none."""
        if await self.copy.digest(noun) == release.digests.get(noun, EMPTY):
            return {}, {}
        ours = release.substituted(noun, await self.copy.digests(noun))
        if digest_of(ours) == release.digests.get(noun, EMPTY):
            return ours, ours
        return ours, await self.publisher.lines(noun, release)

    async def _release(self, state: State) -> Release:
        """The release that a copy holds, as its publisher tells of it."""
        try:
            epoch, release = await self.publisher.release(state.release)
        except Refused as error:
            raise astray(error) from error
        if epoch is not None and epoch != state.epoch:
            raise _Astray("the publisher has begun another dataset")
        return release


class _Astray(Exception):
    """The copy and the publisher do not belong together any more."""


def astray(error: Refused) -> Exception:
    """What a refusal to tell of our release means: another epoch, or a publisher that went back; else the refusal itself."""
    return _Astray(error.detail) if error.status in (400, 404, 410) else error


def folded(changes: Sequence[Change]) -> dict[str, dict[str, bytes | None]]:
    """The last word on each id, by noun; nouns that this program does not know are left out."""
    edits: dict[str, dict[str, bytes | None]] = {}
    for one in changes:
        if one.noun in NOUNS:
            edits.setdefault(one.noun, {})[one.id] = one.doc or None
    return edits


def compared(ours: Digests, theirs: Digests) -> list[tuple[str, str]]:
    """Id and kind of each difference, by id."""
    found = [(id, "changed" if id in ours else "missing") for id, one in theirs.items() if ours.get(id) != one]
    return sorted([*found, *((id, "foreign") for id in ours if id not in theirs)])


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
