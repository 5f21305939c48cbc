"""Lists and single records in every format: the request's question, the store's rows, the format's bytes."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar.datastructures.headers import Accept
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest, Gone, NotAcceptable, NotFound
from ogp_open_data.formats import FORMATS, Format, to_csv, to_feed, to_json
from ogp_open_data.records import url_of
from ogp_open_data.store import listings, releases
from ogp_open_data.store.listings import At, Found, Listing
from ogp_open_data.web import cursors, query
from ogp_open_data.web.answers import CURRENT, PINNED, Link, Representation, answer, etag_of
from ogp_open_data.web.query import Query
from ogp_open_data.web.site import Request, Response, Site

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Bulk answers up to this many rows are made whole, with their length; beyond it they stream.
WHOLE = listings.BATCH


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


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


async def resolved(request: Request, as_of: int | date | None) -> tuple[int, datetime]:
    """Number and time of the release that a request speaks of; 0 and an epoch where nothing was released yet."""
    site = site_of(request)
    head = await site.store.reading(releases.head)
    if as_of is None or as_of == head.number:
        return head.number, head.made_at or EPOCH
    if isinstance(as_of, date):
        as_of = await _of_day(site, as_of)
    found = await site.store.reading(listings.release_at, as_of) if as_of <= head.number else None
    if found is None:
        raise NotFound(f"there is no release {as_of}; the newest is {head.number}")
    return as_of, found[0]


async def _of_day(site: Site, day: date) -> int:
    """The last release made up to the end of a day in the publisher's country."""
    zone = ZoneInfo(site.settings.time_zone)
    if day > datetime.now(zone).date():
        raise BadRequest(
            f"as_of: {day} is in the future", errors=[{"parameter": "as_of", "detail": "it is in the future"}]
        )
    # Nothing was published in times before time zones, whose instants PostgreSQL and Python count apart.
    end = datetime.combine(max(day, EPOCH.date()) + timedelta(days=1), time(), zone)
    number = await site.store.reading(listings.release_before, end)
    if number is None:
        first = await site.store.reading(listings.first_release)
        begun = f"the first release, {first[0]}, was made on {first[1]}" if first else "nothing was released yet"
        raise NotFound(f"nothing was published by {day}; {begun}")
    return number


async def list_records(request: Request, noun: str, suffix: str | None) -> Response:
    """A list of a noun."""
    format = negotiated(request, suffix)
    asked = query.read(query.given(request.scope["query_string"]), query.parameters(noun, format))
    place = cursors.decode(asked.cursor) if asked.cursor else None
    number, made_at = await resolved(request, place.release if place and asked.as_of is None else asked.as_of)
    listing = Listing(
        noun=noun,
        release=number,
        filter=asked.filter,
        sort=asked.sort,
        descending=asked.descending,
        limit=asked.limit or query.DEFAULT_LIMIT.get(format.suffix),
    )
    if place is not None:
        listing = replace(listing, after=cursors.after(place, listing))
    site = site_of(request)
    total, digest = await site.total(listing)
    make = _bulk if format.bulk else _paged
    one = await make(request, site, format, listing, asked, made_at, total, digest)
    pinned = PINNED if isinstance(asked.as_of, int) else CURRENT
    location = site.url(f"/v1/{noun}.{format.suffix}") + (f"?{request.url.query}" if request.url.query else "")
    return answer(request, replace(one, cache_control=pinned, location=None if suffix else location))


async def _paged(
    request: Request,
    site: Site,
    format: Format,
    listing: Listing,
    asked: Query,
    made_at: datetime,
    total: int,
    digest: str,
) -> Representation:
    """One page of a list, as JSON or Atom."""
    assert listing.limit is not None
    rows = await site.store.reading(listings.page, replace(listing, limit=listing.limit + 1))
    found, more = rows[: listing.limit], len(rows) > listing.limit
    self_url = site.url(f"/v1/{listing.noun}.{format.suffix}") + _query_string(request)
    links = {
        "self": self_url,
        "first": site.url(f"/v1/{listing.noun}.{format.suffix}") + _query_string(request, cursor=None),
    }
    if more:
        cursor = cursors.encode(listing, total, found[-1].place)
        follow = _query_string(request, cursor=cursor, as_of=str(listing.release))
        links["next"] = site.url(f"/v1/{listing.noun}.{format.suffix}") + follow
    if format.suffix == "atom":
        body = await _feed(site, listing, found, links, made_at)
    else:
        included = None
        if asked.include:
            included = await site.store.reading(listings.belonging, asked.include, listing, found)
        meta = {"release": listing.release, "total": total, **_about(site)}
        docs = [one.doc for one in found]
        body = to_json.page(docs, meta, links, asked.fields, asked.include, included)
    return Representation(
        content_type=format.content_type,
        body=body,
        last_modified=made_at,
        links=[
            *(Link(href, rel, format.media_type) for rel, href in links.items()),
            *_links(site, listing.noun, request),
        ],
    )


async def _bulk(
    request: Request,
    site: Site,
    format: Format,
    listing: Listing,
    asked: Query,
    made_at: datetime,
    total: int,
    digest: str,
) -> Representation:
    """All rows of a list, as CSV or NDJSON: whole where there are few, else streamed; the count is told before the first."""
    count = min(total, listing.limit) if listing.limit is not None else total
    chunks = _chunks(site, format, listing, asked)
    links = _links(site, listing.noun, request)
    small = count <= WHOLE
    return Representation(
        content_type=format.content_type,
        body=b"".join([chunk async for chunk in chunks]) if small else chunks,
        etag=None if small else etag_of(digest, format.suffix, repr(asked), str(listing.after), "1"),
        last_modified=made_at,
        links=links,
        headers={
            "ogp-row-count": str(count),
            "content-disposition": f'attachment; filename="{listing.noun}.{format.suffix}"',
        },
    )


async def _chunks(site: Site, format: Format, listing: Listing, asked: Query) -> AsyncIterator[bytes]:
    """The bytes of a bulk answer, a batch of rows at a time."""
    if format.suffix == "csv":
        yield (to_csv.header(listing.noun, asked.fields) + "\r\n").encode()
    async for batch in listings.everything(site.store, listing):
        if format.suffix == "csv":
            lines = [one.csv for one in batch]
            if asked.fields is not None:
                lines = [to_csv.line(releases.decode(listing.noun, one.doc), asked.fields) for one in batch]
            yield "".join(line + "\r\n" for line in lines).encode()
        else:
            yield b"".join(to_json.chosen(one.doc, asked.fields) + b"\n" for one in batch)


async def _feed(
    site: Site, listing: Listing, found: Sequence[Found], links: dict[str, str], made_at: datetime
) -> bytes:
    """A page as an Atom feed."""
    dates = await site.store.reading(listings.dates, listing.noun, [one.id for one in found], listing.release)
    dataset = await site.dataset()
    entries = [
        to_feed.FeedEntry(
            id=to_feed.tag_uri(dataset.tag_authority, dataset.tag_on, listing.noun, one.id),
            record=releases.decode(listing.noun, one.doc),
            updated=dates[one.id][0],
            published=dates[one.id][1],
            url=site.record_url(listing.noun, one.id),
        )
        for one in found
    ]
    updated = max((entry.updated for entry in entries), default=made_at)
    return to_feed.atom(await _head(site, listing.noun, links, updated), entries)


async def _head(site: Site, noun: str, links: dict[str, str], updated: datetime) -> to_feed.FeedHead:
    dataset = await site.dataset()
    return to_feed.FeedHead(
        id=to_feed.tag_uri(dataset.tag_authority, dataset.tag_on, "feeds", noun),
        title=f"{noun.capitalize()} of the national action plans",
        subtitle="The present state: an entry for each record, with a stable id, that comes again when the record changes.",
        self_url=links["self"],
        alternate_url=site.url(f"/v1/{noun}.json"),
        updated=updated,
        links=[(rel, href, "application/atom+xml") for rel, href in links.items() if rel != "self"],
        licence_url=site.settings.licence_url,
        rights=f"{site.settings.publisher}, {site.settings.licence_name}",
        author=site.settings.publisher,
        author_uri=None,
    )


async def one_record(request: Request, noun: str, name: str) -> Response:
    """A single record, `name` being its id with or without a suffix."""
    id, _, suffix = name.partition(".")
    if suffix and suffix not in FORMATS:
        raise NotFound(f"there is no format .{suffix[:40]}; known are {', '.join(FORMATS)}")
    format = negotiated(request, suffix or None)
    asked = query.read(query.given(request.scope["query_string"]), query.item_parameters(noun, format))
    number, _ = await resolved(request, asked.as_of)
    site = site_of(request)
    at = await site.store.reading(listings.item, noun, id, number)
    if at is None:
        raise NotFound(f"there is no {noun} record with the id {id[:200]}; /v1/{noun} lists them")
    if at.doc is None:
        raise Gone(f"{id} was withdrawn: {at.reason or 'no reason was given'}", withdrawn_in=at.release)
    body = await _whole(site, format, at, asked)
    path = url_of(noun, id)
    links = [Link(site.url(path), "canonical"), Link(site.url(f"/v1/{noun}"), "collection")]
    links += [
        Link(site.url(f"{path}.{f.suffix}"), "alternate", f.media_type) for f in FORMATS.values() if f is not format
    ]
    return answer(
        request,
        Representation(
            content_type=format.content_type,
            body=body,
            last_modified=at.made_at,
            cache_control=PINNED if isinstance(asked.as_of, int) else CURRENT,
            links=[*links, *_common(site, noun)],
            location=None if suffix else site.url(f"{path}.{format.suffix}") + _query_string(request),
        ),
    )


async def _whole(site: Site, format: Format, at: At, asked: Query) -> bytes:
    """The bytes of one record."""
    assert at.doc is not None
    path = url_of(at.noun, at.id)
    if format.suffix == "csv":
        line = at.csv if asked.fields is None else to_csv.line(releases.decode(at.noun, at.doc), asked.fields)
        return f"{to_csv.header(at.noun, asked.fields)}\r\n{line}\r\n".encode()
    if format.suffix == "ndjson":
        return to_json.chosen(at.doc, asked.fields) + b"\n"
    if format.suffix == "atom":
        links = {"self": site.url(f"{path}.atom")}
        dataset = await site.dataset()
        tag = to_feed.tag_uri(dataset.tag_authority, dataset.tag_on, at.noun, at.id)
        record = releases.decode(at.noun, at.doc)
        entry = to_feed.FeedEntry(tag, record, at.made_at, at.first_at, site.url(path))
        head = await _head(site, at.noun, links, at.made_at)
        return to_feed.atom(replace(head, id=f"{tag}/feed", title=at.id, alternate_url=site.url(path)), [entry])
    links = {"self": site.url(f"{path}.json"), "collection": site.url(f"/v1/{at.noun}")}
    links |= {other.suffix: site.url(f"{path}.{other.suffix}") for other in FORMATS.values() if other is not format}
    meta = {"sha256": at.sha256, **_about(site)}
    return to_json.item(at.doc, meta, links, asked.fields)


def _about(site: Site) -> dict[str, str]:
    return {"licence": site.settings.licence_url, "attribution": site.settings.publisher}


def _links(site: Site, noun: str, request: Request) -> list[Link]:
    """The links of a list: its other formats, and what every answer of the noun has."""
    rest = _query_string(request, cursor=None, include=None, fields=None, limit=None)
    others = [Link(site.url(f"/v1/{noun}.{f.suffix}") + rest, "alternate", f.media_type) for f in FORMATS.values()]
    return [*others, *_common(site, noun)]


def _common(site: Site, noun: str) -> list[Link]:
    return [
        Link(site.settings.licence_url, "license"),
        Link(site.url(f"/schemas/v1/{noun}.json"), "describedby", "application/schema+json"),
        Link(site.url("/openapi.json"), "service-desc", "application/vnd.oai.openapi+json"),
        Link(site.url("/docs"), "service-doc", "text/html"),
    ]


def _query_string(request: Request, **changed: str | None) -> str:
    """The query of a request with some parameters changed, or left out (None)."""
    given = {name: value for name, value in query.given(request.scope["query_string"]) if name not in changed}
    given |= {name: value for name, value in changed.items() if value is not None}
    return "?" + urlencode(given) if given else ""
