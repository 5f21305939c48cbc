"""Lists in every format: the request's question, the store's rows, the format's bytes."""

from collections.abc import Sequence

from msgspec.structs import replace

from ogp_open_data.formats import Format, to_json
from ogp_open_data.records import Filter
from ogp_open_data.store.listings import Found, Listing
from ogp_open_data.store.releases import Head
from ogp_open_data.web import cursors, query
from ogp_open_data.web.answers import CURRENT, PINNED, Representation, answer
from ogp_open_data.web.asking import (
    EPOCH,
    about,
    belonging,
    common_links,
    list_links,
    negotiated,
    query_string,
    release_of,
)
from ogp_open_data.web.cursors import Place
from ogp_open_data.web.feeds import discovery, envelope
from ogp_open_data.web.query import Query
from ogp_open_data.web.reads import bulk, memento
from ogp_open_data.web.site import Request, Response, Site, site_of

# What a page is made of, but for those of `doc`. Entries of a feed are kept: only what is new is read.
TEXTS: dict[str, tuple[str, ...]] = {"csv": ("doc", "csv"), "atom": ()}


async def list_records(request: Request, noun: str, suffix: str | None) -> Response:
    """A list of a noun: a page of it, or in a bulk format and without a limit all of it."""
    format = negotiated(request, suffix)
    asked = query.read(query.given(request.scope["query_string"]), query.parameters(noun, format))
    site = site_of(request)
    place = cursors.decode(asked.cursor) if asked.cursor else None
    if place is not None:
        cursors.check(place, (await site.dataset()).epoch)
    if place is None and (past := await memento.redirected(request, site, noun, None, asked.as_of)) is not None:
        return past
    release = await release_of(site, place.release if place and asked.as_of is None else asked.as_of)
    listing = _listing(noun, format, asked, release, place)
    if listing.limit is None:
        one = await bulk.of_all(request, site, format, listing, asked, release)
    else:
        one = await _page(request, site, format, listing, asked, release, place)
    pinned = PINNED if isinstance(asked.as_of, int) else CURRENT
    location = None if suffix else site.url(f"/v1/{noun}.{format.suffix}") + query_string(request)
    made_at = release.made_at or EPOCH
    links, headers = memento.of_list(request, site, noun, asked.as_of, made_at)
    return answer(
        request,
        replace(
            one,
            cache_control=pinned,
            location=location,
            last_modified=made_at,
            links=[*one.links, discovery.of_list(site, asked.filter, asked.as_of), *links],
            headers={**one.headers, **headers},
        ),
    )


def _listing(noun: str, format: Format, asked: Query, release: Head, place: Place | None) -> Listing:
    """The question to the store. Raises BadRequest where the cursor belongs to another."""
    whole = format.bulk and place is None
    # Who polls a feed wants what changed last; who reads a table wants an order that stays.
    newest = asked.sort is None and format.suffix == "atom"
    listing = Listing(
        noun=noun,
        release=release.number,
        filter=asked.filter,
        sort="release" if newest else asked.sort or "id",
        descending=newest or asked.descending,
        limit=asked.limit or (None if whole else query.DEFAULT_LIMIT.get(format.suffix, query.MOST)),
    )
    return listing if place is None else replace(listing, after=cursors.after(place, listing))


async def _page(
    request: Request, site: Site, format: Format, listing: Listing, asked: Query, release: Head, place: Place | None
) -> Representation:
    """One page of a list."""
    assert listing.limit is not None
    # The cursor knows the total, or the release does, or it is counted.
    total = place.total if place else release.counts[listing.noun] if listing.filter == Filter() else None
    most = cursors.most(listing.limit, total, place)
    rows, total = await site.page(replace(listing, limit=most), total, TEXTS.get(format.suffix, ("doc",)))
    found = rows[: listing.limit]
    address = site.url(f"/v1/{listing.noun}.{format.suffix}")
    links = {"self": address + query_string(request), "first": address + query_string(request, cursor=None)}
    if len(rows) > len(found):
        cursor = cursors.following((await site.dataset()).epoch, listing, total, place, found)
        links["next"] = address + query_string(request, cursor=cursor, as_of=str(listing.release))
    etag = None
    if format.suffix == "atom":
        body, etag = await envelope.of_page(site, listing, found, links, release.made_at or EPOCH)
    elif format.suffix == "json":
        body = await _json(site, listing, asked, found, links, total)
    else:
        body = await bulk.of_rows(site, format, listing, asked, found, bulk.about(request, site, listing, release))
    return Representation(
        content_type=format.content_type,
        body=body,
        etag=etag,
        last_modified=EPOCH,
        links=[*common_links(site, listing.noun, format), *list_links(site, format, listing.noun, request, links)],
        headers=bulk.headers(format, listing, len(found)) if format.bulk else {},
    )


async def _json(
    site: Site, listing: Listing, asked: Query, found: Sequence[Found], links: dict[str, str], total: int
) -> bytes:
    """A page as JSON, with what belongs to it where that is asked for."""
    docs = [one.json for one in found]
    included = await belonging(site, asked.include, listing.noun, listing.release, docs)
    meta = {"release": listing.release, "total": total, **about(site)}
    return to_json.page(docs, meta, links, asked.fields, asked.include, included)
