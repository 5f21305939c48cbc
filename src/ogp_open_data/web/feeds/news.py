"""The news: `/feed.atom`, `.json` and `.rss`, of everything or of a plan, commitment or organisation, and their archives."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import asdict

from ogp_open_data.deprecations import instant
from ogp_open_data.errors import NotFound
from ogp_open_data.formats import to_json_feed
from ogp_open_data.formats.feed import ATOM, RSS, Deleted, FeedEntry, FeedHead, Link, said
from ogp_open_data.records import Filter, page_of
from ogp_open_data.store import news, releases, single
from ogp_open_data.store.news import Subject
from ogp_open_data.store.releases import Head
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, PINNED, Representation, answer
from ogp_open_data.web.asking import EPOCH, common_links, release_of
from ogp_open_data.web.feeds import archives, envelope, stories
from ogp_open_data.web.feeds.archives import SPAN, Chain
from ogp_open_data.web.feeds.stories import PAGE, Told
from ogp_open_data.web.site import Request, Response, Site, site_of

MEDIA_TYPES = {"atom": ATOM, "json": to_json_feed.MEDIA_TYPE, "rss": RSS}
NOUN_OF_SUBJECT = {"plan": "plans", "commitment": "commitments", "organisation": "organisations"}
SUBTITLE = "What happened, the newest first: reports, milestones that took a step, corrections and withdrawals."
# Releases that are read at a time, until there are entries enough.
BATCH = 10


class Document(Struct, frozen=True, kw_only=True):
    """One document of a feed: whose news up to which release, its own address in each format, where it is in the chain.

    `limit` is how many entries it has at most, where that was asked for.
    """

    suffix: str
    subject: Subject
    release: Head
    path: str
    query: str
    chain: Sequence[Link]
    limit: int | None = None
    archive: bool = False

    def address(self, suffix: str) -> str:
        return f"{self.path}.{suffix}{self.query}"


async def feed(request: Request, suffix: str) -> Response:
    """`/feed.atom` and so on: the newest entries, and at least all that are in no archive yet."""
    asked = query.read(query.given(request.scope["query_string"]), query.NEWS)
    site, subject = site_of(request), _subject(asked.filter)
    release = await release_of(site, asked.as_of)
    document = Document(
        suffix=suffix,
        subject=subject,
        release=release,
        path="/feed",
        query=_query({**asdict(subject), "limit": asked.limit, "as_of": asked.as_of}),
        # A feed that is cut by `limit` lacks what stands between it and the archives: it does not lead there.
        chain=_chain(suffix, subject).behind(site, release.number) if asked.limit is None else [],
        limit=asked.limit,
    )
    told = await _newest(site, document)
    return await _answered(request, site, document, told, PINNED if isinstance(asked.as_of, int) else CURRENT)


async def archive(request: Request, name: str) -> Response:
    """`/feed/archive/21-40.atom` and so on: the entries of these releases."""
    asked = query.read(query.given(request.scope["query_string"]), query.SUBJECT)
    site, subject = site_of(request), _subject(asked.filter)
    range, _, suffix = name.partition(".")
    if suffix not in MEDIA_TYPES:
        raise NotFound(f"there is no archive {name[:60]}; the formats are {', '.join(MEDIA_TYPES)}")
    chain = _chain(suffix, subject)
    begin = await archives.opened(site, chain, range)
    if not isinstance(begin, int):
        return begin
    last = begin + SPAN - 1
    document = Document(
        suffix=suffix,
        subject=subject,
        release=await release_of(site, last),
        path=f"/feed/archive/{range}",
        query=_query(asdict(subject)),
        chain=chain.around(site, begin),
        archive=True,
    )
    found = await site.store.reading(news.eventful, begin - 1, last, subject, SPAN)
    return await _answered(request, site, document, await stories.told(site, subject, found), PINNED)


@lru_cache(1000)
def address(suffix: str, subject: Subject, as_of: int | date | None = None) -> str:
    """Path and query of the feed of a subject, as it stands or as it stood."""
    return f"/feed.{suffix}{_query({**asdict(subject), 'as_of': as_of})}"


def _subject(filter: Filter) -> Subject:
    return Subject(filter.plan, filter.commitment, filter.organisation)


def _chain(suffix: str, subject: Subject) -> Chain:
    return Chain(f"/feed.{suffix}", "/feed/archive", suffix, _query(asdict(subject)), MEDIA_TYPES[suffix])


def _query(values: Mapping[str, object]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return "?" + urlencode(given) if given else ""


async def _newest(site: Site, document: Document) -> list[Told]:
    """Whole releases, the newest first, down to the newest archive and until there are entries enough."""
    number, enough = document.release.number, document.limit or query.DEFAULT_LIMIT["atom"]
    archived = archives.closed(number) if document.limit is None else number
    found = await site.store.reading(news.eventful, 0, number, document.subject, enough)
    newest: list[Told] = []
    for at in range(0, len(found), BATCH):
        for one in await stories.told(site, document.subject, found[at : at + BATCH]):
            if one.release <= archived and sum(len(told.entries) for told in newest) >= enough:
                return newest
            newest.append(one)
    return newest


async def _answered(
    request: Request, site: Site, document: Document, told: Sequence[Told], cache_control: str
) -> Response:
    """The document in its format. What was taken back is not in it, wherever it was told."""
    deleted = [one for release in told for one in release.deleted]
    gone = {one.ref for one in deleted}
    entries = [one for release in told for one in release.entries if one.id not in gone]
    if not document.archive and document.subject == Subject():
        # Sorting keeps the order of entries of one time.
        entries = sorted([*await _deprecations(site, document), *entries], key=lambda one: one.updated, reverse=True)
    entries = entries[: document.limit]
    head = await _head(site, document, entries, deleted)
    one = Representation(
        content_type=MEDIA_TYPES[document.suffix],
        body=_body(site, document, head, entries, deleted),
        last_modified=document.release.made_at or EPOCH,
        cache_control=cache_control,
        links=[*envelope.in_header(head, MEDIA_TYPES[document.suffix]), *common_links(site)],
    )
    return answer(request, one)


def _body(
    site: Site, document: Document, head: FeedHead, entries: Sequence[FeedEntry], deleted: Sequence[Deleted]
) -> bytes:
    if document.suffix == "json":
        return to_json_feed.json_feed(head, entries, deleted, site.url(PAGE))
    from ogp_open_data.formats import to_feed, to_rss

    return to_rss.rss(head, entries) if document.suffix == "rss" else to_feed.atom(head, entries, deleted)


async def _deprecations(site: Site, document: Document) -> list[FeedEntry]:
    """What was on its way out when the release was made. They come from the program, not from a release: no archive has them."""
    at = document.release.made_at or EPOCH
    return [
        await stories.of_deprecation(site, one)
        for one in site.deprecated
        if instant(one.on) <= at < instant(one.sunset)
    ]


async def _head(site: Site, document: Document, entries: Sequence[FeedEntry], deleted: Sequence[Deleted]) -> FeedHead:
    name, id = await _named(site, document)
    times: list[datetime] = [one.updated for one in entries] + [one.when for one in deleted]
    others = [
        Link("alternate", site.url(document.address(suffix)), media_type)
        for suffix, media_type in MEDIA_TYPES.items()
        if suffix != document.suffix
    ]
    return FeedHead(
        id=await envelope.tag(site, "feeds", id),
        title=f"{name}: what happened",
        subtitle=SUBTITLE,
        self_url=site.url(document.address(document.suffix)),
        home_url=site.url(_page(document.subject)),
        updated=max(times, default=document.release.made_at or EPOCH),
        links=[*others, *document.chain],
        hubs=envelope.hubs(site),
        archive=document.archive,
        **envelope.rights(site),
    )


def _page(subject: Subject) -> str:
    """The page of a subject; of several, or of none, the first of all."""
    asked = [(word, id) for word, id in asdict(subject).items() if id is not None]
    return page_of(NOUN_OF_SUBJECT[asked[0][0]], asked[0][1]) if len(asked) == 1 else "/"


async def _named(site: Site, document: Document) -> tuple[str, str]:
    """What a feed is called, and what it is told from other feeds by. Raises NotFound for a subject that there never was."""
    asked = {word: id for word, id in asdict(document.subject).items() if id is not None}
    names = []
    for word, id in asked.items():
        noun = NOUN_OF_SUBJECT[word]
        at = await site.store.reading(single.item, noun, id, document.release.number)
        if at is None and not document.archive:
            raise NotFound(f"there is no {noun} record with the id {id[:200]}; /v1/{noun} lists them")
        doc = at.doc if at is not None else None
        names.append(id if doc is None else said(id, releases.decode(noun, doc), site.base).title)
    return ", ".join(names) or "Open Government Partnership", "/".join(
        ["news", *(f"{w}/{id}" for w, id in asked.items())]
    )
