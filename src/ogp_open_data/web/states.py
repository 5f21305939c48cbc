"""`/v1/changes.atom`: every record's state in Atom, with tombstones, and archives from which the whole can be rebuilt."""

from collections.abc import Sequence

from msgspec.structs import replace

from ogp_open_data.errors import NotFound
from ogp_open_data.formats import to_feed
from ogp_open_data.formats.feed import Deleted, FeedEntry, Link, State
from ogp_open_data.store import news
from ogp_open_data.store.releases import Head
from ogp_open_data.web import archives, feeds, query
from ogp_open_data.web.answers import CURRENT, PINNED, Representation, answer
from ogp_open_data.web.archives import SPAN, Chain
from ogp_open_data.web.asking import EPOCH, common_links, release_of
from ogp_open_data.web.site import Request, Response, Site, site_of

CURRENT_PATH = "/v1/changes.atom"
CHAIN = Chain(CURRENT_PATH, "/v1/changes/archive", "atom", "", to_feed.MEDIA_TYPE)
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
    entries: list[FeedEntry] = []
    deleted: list[Deleted] = []
    for one in await site.store.reading(news.states, begin - 1, release.number):
        if one.doc is None:
            deleted.append(Deleted(await feeds.tag(site, one.noun, one.id), one.made_at, one.reason))
        else:
            entries.append(await feeds.entry(site, one.noun, one.id, one.doc, one.made_at, one.first_at))
    updated = release.made_at or EPOCH
    head = await feeds.head(site, "changes", TITLE, site.url(path), site.url("/v1/changes"), chain, updated)
    state = None if archived else State(release.number, (await site.dataset()).epoch)
    return answer(
        request,
        Representation(
            content_type=to_feed.MEDIA_TYPE,
            body=to_feed.atom(replace(head, archive=archived, state=state), entries, deleted),
            last_modified=updated,
            cache_control=PINNED if archived else CURRENT,
            links=[*feeds.in_header(head, to_feed.MEDIA_TYPE), *common_links(site)],
        ),
    )
