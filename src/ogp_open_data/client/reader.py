"""A typed client for readers: walks lists and changes page by page, and gives records as the structs of records.py."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypedDict, TypeVar, Unpack, overload
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from ogp_open_data.client.publisher import Change, Page, Publisher, Release
from ogp_open_data.client.wire import Damaged, Pace, Wire
from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.records import (
    NOUNS,
    Assessment,
    Commitment,
    Milestone,
    Organisation,
    Plan,
    Progress,
    Record,
    Report,
)

R = TypeVar("R")
PAGE = 500


class Asked(TypedDict, total=False):
    """What a list may be asked; which noun takes which is in docs/api.md. Several values stand in a list."""

    as_of: int | date | None
    plan: str | None
    commitment: str | None
    organisation: str | None
    status: str | Sequence[str] | None
    timeliness: str | Sequence[str] | None
    period_from: date | str | None
    period_to: date | str | None
    q: str | None
    id: str | Sequence[str] | None
    sort: str | None


class _List(Struct, Generic[R], frozen=True):
    data: list[R]
    links: dict[str, str] = {}


class _Item(Struct, Generic[R], frozen=True):
    data: R


class Client:
    """One publisher, to be read from.

    `async with Client("https://data.example.org") as c: async for m in c.milestones(plan="nz-nap2"): …`. Faults that may pass
    are tried again, as `pace` says; every error is one of errors.py.
    """

    def __init__(self, url: str, *, pace: Pace | None = None) -> None:
        self._wire = Wire(url, pace)
        self._publisher = Publisher(self._wire)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)

    def plans(self, **asked: Unpack[Asked]) -> AsyncIterator[Plan]:
        return self._list(Plan, "plans", asked)

    def commitments(self, **asked: Unpack[Asked]) -> AsyncIterator[Commitment]:
        return self._list(Commitment, "commitments", asked)

    def milestones(self, **asked: Unpack[Asked]) -> AsyncIterator[Milestone]:
        return self._list(Milestone, "milestones", asked)

    def reports(self, **asked: Unpack[Asked]) -> AsyncIterator[Report]:
        return self._list(Report, "reports", asked)

    def progress(self, **asked: Unpack[Asked]) -> AsyncIterator[Progress]:
        return self._list(Progress, "progress", asked)

    def organisations(self, **asked: Unpack[Asked]) -> AsyncIterator[Organisation]:
        return self._list(Organisation, "organisations", asked)

    def assessments(self, **asked: Unpack[Asked]) -> AsyncIterator[Assessment]:
        return self._list(Assessment, "assessments", asked)

    @overload
    async def get(self, noun: Literal["plans"], id: str, as_of: int | date | None = None) -> Plan: ...
    @overload
    async def get(self, noun: Literal["commitments"], id: str, as_of: int | date | None = None) -> Commitment: ...
    @overload
    async def get(self, noun: Literal["milestones"], id: str, as_of: int | date | None = None) -> Milestone: ...
    @overload
    async def get(self, noun: Literal["reports"], id: str, as_of: int | date | None = None) -> Report: ...
    @overload
    async def get(self, noun: Literal["progress"], id: str, as_of: int | date | None = None) -> Progress: ...
    @overload
    async def get(self, noun: Literal["organisations"], id: str, as_of: int | date | None = None) -> Organisation: ...
    @overload
    async def get(self, noun: Literal["assessments"], id: str, as_of: int | date | None = None) -> Assessment: ...
    async def get(self, noun: str, id: str, as_of: int | date | None = None) -> Record:
        """One record. Raises NotFound where there never was one, Gone where it was withdrawn."""
        if noun not in NOUNS:
            raise NotFound(f"{noun}: there are {', '.join(NOUNS)}")
        item: Any = _Item
        path = f"/v1/{noun}/{quote(id, safe='')}.json"
        found: _Item[Record] = await self._read(path, written({"as_of": as_of}), item[NOUNS[noun]])
        return found.data

    async def release(self, number: int | None = None) -> Release:
        """A release, the newest where none is named; number 0 where nothing was published yet."""
        if number is None:
            return (await self._publisher.newest())[1]
        return (await self._publisher.release(number))[1]

    async def changes(
        self,
        since: int | str = 0,
        until: int | None = None,
        noun: str | None = None,
        plan: str | None = None,
        history: Literal["full"] | None = None,
    ) -> AsyncIterator[Change]:
        """What was published and withdrawn after a release, in order; only the last change of each id without `history`.

        `since` may also be a rehearsal, as "rehearsal-tombstone". Raises BadRequest for a release that does not exist yet,
        Gone where the publisher has begun another dataset: read everything again.
        """
        query: dict[str, str] = written(
            {"since": since, "until": until, "noun": noun, "plan": plan, "history": history, "limit": PAGE}
        )
        while True:
            page = await self._read("/v1/changes", query, Page)
            for change in page.data:
                yield change
            if (after := further(page.links, query)) is None:
                return
            query = after

    async def _list(self, kind: type[R], noun: str, asked: Asked) -> AsyncIterator[R]:
        query = written({**asked, "limit": PAGE})
        while True:
            page = await self._read(f"/v1/{noun}.json", query, _List[kind])  # type: ignore[valid-type]
            for record in page.data:
                yield record
            if (after := further(page.links, query)) is None:
                return
            query = after

    async def _read(self, path: str, query: dict[str, str], kind: type[R]) -> R:
        async def read(response: httpx.Response) -> R:
            body = await response.aread()
            try:
                return msgspec.json.decode(body, type=kind)
            except msgspec.ValidationError as error:
                raise Refused(
                    f"{path}: has what this program does not know ({error}); is there a newer one?"
                ) from error
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise Damaged(f"its answer cannot be read ({error})") from error

        return await self._wire.ask(path, query, read)


def written(asked: dict[str, Any]) -> dict[str, str]:
    """Parameters as text: dates as ISO 8601, several values joined by commas, None left out."""
    return {name: _text(value) for name, value in asked.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int) else ",".join(map(str, value))


def further(links: dict[str, str], query: dict[str, str]) -> dict[str, str] | None:
    """The query of the next page; its host is ours, since a publisher behind a proxy may be known to itself by another."""
    if "next" not in links:
        return None
    after = dict(httpx.URL(links["next"]).params)
    return None if after == query else after
