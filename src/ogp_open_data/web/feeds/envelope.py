"""State feeds: records as they stand, an entry for each; what the envelope says, and the entries' ids and times."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from ogp_open_data import settings
from ogp_open_data.formats import FORMATS
from ogp_open_data.formats.feed import ATOM, END, Carried, FeedEntry, FeedHead, Link, of_record, tag_uri
from ogp_open_data.records import PAGED, Filter, digest, page_of, url_of
from ogp_open_data.store import releases, single
from ogp_open_data.store.listings import Found, Listing
from ogp_open_data.store.single import At
from ogp_open_data.web import answers, cursors
from ogp_open_data.web.site import Rendered, Site


async def of_page(
    site: Site, listing: Listing, found: Sequence[Found], links: dict[str, str], made_at: datetime
) -> tuple[bytes, str]:
    """A page of a list, and its validator: of the digests of its entries, for to digest 136 kB again took an eighth of its time."""
    # Here and wherever a feed is written: it takes a tenth of a start to load lxml and feedgen.
    from ogp_open_data.formats import to_feed

    entries = await _rendered(site, listing, found)
    updated = max((one.updated for one in entries), default=made_at)
    json_url = site.url(f"/v1/{listing.noun}.json")
    pages = [Link(rel, href, ATOM) for rel, href in links.items() if rel != "self"]
    own = await head(site, listing.noun, _title(listing.noun), links["self"], json_url, pages, updated)
    if listing.filter != Filter():
        # Another question is another feed, for those who keep feeds apart by their ids.
        asked = {name: value for name, value in msgspec.to_builtins(listing.filter).items() if value is not None}
        said = ", ".join(f"{name} {' or '.join(one) if isinstance(one, list) else one}" for name, one in asked.items())
        own = replace(own, id=f"{own.id}/{cursors.question(listing)}", title=f"{own.title}: {said}")
    opening = to_feed.opening(own)
    body = b"".join([opening, *(one.body for one in entries), END])
    return body, answers.etag_of(opening, *(one.sha256 for one in entries))


async def _rendered(site: Site, listing: Listing, found: Sequence[Found]) -> list[Rendered]:
    """The entry of each record; only those are asked for that are not kept."""
    noun, kept = listing.noun, {}
    for one in found:
        id = one.id
        kept[id] = site.entries.get((noun, id, one.release))
    new = [id for id, entry in kept.items() if entry is None]
    if new:
        read = await site.store.reading(single.dated, noun, new, listing.release)
        for one in found:
            if kept[one.id] is None:
                kept[one.id] = await rendered(site, noun, one.id, one.release, *read[one.id])
    return [one for one in kept.values() if one is not None]


async def rendered(
    site: Site, noun: str, id: str, release: int, doc: str, updated: datetime, published: datetime
) -> Rendered:
    """The entry of a version of a record as it stands in every feed: rendered once, for it never changes, and kept a while."""
    from ogp_open_data.formats import to_feed

    kept = site.entries.get((noun, id, release))
    if kept is None:
        body = to_feed.rendered(await entry(site, noun, id, doc, updated, published), site.settings.licence_url)
        kept = Rendered(updated, body, digest(body))
        site.entries.keep((noun, id, release), kept, len(body))
    return kept


async def of_item(site: Site, at: At, address: str) -> bytes:
    """One record, as a feed with one entry, at the address it was asked for."""
    from ogp_open_data.formats import to_feed

    assert at.doc is not None
    path = url_of(at.noun, at.id)
    read = await site.store.reading(single.dated, at.noun, [at.id], at.release)
    one = await entry(site, at.noun, at.id, *read[at.id])
    own = await head(site, at.noun, one.words.title, site.url(address), site.url(path), [], at.made_at)
    return to_feed.atom(replace(own, id=f"{one.id}/feed"), [one])


async def entry(site: Site, noun: str, id: str, doc: str, updated: datetime, published: datetime) -> FeedEntry:
    """The entry of a version of a record: the same in every feed of states."""
    record, url = releases.decode(noun, doc), site.record_url(noun, id)
    carried = Carried(noun, record.version, record.release, digest(doc.encode()), doc, f"{url}?as_of={record.release}")
    page_url = site.url(page_of(noun, id)) if noun in PAGED else None
    return of_record(await tag(site, noun, id), record, updated, published, url, page_url, carried)


async def tag(site: Site, noun: str, id: str) -> str:
    """The id for feeds of a record, or of something else under a word of its own."""
    dataset = await site.dataset()
    return tag_uri(dataset.tag_authority, dataset.tag_on, noun, id)


def _title(noun: str) -> str:
    return f"{noun.capitalize()} of the national action plans"


async def head(
    site: Site, name: str, title: str, self_url: str, json_url: str, links: Sequence[Link], updated: datetime
) -> FeedHead:
    """The head of a state feed; `name` tells it from the others."""
    return FeedHead(
        id=await tag(site, "feeds", name),
        title=title,
        subtitle="The present state: an entry for each record, with a stable id, that comes again when the record changes.",
        self_url=self_url,
        home_url=site.url("/"),
        updated=updated,
        links=[Link("alternate", json_url, FORMATS["json"].media_type), *links],
        hubs=hubs(site),
        **rights(site),
    )


def in_header(head: FeedHead, media_type: str) -> list[answers.Link]:
    """The links of a document for the header of its answer (RFC 8288, WebSub)."""
    own = [answers.Link(head.self_url, "self", media_type), *(answers.Link(hub, "hub") for hub in head.hubs)]
    return own + [answers.Link(link.href, link.rel, link.type) for link in head.links]


def hubs(site: Site) -> list[str]:
    """The WebSub hubs that are told of each release: the one place where feeds take them from."""
    return settings.hubs(site.settings)


def rights(site: Site) -> dict[str, Any]:
    """Who publishes, and under which licence: the same in every feed."""
    return {
        "licence_url": site.settings.licence_url,
        "rights": f"{site.settings.publisher}, {site.settings.licence_name}",
        "author": site.settings.publisher,
        "author_uri": site.settings.contact,
    }
