"""`/v1/changes.atom`: every record's state in Atom, with tombstones, and archives from which the whole can be rebuilt."""

from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from ogp_open_data.errors import NotFound
from ogp_open_data.formats.feed import ATOM, END, Deleted, Link, State
from ogp_open_data.store import news
from ogp_open_data.store.releases import Head
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, PINNED, Representation, answer, etag_of
from ogp_open_data.web.asking import EPOCH, common_links, release_of
from ogp_open_data.web.feeds import archives, envelope
from ogp_open_data.web.feeds.archives import SPAN, Chain
from ogp_open_data.web.site import Request, Response, Site, site_of

CURRENT_PATH = "/v1/changes.atom"
CHAIN = Chain(CURRENT_PATH, "/v1/changes/archive", "atom", "", ATOM)
# Documents of up to so many records are made whole; larger ones stream.
WHOLE = 2000
BATCH = 100
TITLE = "Every record of the national action plans, as it changes"


async def subscription(request: Request) -> Response:
    """`/v1/changes.atom`: what the releases that are in no archive yet left of each record that they changed."""
    query.read(query.given(request.scope["query_string"]), {})
    site = site_of(request)
    release = await release_of(site, None)
    begin = archives.closed(release.number) + 1
    return await _answered(request, site, CURRENT_PATH, begin, release, CHAIN.behind(site, release.number))


async def archive(request: Request, name: str) -> Response:
    """`/v1/changes/archive/21-40.atom`: the same of these releases, for ever."""
    query.read(query.given(request.scope["query_string"]), {})
    site = site_of(request)
    if not name.endswith(".atom"):
        raise NotFound(f"there is no archive {name[:60]}; {CURRENT_PATH} leads to them")
    begin = await archives.opened(site, CHAIN, name.removesuffix(".atom"))
    if not isinstance(begin, int):
        return begin
    last = await release_of(site, begin + SPAN - 1)
    return await _answered(request, site, CHAIN.address(begin), begin, last, CHAIN.around(site, begin), archived=True)


async def _answered(
    request: Request, site: Site, path: str, begin: int, release: Head, chain: Sequence[Link], archived: bool = False
) -> Response:
    """The document: whole where it has few records, else a batch at a time, so that nobody else waits for it."""
    from ogp_open_data.formats import to_feed

    updated = release.made_at or EPOCH
    head = await envelope.head(site, "changes", TITLE, site.url(path), site.url("/v1/changes"), chain, updated)
    state = None if archived else State(release.number, (await site.dataset()).epoch)
    count, digest = await site.store.reading(news.summary, begin - 1, release.number)
    opening = to_feed.opening(replace(head, archive=archived, state=state))
    chunks = _chunks(site, opening, begin, release.number)
    whole = count <= WHOLE
    return answer(
        request,
        Representation(
            content_type=ATOM,
            body=b"".join([chunk async for chunk in chunks]) if whole else chunks,
            etag=None if whole else etag_of(opening, digest, "1"),
            last_modified=updated,
            cache_control=PINNED if archived else CURRENT,
            links=[*envelope.in_header(head, ATOM), *common_links(site)],
        ),
    )


async def _chunks(site: Site, opening: bytes, begin: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a document, a batch of records at a time."""
    yield opening
    place, left = None, True
    while left:
        batch = await site.store.reading(news.states, begin - 1, end, place, BATCH)
        yield b"".join([await _part(site, one) for one in batch])
        left = len(batch) == BATCH
        place = (batch[-1].release, batch[-1].noun, batch[-1].sort_key) if batch else None
    yield END


async def _part(site: Site, one: news.State) -> bytes:
    """A record's entry, or its tombstone."""
    if one.doc is None:
        from ogp_open_data.formats import to_feed

        return to_feed.tombstone(Deleted(await envelope.tag(site, one.noun, one.id), one.made_at, one.reason))
    return (await envelope.rendered(site, one.noun, one.id, one.release, one.doc, one.made_at, one.first_at)).body
