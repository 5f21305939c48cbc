"""What a request asks for before it is looked up: the format, and the release it speaks of."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from litestar.datastructures.headers import Accept

from ogp_open_data.errors import BadRequest, NotAcceptable, NotFound
from ogp_open_data.formats import FORMATS, Format
from ogp_open_data.store import listings, releases
from ogp_open_data.store.releases import Head
from ogp_open_data.web import query
from ogp_open_data.web.answers import Link
from ogp_open_data.web.site import Request, Site

# When nothing was released yet, everything is as old as this.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def negotiated(request: Request, suffix: str | None) -> Format:
    """The format of a request: by suffix, else by Accept. Raises NotAcceptable listing what there is."""
    if suffix is not None:
        return FORMATS[suffix]
    by_type = {one.media_type: one for one in FORMATS.values()}
    accepted = request.headers.get("accept")
    best = Accept(accepted).best_match(list(by_type)) if accepted else "application/json"
    if best is None:
        raise NotAcceptable("ask for one of the media types in `available`", available=list(by_type))
    return by_type[best.partition(";")[0]]


async def release_of(site: Site, as_of: int | date | None) -> Head:
    """The release that a request speaks of, the newest one by default. Raises NotFound where there is no such release."""
    head = await site.store.reading(releases.head)
    if as_of is None or as_of == head.number:
        return head
    number = await _of_day(site, as_of) if isinstance(as_of, date) else as_of
    found = await site.store.reading(listings.release_at, number) if number <= head.number else None
    if found is None:
        raise NotFound(f"there is no release {number}; the newest is {head.number}")
    made_at, counts = found
    return Head(number, made_at, msgspec.json.decode(counts, type=dict[str, int]), {}, {})


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
        begun = f"the first release, {first[0]}, was made on {first[1]}" if first else "nothing was released yet"
        raise NotFound(f"nothing was published by {day}; {begun}")
    return number


def query_string(request: Request, **changed: str | None) -> str:
    """The query of a request with some parameters changed, or left out (None)."""
    given = {name: value for name, value in query.given(request.scope["query_string"]) if name not in changed}
    given |= {name: value for name, value in changed.items() if value is not None}
    return "?" + urlencode(given) if given else ""


def common_links(site: Site, noun: str) -> list[Link]:
    """What every answer about a noun links to."""
    return [
        Link(site.settings.licence_url, "license"),
        Link(site.url(f"/schemas/v1/{noun}.json"), "describedby", "application/schema+json"),
        Link(site.url("/openapi.json"), "service-desc", "application/vnd.oai.openapi+json"),
        Link(site.url("/docs"), "service-doc", "text/html"),
    ]


def about(site: Site) -> dict[str, str]:
    """Licence and attribution, for the meta of an answer."""
    return {"licence": site.settings.licence_url, "attribution": site.settings.publisher}
