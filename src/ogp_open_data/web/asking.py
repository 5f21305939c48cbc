"""What a request asks for before it is looked up: the format, and the release it speaks of."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from ogp_open_data.errors import BadRequest, NotAcceptable, NotFound
from ogp_open_data.formats import FORMATS, MISSING, Format, to_csvw
from ogp_open_data.formats.about import About
from ogp_open_data.records import NOUNS
from ogp_open_data.store import listings, single
from ogp_open_data.store.releases import Head, counted
from ogp_open_data.web import query
from ogp_open_data.web.answers import Link
from ogp_open_data.web.site import Request, Site

# When nothing was released yet, everything is as old as this.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# What the program says of itself changes with the program only; this is when its present contract was made.
MADE = datetime(2026, 11, 24, tzinfo=UTC)
MOST_INCLUDED = 5000
# A link that repeats a longer query than this would make the header longer than proxies take.
LONGEST_REPEATED = 400


def negotiated(request: Request, suffix: str | None) -> Format:
    """The format of a request: by suffix, else by Accept. Raises NotAcceptable listing what there is, and NotFound."""
    if suffix in MISSING:
        known = ", ".join(f".{one}" for one in FORMATS)
        raise NotFound(f"this server cannot write .{suffix}; there are {known}. Whoever runs it can: {MISSING[suffix]}")
    if suffix is not None:
        return FORMATS[suffix]
    ranges = _weights(accepted(request) or "*/*")
    best = max(FORMATS.values(), key=lambda one: _weight(ranges, one.media_type))
    if _weight(ranges, best.media_type) == 0:
        available = [one.media_type for one in FORMATS.values()]
        raise NotAcceptable("ask for one of the media types in `available`", available=available)
    return best


def field(request: Request, name: bytes) -> str | None:
    """The fields of a name, as one; None where there is none. (Litestar would read all fields, to give one: 0.02 ms of 0.3.)"""
    values = [value.decode("latin-1") for one, value in request.scope["headers"] if one == name]
    return ",".join(values) if values else None


def accepted(request: Request) -> str:
    """The Accept fields of a request, as one."""
    return field(request, b"accept") or ""


def weight(accepted: str, media_type: str) -> float:
    """How much an Accept field wants a media type, 0 to 1: its most specific range counts (RFC 9110, 12.5.1)."""
    return _weight(_weights(accepted), media_type)


def _weight(ranges: Mapping[str, float], media_type: str) -> float:
    found = ranges.get(media_type)
    if found is None:
        found = ranges.get(f"{media_type.partition('/')[0]}/*")
    return ranges.get("*/*", 0.0) if found is None else found


def _weights(accepted: str) -> dict[str, float]:
    """The ranges of an Accept field."""
    found: dict[str, float] = {}
    for part in accepted.split(","):
        name, *parameters = (one.strip().lower() for one in part.split(";"))
        quality = next((one[2:].strip() for one in parameters if one.startswith("q=")), None)
        found[name] = 1.0 if quality is None else _quality(quality)
    return found


def _quality(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text) else 0.0


async def release_of(site: Site, as_of: int | date | None) -> Head:
    """The release that a request speaks of, the newest one by default. Raises NotFound where there is no such release."""
    head = await site.head(as_of if isinstance(as_of, int) else 0)
    if as_of is None or as_of == head.number:
        return head
    if as_of == 0:
        return Head(0, None, dict.fromkeys(NOUNS, 0))
    number = await _of_day(site, as_of) if isinstance(as_of, date) else as_of
    if number > head.number:
        raise NotFound(f"there is no release {number}; the newest is {head.number}")
    made_at, counts = await site.release(number)
    return Head(number, made_at, counted(counts))


async def _of_day(site: Site, day: date) -> int:
    """The last release made up to the end of a day in the publisher's country."""
    zone = ZoneInfo(site.settings.time_zone)
    if day > datetime.now(zone).date():
        fault = {"parameter": "as_of", "detail": "it is in the future"}
        raise BadRequest(f"as_of: {day} is in the future", errors=[fault])
    # Nothing was published in times before time zones, whose instants PostgreSQL and Python count apart.
    end = datetime.combine(max(day, EPOCH.date()) + timedelta(days=1), time(), zone)
    number = await site.store.reading(listings.release_before, end)
    if number is None:
        first = await site.store.reading(listings.first_release)
        begun = "nothing was released yet"
        if first:
            begun = f"the first release, {first[0]}, was made on {first[1].astimezone(zone).date()}"
        raise NotFound(f"nothing was published by {day}; {begun}")
    return number


async def belonging(
    site: Site, nouns: Sequence[str], noun: str, release: int, docs: Sequence[bytes]
) -> list[tuple[str, bytes]] | None:
    """What belongs to some records, where that is asked for. Raises BadRequest where it is too much for one answer."""
    if not nouns:
        return None
    found = await site.store.reading(single.belonging, nouns, noun, release, docs, MOST_INCLUDED)
    if len(found) > MOST_INCLUDED:
        detail = f"more than {MOST_INCLUDED:,} records belong to this page; ask for fewer records, or list those nouns"
        raise BadRequest(f"include: {detail}", errors=[{"parameter": "include", "detail": detail}])
    return found


def query_string(request: Request, **changed: str | None) -> str:
    """The query of a request with some parameters changed, or left out (None)."""
    given = {name: value for name, value in query.given(request.scope["query_string"]) if name not in changed}
    given |= {name: value for name, value in changed.items() if value is not None}
    return "?" + urlencode(given) if given else ""


def common_links(site: Site, noun: str | None = None, format: Format | None = None) -> list[Link]:
    """What every answer links to, and where it is about a noun what describes that noun's records, or a CSV of them."""
    schema = Link(site.url(f"/schemas/v1/{noun}.json"), "describedby", "application/schema+json")
    if format is not None and format.suffix == "csv":
        schema = Link(site.url(f"/v1/{noun}.csv-metadata.json"), "describedby", to_csvw.MEDIA_TYPE)
    # First: a validator of CSVW reads no further.
    return [
        *([schema] if noun else []),
        Link(site.settings.licence_url, "license"),
        Link(site.url("/openapi.json"), "service-desc", "application/vnd.oai.openapi+json"),
        Link(site.url("/docs"), "service-doc", "text/html"),
    ]


def list_links(site: Site, format: Format, noun: str, request: Request, links: dict[str, str]) -> list[Link]:
    """The links of a list in its header: its pages, and its other formats, as far as a header has room."""
    rest = query_string(request, **dict.fromkeys(("cursor", "include", "fields", "limit", "bom")))
    others = {
        f"{site.url(f'/v1/{noun}.{one.suffix}')}{rest}": one.media_type for one in FORMATS.values() if one is not format
    }
    found = [Link(href, rel, format.media_type) for rel, href in links.items()]
    found += [Link(href, "alternate", media_type) for href, media_type in others.items()]
    return found if len(rest) <= LONGEST_REPEATED else [link for link in found if link.rel == "next"]


def about(site: Site) -> dict[str, str]:
    """Licence and attribution, for the meta of an answer."""
    return {"licence": site.settings.licence_url, "attribution": site.settings.publisher}


def about_file(site: Site, title: str, release: int, made_at: datetime, address: str) -> About:
    """Licence, attribution and origin, for a file that says so itself."""
    return About(
        title=title,
        release=release,
        made_at=made_at,
        publisher=site.settings.publisher,
        licence_name=site.settings.licence_name,
        licence_url=site.settings.licence_url,
        address=address,
    )
