"""Memento (RFC 7089), the past by date: a list or record is its own TimeGate, its address with `as_of=<release>` a Memento."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import litestar
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest, NotFound
from ogp_open_data.records import url_of
from ogp_open_data.store import history, listings
from ogp_open_data.store.single import At
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, VARY, Link, Representation, answer, http_date
from ogp_open_data.web.asking import common_links, field, query_string
from ogp_open_data.web.site import Request, Response, Site, site_of

HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
LINK_FORMAT = "application/link-format"
MOST_MEMENTOS = 1000

# Release and moment of a Memento.
Moment = tuple[int, datetime]


async def redirected(
    request: Request, site: Site, noun: str, id: str | None, as_of: int | date | None
) -> Response | None:
    """302 to the Memento of the asked-for time; None where no time is asked for, or the address is a Memento already."""
    text = field(request, b"accept-datetime")
    moment = _read(text) if text is not None else None
    if moment is None or as_of is not None:
        return None
    release = await _release_at(site, moment, noun, id)
    location = site.base + request.scope["path"] + query_string(request, as_of=str(release), cursor=None)
    headers = {"location": location, "vary": VARY, "cache-control": CURRENT}
    headers["link"] = ", ".join(map(str, _past(site, request, noun, id)))
    return litestar.Response(content=None, status_code=302, headers=headers)


def _read(text: str) -> datetime:
    """An Accept-Datetime. Raises BadRequest where it is no HTTP date."""
    try:
        if HTTP_DATE.fullmatch(text):
            return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadRequest("Accept-Datetime: give it as Tue, 24 Nov 2026 09:00:00 GMT")


async def _release_at(site: Site, moment: datetime, noun: str, id: str | None) -> int:
    """The release of the Memento for a moment: the last one by then, else the first. Raises NotFound where there is none."""
    # Mementos tell their time in whole seconds, so one that is asked for by its own time must be found.
    number = await site.store.reading(listings.release_before, _second_after(moment))
    if id is None:
        if number is None and await site.store.reading(listings.first_release) is None:
            raise NotFound("nothing was released yet")
        return number or 1
    versions = await _versions(site, noun, id)
    if not versions:
        raise NotFound(f"there is no {noun} record with the id {id[:200]}; /v1/{noun} lists them")
    return max((release for release, _ in versions if release <= (number or 0)), default=versions[0][0])


def _second_after(moment: datetime) -> datetime:
    return min(max(moment, datetime(1900, 1, 1, tzinfo=UTC)), datetime(9000, 1, 1, tzinfo=UTC)) + timedelta(seconds=1)


async def _versions(site: Site, noun: str, id: str) -> list[Moment]:
    """When each version of a record was published, withdrawals left out."""
    found = await site.store.reading(history.versions, noun, id)
    return [(one.release, one.made_at) for one in found if not one.withdrawn]


def _past(site: Site, request: Request, noun: str, id: str | None) -> list[Link]:
    """What every answer of a list or record says of its past."""
    original = site.base + request.scope["path"] + query_string(request, as_of=None, cursor=None)
    return [Link(original, "original timegate"), Link(_map_of(site, noun, id), "timemap", LINK_FORMAT)]


def _map_of(site: Site, noun: str, id: str | None) -> str:
    return site.url(f"{url_of(noun, id) if id else f'/v1/{noun}'}/timemap")


def of_list(
    request: Request, site: Site, noun: str, as_of: int | date | None, made_at: datetime
) -> tuple[list[Link], dict[str, str]]:
    """Links of a list to its past, and of a Memento its time as a header field. Its neighbours are in the TimeMap only: what
    `next` leads to is the next page."""
    return _past(site, request, noun, None), {"memento-datetime": http_date(made_at)} if isinstance(as_of, int) else {}


async def of_record(
    request: Request, site: Site, at: At, as_of: int | date | None
) -> tuple[list[Link], dict[str, str]]:
    """Links of a record to its past; of a Memento to its neighbours too, and its time as a header field."""
    links = _past(site, request, at.noun, at.id)
    if not isinstance(as_of, int):
        return links, {}
    moments = await _versions(site, at.noun, at.id)
    here = moments.index((at.release, at.made_at))
    near = {here - 1: "prev ", here: "", here + 1: "next "}
    mementos = enumerate(_mementos(site, request, moments))
    links += [
        replace(link, rel=near.get(i, "") + link.rel) for i, link in mementos if i in near or link.rel != "memento"
    ]
    return links, {"memento-datetime": http_date(at.made_at)}


def _mementos(site: Site, request: Request, moments: Sequence[Moment]) -> list[Link]:
    """A link to each Memento of the resource that was asked for."""
    address = site.base + request.scope["path"].removesuffix("/timemap")
    rels = ["memento"] * len(moments)
    for i, name in ((-1, "last"), (0, "first")):
        rels[i] = f"{name} {rels[i]}"
    asked = [query_string(request, as_of=str(number), cursor=None, before=None) for number, _ in moments]
    return [Link(address + query, rel, None, at) for query, rel, (_, at) in zip(asked, rels, moments, strict=True)]


async def timemap(request: Request, noun: str, name: str | None = None) -> Response:
    """`/v1/{noun}/timemap` and `/v1/{noun}/{id}/timemap`: every Memento, of a list at most 1000 and where the older ones are."""
    asked = query.read(query.given(request.scope["query_string"]), query.TIMEMAP if name is None else {})
    site = site_of(request)
    older: list[Link] = []
    if name is None:
        made = await site.store.reading(history.made, asked.before or 2**62, MOST_MEMENTOS + 1)
        moments = [(one.number, one.made_at) for one in reversed(made[:MOST_MEMENTOS])]
        if len(made) > MOST_MEMENTOS:
            href = f"{_map_of(site, noun, None)}?before={moments[0][0]}"
            older = [Link(href, "timemap", LINK_FORMAT)]
    else:
        moments = await _versions(site, noun, name)
    if not moments:
        raise NotFound(f"nothing was published of {name or noun}; /v1/{noun} lists what was")
    original = Link(site.url(url_of(noun, name) if name else f"/v1/{noun}"), "original timegate")
    own = Link(_map_of(site, noun, name) + query_string(request), "self", LINK_FORMAT)
    body = ",\n".join(map(str, [original, own, *older, *_mementos(site, request, moments)])) + "\n"
    one = Representation(
        content_type=LINK_FORMAT, body=body.encode(), last_modified=moments[-1][1], links=common_links(site)
    )
    return answer(request, one)
