"""The questions that a copy asks of its publisher, and the checks by which an answer is believed: counts and digests."""

from collections.abc import Sequence
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Raw, Struct, field

from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.wire import Damaged, Wire
from ogp_open_data.records import FIRST_NOUNS, NOUNS, Record, digest, url_of

T = TypeVar("T")
# As many ids as the publisher takes in one address, and as many changes as it gives in one page.
MOST_IDS = 200
MOST_CHANGES = 1000
CHUNK = 256 * 1024
EMPTY = digest(b"")
# A record's text and the SHA-256 of its bytes, by id.
Rows = dict[str, bytes]
Digests = dict[str, str]


class Redaction(Struct, frozen=True, kw_only=True):
    """A version that was rewritten, the only thing that ever is: its digest before and after."""

    noun: str
    id: str
    sha256_before: str
    sha256_after: str


class Release(Struct, frozen=True, kw_only=True):
    """A release as its publisher tells of it; `digests` by noun, `plans` by plan id, `root` over all nouns."""

    number: int
    made_at: str | None = None
    cause: str | None = None
    message: str | None = None
    source: str | None = None
    counts: dict[str, int] = {}
    digests: dict[str, str] = {}
    plans: dict[str, str] = {}
    root: str | None = None
    redactions: list[Redaction] = []

    def substituted(self, noun: str, lines: Digests) -> Digests:
        """The digests of a copy, with those of versions that were redacted since in the place of what they were."""
        later = dict(lines)
        for one in self.redactions:
            if one.noun == noun and later.get(one.id) == one.sha256_before:
                later[one.id] = one.sha256_after
        return later


class Change(Struct, frozen=True, kw_only=True):
    """One record published or withdrawn. `doc` is its JSON as served, empty for a withdrawal."""

    noun: str
    id: str
    version: int
    release: int
    action: str
    change_kind: str | None = None
    changed_fields: list[str] = []
    sha256: str | None = None
    reason: str | None = None
    _raw: Raw = field(name="record", default=Raw(b"null"))

    @property
    def doc(self) -> bytes:
        text = bytes(self._raw)
        return b"" if text == b"null" else text

    @property
    def record(self) -> Record | None:
        """The record, None for a withdrawal or a noun that this program does not know."""
        known = NOUNS.get(self.noun)
        return msgspec.json.decode(self.doc, type=known) if self.doc and known else None


class Position(Struct, frozen=True, kw_only=True):
    """Where a page of changes stands: the newest release, the dataset's epoch, and what to ask for next."""

    release: int
    epoch: str
    next_since: int | None = None


class Page(Struct, frozen=True, kw_only=True):
    """A page of changes; it holds whole releases."""

    data: list[Change]
    meta: Position
    links: dict[str, str] = {}
    etag: str | None = None


class _Newest(Struct, frozen=True):
    data: list[Release]
    meta: Position


class _One(Struct, frozen=True):
    data: Release
    meta: dict[str, Any] = {}


class Stamp(Struct, frozen=True):
    """What every record begins with."""

    id: str
    url: str
    version: int
    release: int


class Publisher:
    """The publisher at the other end of a wire, as of what it says itself."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def newest(self) -> tuple[str, Release]:
        """The epoch and the newest release; release 0 where nothing was published yet."""

        async def read(response: httpx.Response) -> tuple[str, Release]:
            said = decoded(await response.aread(), _Newest)
            if not said.data:
                if said.meta.release:
                    raise Damaged(f"it has no release {said.meta.release} in its list")
                return said.meta.epoch, NOTHING
            if said.data[0].number != said.meta.release:
                raise Damaged("its list of releases does not begin with the newest")
            return said.meta.epoch, checked(said.data[0])

        return await self.wire.ask("/v1/releases", {"limit": 1}, read)

    async def release(self, number: int) -> tuple[str | None, Release]:
        """The epoch and one release, its root held against its digests."""
        if number == 0:
            return None, NOTHING

        async def read(response: httpx.Response) -> tuple[str | None, Release]:
            said = decoded(await response.aread(), _One)
            if said.data.number != number:
                raise Damaged(f"it told of release {said.data.number} when asked for {number}")
            return said.meta.get("epoch"), checked(said.data)

        return await self.wire.ask(f"/v1/releases/{number}", {}, read)

    async def lines(self, noun: str, release: Release) -> Digests:
        """The digest of each record of a noun, believed where they give the release's digest."""
        if release.digests.get(noun, EMPTY) == EMPTY:
            return {}

        async def read(response: httpx.Response) -> Digests:
            body = await response.aread()
            if digest(body) != release.digests[noun]:
                raise Damaged(f"the lines of {noun} do not give the digest of release {release.number}")
            return dict(line.split("\t", 1) for line in body.decode().splitlines())

        return await self.wire.ask(f"/v1/releases/{release.number}/{noun}.tsv", {}, read)

    async def whole(self, noun: str, release: int) -> Ordered:
        """Every record of a noun as of a release."""
        return await self._records(noun, {"as_of": release})

    async def some(self, noun: str, release: int, ids: Sequence[str]) -> Rows:
        """Some records of a noun as of a release, 200 a request."""
        found: Rows = {}
        for start in range(0, len(ids), MOST_IDS):
            asked = ",".join(ids[start : start + MOST_IDS])
            found |= dict(await self._records(noun, {"id": asked, "as_of": release}))
        return found

    async def _records(self, noun: str, query: dict[str, Any]) -> Ordered:
        async def read(response: httpx.Response) -> Ordered:
            rows = Ordered()
            try:
                await _take(noun, response, rows)
            except BaseException:
                rows.close()
                raise
            return rows

        return await self.wire.ask(f"/v1/{noun}.ndjson", query, read)

    async def changes(self, since: int, epoch: str, etag: str | None) -> Page | None:
        """The page of changes after a release; None where the tag says that there are none. Gone, BadRequest: begin anew."""

        async def read(response: httpx.Response) -> Page | None:
            if response.status_code == 304:
                return None
            page = decoded(await response.aread(), Page)
            after = page.meta.next_since
            if page.meta.epoch != epoch or after is None or not since <= after <= page.meta.release:
                raise Damaged("the page of changes does not follow the one before")
            for one in page.data:
                check(one)
            return msgspec.structs.replace(page, etag=response.headers.get("etag"))

        headers = {"If-None-Match": etag} if etag else None
        return await self.wire.ask(
            "/v1/changes", {"since": since, "epoch": epoch, "limit": MOST_CHANGES}, read, headers
        )


async def _take(noun: str, response: httpx.Response, rows: Ordered) -> None:
    """Add the records of an answer as they come. Raises Damaged where one is none, or not as many came as were announced."""
    rest = b""
    async for chunk in response.aiter_bytes(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                rows.add(stamp(noun, line).id, line)
    if rest:
        rows.add(stamp(noun, rest).id, rest)
    told = response.headers.get("ogp-row-count")
    if told is not None and told != str(rows.count):
        raise Damaged(f"{rows.count} of {told} records of {noun} arrived")


def decoded(body: bytes, type: type[T]) -> T:
    """JSON as a struct. Raises Damaged."""
    try:
        return msgspec.json.decode(body, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"its answer cannot be read ({error})") from error


def stamp(noun: str, text: bytes) -> Stamp:
    """Id, version and release of a record's text. Raises Damaged where it is no record of the noun."""
    found = decoded(text, Stamp)
    if found.url != url_of(noun, found.id):
        raise Damaged(f"{found.url} stands among {noun}")
    return found


def check(change: Change) -> None:
    """Raise Damaged where a change does not hold together."""
    if (change.action == "withdraw" and change.doc) or (change.action == "publish" and not change.doc):
        raise Damaged(f"{change.id} is withdrawn and published at once")
    # Whatever other word there may come to be: what has no record is gone.
    if not change.doc:
        return
    if digest(change.doc) != change.sha256 or stamp(change.noun, change.doc).id != change.id:
        raise Damaged(f"{change.id} is not what its digest says")


def checked(release: Release) -> Release:
    """A release whose root follows from its digests. Raises Damaged."""
    if release.root != root_of(release.digests):
        raise Damaged(f"the root of release {release.number} does not follow from its digests")
    return release


def digest_of(lines: Digests) -> str:
    """The digest of a noun: over `id TAB sha256 LF`, in the order of the bytes."""
    return digest("".join(sorted(f"{id}\t{one}\n" for id, one in lines.items())).encode())


def root_of(digests: Digests) -> str:
    """The digest of a release: the same over its nouns, the first ones and whatever others it has."""
    return digest_of(dict.fromkeys(FIRST_NOUNS, EMPTY) | digests)


NOTHING = Release(number=0, digests=dict.fromkeys(FIRST_NOUNS, EMPTY), root=root_of({}))
