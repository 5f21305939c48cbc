"""Records as Atom state feeds: what the envelope says, and the entries' ids and times."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from ogp_open_data.formats import to_feed
from ogp_open_data.formats.entries import words
from ogp_open_data.records import Filter, url_of
from ogp_open_data.store import listings, releases
from ogp_open_data.store.listings import At, Found, Listing
from ogp_open_data.web import cursors
from ogp_open_data.web.site import Site


async def of_page(
    site: Site, listing: Listing, found: Sequence[Found], links: dict[str, str], made_at: datetime
) -> bytes:
    """A page of a list."""
    dates = await site.store.reading(listings.dates, listing.noun, [one.id for one in found], listing.release)
    entries = [
        to_feed.FeedEntry(
            id=await _tag(site, listing.noun, one.id),
            record=releases.decode(listing.noun, one.doc),
            updated=dates[one.id][0],
            published=dates[one.id][1],
            url=site.record_url(listing.noun, one.id),
        )
        for one in found
    ]
    updated = max((entry.updated for entry in entries), default=made_at)
    head = await _head(site, listing.noun, links, updated)
    if listing.filter != Filter():
        # Another question is another feed, for those who keep feeds apart by their ids.
        asked = {name: value for name, value in msgspec.to_builtins(listing.filter).items() if value is not None}
        said = ", ".join(f"{name} {' or '.join(one) if isinstance(one, list) else one}" for name, one in asked.items())
        head = replace(head, id=f"{head.id}/{cursors.question(listing)}", title=f"{head.title}: {said}")
    return to_feed.atom(head, entries)


async def of_item(site: Site, at: At) -> bytes:
    """One record, as a feed with one entry."""
    assert at.doc is not None
    path, tag = url_of(at.noun, at.id), await _tag(site, at.noun, at.id)
    record = releases.decode(at.noun, at.doc)
    entry = to_feed.FeedEntry(tag, record, at.made_at, at.first_at, site.url(path))
    head = await _head(site, at.noun, {"self": site.url(f"{path}.atom")}, at.made_at)
    title = words(record, site.base).title
    return to_feed.atom(replace(head, id=f"{tag}/feed", title=title, alternate_url=site.url(path)), [entry])


async def _tag(site: Site, noun: str, id: str) -> str:
    dataset = await site.dataset()
    return to_feed.tag_uri(dataset.tag_authority, dataset.tag_on, noun, id)


async def _head(site: Site, noun: str, links: dict[str, str], updated: datetime) -> to_feed.FeedHead:
    return to_feed.FeedHead(
        id=await _tag(site, "feeds", noun),
        title=f"{noun.capitalize()} of the national action plans",
        subtitle="The present state: an entry for each record, with a stable id, that comes again when the record changes.",
        self_url=links["self"],
        alternate_url=site.url(f"/v1/{noun}.json"),
        updated=updated,
        links=[(rel, href, "application/atom+xml") for rel, href in links.items() if rel != "self"],
        licence_url=site.settings.licence_url,
        rights=f"{site.settings.publisher}, {site.settings.licence_name}",
        author=site.settings.publisher,
        author_uri=site.settings.contact,
    )
