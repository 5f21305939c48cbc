"""What other portals read: descriptions of a release for catalogues, of each table for tools, and everything in one archive."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from ogp_open_data import __version__
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.formats import FORMATS, to_csvw, to_data_json, to_datapackage, to_dcat
from ogp_open_data.formats.facts import Facts, Size
from ogp_open_data.records import NOUNS, Plan
from ogp_open_data.store import listings
from ogp_open_data.store.listings import Listing
from ogp_open_data.store.releases import Head
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, PINNED, Link, Representation, answer
from ogp_open_data.web.asking import EPOCH, common_links, release_of
from ogp_open_data.web.query import Query
from ogp_open_data.web.reads import bulk
from ogp_open_data.web.reads.files import File
from ogp_open_data.web.site import Request, Response, Site, site_of

# The files whose size and digest are told: the others are built when they are asked for, which may take a minute.
TOLD = ("csv", "ndjson")
# A publisher has a handful.
MOST_PLANS = 1000
PARAMETERS = {"as_of": query.AS_OF}
# Media type and bytes of each description.
DOCUMENTS: dict[str, tuple[str, Callable[[Facts], bytes]]] = {
    "/datapackage.json": ("application/json", to_datapackage.descriptor),
    "/catalog.jsonld": ("application/ld+json", to_dcat.jsonld),
    "/catalog.ttl": ("text/turtle; charset=utf-8", to_dcat.turtle),
    "/data.json": ("application/json", to_data_json.catalogue),
    f"/v1/{to_csvw.OF_ALL}": (to_csvw.MEDIA_TYPE, to_csvw.of_all),
}
# Where programs that know a CSV look for its metadata: the standard's own two places.
PLACES = f"{{+url}}-metadata.json\n{to_csvw.OF_ALL}\n"


async def described(request: Request, path: str) -> Response:
    """One of the descriptions, of the newest release or as of another."""
    asked, site, release = await _asked(request)
    media_type, write = DOCUMENTS[path]
    facts, _ = await facts_of(site, release)
    return _answer(request, asked, release, media_type, write(facts))


async def table(request: Request, noun: str) -> Response:
    """`/v1/{noun}.csv-metadata.json`: what the columns of a CSV hold."""
    asked, site, release = await _asked(request)
    facts, _ = await facts_of(site, release)
    return _answer(request, asked, release, to_csvw.MEDIA_TYPE, to_csvw.of_table(facts, noun))


async def places(request: Request) -> Response:
    """`/.well-known/csvm`: where the metadata of a CSV is."""
    query.read(query.given(request.scope["query_string"]), {})
    site = site_of(request)
    one = Representation(
        content_type="text/plain; charset=utf-8", body=PLACES.encode(), last_modified=EPOCH, links=common_links(site)
    )
    return answer(request, one)


async def archive(request: Request) -> Response:
    """`/dataset.zip`: every table and its description, valid without a network."""
    asked, site, release = await _asked(request)
    facts, tables = await facts_of(site, release)

    async def write(path: Path) -> None:
        def pack() -> None:
            with path.open("wb") as out:
                to_datapackage.archive(out, facts, {noun: file.path for noun, file in tables.items()})

        await asyncio.to_thread(pack)

    try:
        file = await site.files.get(repr(("zip", __version__, facts)), "built", write)
    except OSError as error:
        raise StoreUnavailable("there is no room to build this file; take the tables one by one") from error
    name = {"content-disposition": f'attachment; filename="open-government-{release.number}.zip"'}
    return _answer(request, asked, release, "application/zip", file, name)


async def _asked(request: Request) -> tuple[Query, Site, Head]:
    asked = query.read(query.given(request.scope["query_string"]), PARAMETERS)
    site = site_of(request)
    return asked, site, await release_of(site, asked.as_of)


async def facts_of(site: Site, release: Head) -> tuple[Facts, dict[str, File]]:
    """What is told of a release, and its CSV files by noun."""
    told = {noun: {suffix: await _file(site, release, noun, suffix) for suffix in TOLD} for noun in NOUNS}
    plans = await site.store.reading(listings.page, Listing(noun="plans", release=release.number, limit=MOST_PLANS))
    settings = site.settings
    facts = Facts(
        base=site.base,
        release=release.number,
        made_at=release.made_at or EPOCH,
        publisher=settings.publisher,
        contact=settings.contact,
        licence_name=settings.licence_name,
        licence_url=settings.licence_url,
        counts=release.counts,
        plans=[msgspec.json.decode(one.doc, type=Plan) for one in plans],
        files={
            noun: {suffix: Size(file.size, file.sha256) for suffix, file in files.items()}
            for noun, files in told.items()
        },
        suffixes={suffix: format.media_type for suffix, format in FORMATS.items()},
    )
    return facts, {noun: files["csv"] for noun, files in told.items()}


async def _file(site: Site, release: Head, noun: str, suffix: str) -> File:
    try:
        return await bulk.file_of(site, FORMATS[suffix], Listing(noun=noun, release=release.number), Query())
    except OSError as error:
        raise StoreUnavailable("there is no room for the files that this tells of; try again later") from error


def _answer(
    request: Request,
    asked: Query,
    release: Head,
    content_type: str,
    body: bytes | File,
    headers: dict[str, str] | None = None,
) -> Response:
    site = site_of(request)
    others = [
        Link(site.url(path), "describedby", media_type.partition(";")[0]) for path, (media_type, _) in DOCUMENTS.items()
    ]
    one = Representation(
        content_type=content_type,
        body=body,
        last_modified=release.made_at or EPOCH,
        cache_control=PINNED if isinstance(asked.as_of, int) else CURRENT,
        links=[*others, *common_links(site)],
        headers=headers or {},
    )
    return answer(request, one)
