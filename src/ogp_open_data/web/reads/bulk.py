"""Bulk answers: every matching row of a list. What a release has of a noun is a finished file, built once; a few rows are made
in memory; many rows of a question of its own are joined as they are read, and what must be built whole is built beside.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from ogp_open_data import __version__
from ogp_open_data.errors import BadRequest, OpenDataError, StoreUnavailable
from ogp_open_data.events import log
from ogp_open_data.formats import FORMATS, Format, build, to_csv, to_json, to_xlsx
from ogp_open_data.formats.about import About
from ogp_open_data.formats.build import Order
from ogp_open_data.records import Filter
from ogp_open_data.store import exports, listings, releases
from ogp_open_data.store.listings import Found, Listing
from ogp_open_data.store.releases import Head
from ogp_open_data.web.answers import Representation, etag_of
from ogp_open_data.web.asking import EPOCH, about_file, common_links, list_links, query_string
from ogp_open_data.web.query import Query
from ogp_open_data.web.reads.files import File
from ogp_open_data.web.site import Request, Site

# Bulk answers up to this many rows are made whole, with their length.
WHOLE = listings.BATCH
NDJSON = FORMATS["ndjson"]
MARK = "\ufeff".encode()


async def of_all(
    request: Request, site: Site, format: Format, listing: Listing, asked: Query, release: Head
) -> Representation:
    """All rows of a list; their count is told before the first."""
    count, digest, _ = await site.summary(listing)
    body: bytes | File | AsyncIterator[bytes] | None = None
    origin = about(request, site, listing, release)
    if is_table(listing, asked) or (format.rows == "built" and count > WHOLE):
        body = await _file_if_room(site, format, listing, asked, origin)
    elif count <= WHOLE:
        rows = await site.store.reading(listings.page, listing, ("doc", "csv"))
        body = await of_rows(site, format, listing, asked, rows, origin)
    etag = etag_of(digest, format.suffix, repr(asked), "1") if body is None else None
    return Representation(
        content_type=format.content_type,
        body=_joined(site, format, listing, asked) if body is None else body,
        etag=etag,
        last_modified=EPOCH,
        links=[*common_links(site, listing.noun, format), *list_links(site, format, listing.noun, request, {})],
        headers=headers(format, listing, count),
    )


def is_table(listing: Listing, asked: Query) -> bool:
    """Whether this is all that a release has of a noun."""
    whole = Listing(noun=listing.noun, release=listing.release)
    return listing == whole and asked.fields is None


def about(request: Request, site: Site, listing: Listing, release: Head) -> About:
    """What a file of these rows says of itself."""
    address = site.url(f"/v1/{listing.noun}") + query_string(request, as_of=str(listing.release))
    title = f"{listing.noun.capitalize()} of the national action plans"
    if listing.filter != Filter():
        title += ", some of them"
    return about_file(site, title, listing.release, release.made_at or EPOCH, address)


def headers(format: Format, listing: Listing, count: int) -> dict[str, str]:
    """What a bulk answer says of itself before its first row."""
    name = f'attachment; filename="{listing.noun}.{format.suffix}"'
    return {"ogp-row-count": str(count), "content-disposition": name}


async def of_rows(
    site: Site, format: Format, listing: Listing, asked: Query, rows: Sequence[Found], origin: About
) -> bytes:
    """A few rows, whole."""
    if format.rows == "built":
        lines = await _lines(site, NDJSON, listing, Query(), rows)
        return await asyncio.to_thread(build.built, format.suffix, listing.noun, lines, asked.fields, origin)
    return _head(format, listing, asked) + await _lines(site, format, listing, asked, rows)


async def _joined(site: Site, format: Format, listing: Listing, asked: Query) -> AsyncIterator[bytes]:
    """The bytes of a format that is joined of lines, a batch of rows at a time: as they are stored, where that will do."""
    yield _head(format, listing, asked)
    oldest, shaped_in = (await site.summary(listing)).oldest, (await site.dataset()).shaped_in
    shaped = format.suffix == "ndjson" or oldest is None or oldest >= shaped_in
    ends = await site.ends(listing)
    if asked.fields is None and shaped:
        async for lines in exports.everything(site.store, listing, "csv" if format.suffix == "csv" else "doc", ends):
            yield lines
        return
    async for lines in exports.everything(site.store, listing, "doc", ends):
        # Not by splitlines, for which a text may have other line ends in it.
        yield b"".join(_line(format, listing, asked, doc) for doc in lines.split(b"\n") if doc)


def _line(format: Format, listing: Listing, asked: Query, doc: bytes) -> bytes:
    """A record as a line, made anew."""
    if format.suffix == "ndjson":
        return to_json.chosen(doc, asked.fields) + b"\n"
    return f"{to_csv.line(releases.decode(listing.noun, doc), asked.fields)}\r\n".encode()


def _head(format: Format, listing: Listing, asked: Query) -> bytes:
    if format.suffix != "csv":
        return b""
    return (MARK if asked.bom else b"") + f"{to_csv.header(listing.noun, asked.fields)}\r\n".encode()


async def _lines(site: Site, format: Format, listing: Listing, asked: Query, rows: Sequence[Found]) -> bytes:
    """Rows as lines: as they are stored, unless only some fields are asked for, or they were stored with fewer columns."""
    shaped_in = (await site.dataset()).shaped_in
    if format.suffix == "csv" and asked.fields is None and all(one.release >= shaped_in for one in rows):
        return "".join(f"{one.csv}\r\n" for one in rows).encode()
    return b"".join(_line(format, listing, asked, one.json) for one in rows)


async def _file_if_room(site: Site, format: Format, listing: Listing, asked: Query, origin: About) -> File | None:
    """A finished file; None where there is no room for one and the rows can do without."""
    try:
        return await file_of(site, format, listing, asked, origin)
    except OSError as error:
        log("file.failed", file=f"{listing.noun}.{format.suffix}", said=str(error))
        if format.rows == "built":
            raise StoreUnavailable("there is no room to build this file; take CSV, or try again later") from error
        return None


async def file_of(site: Site, format: Format, listing: Listing, asked: Query, origin: About | None = None) -> File:
    """A finished file of all rows of a list, built where there is none yet.

    It is known by what is in it, so a release that changed none of its rows has the same file; but for built formats, which
    name their release inside.
    """
    count, digest, _ = await site.summary(listing)
    order = (listing.noun, listing.sort, listing.descending)
    question = repr((__version__, digest, count, order, format.suffix, asked.fields, asked.bom))
    if format.rows == "built":
        assert origin is not None, "a file that is built says what it is"
        question += repr(origin)
        if site.files.find(question) is None:
            _refuse_too_many(format, count)
            rows = await file_of(site, NDJSON, listing, Query())
            way = _built_here if count <= WHOLE else _built_beside
            return await site.files.get(question, "built", partial(way, _order(format, listing, asked, origin, rows)))
    return await site.files.get(question, "joined", _joining(site, format, listing, asked))


def _refuse_too_many(format: Format, count: int) -> None:
    if format.suffix == "xlsx" and count > to_xlsx.MOST_ROWS:
        raise BadRequest(
            f"a workbook has {to_xlsx.MOST_ROWS:,} rows at most and these are {count:,}; filter them, or take CSV"
        )


def _joining(site: Site, format: Format, listing: Listing, asked: Query) -> Callable[[Path], Awaitable[None]]:
    async def write(path: Path) -> None:
        with open(path, "wb") as out:
            async for chunk in _joined(site, format, listing, asked):
                out.write(chunk)

    return write


def _order(format: Format, listing: Listing, asked: Query, origin: About, rows: File) -> Order:
    fields = list(asked.fields) if asked.fields is not None else None
    return Order(suffix=format.suffix, noun=listing.noun, rows=str(rows.path), fields=fields, about=origin)


async def _built_here(order: Order, path: Path) -> None:
    await asyncio.to_thread(build.carry_out, order, str(path))


async def _built_beside(order: Order, path: Path) -> None:
    """By a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", build.__name__, str(path)),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate(msgspec.json.encode(order))
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode == build.NO_ROOM:
        raise OSError(build.NO_ROOM, os.strerror(build.NO_ROOM))
    if process.returncode != 0:
        log("file.failed", file=f"{order.noun}.{order.suffix}", said=said.decode(errors="replace")[-2000:])
        raise OpenDataError(f"the {order.suffix.upper()} file could not be built; it was logged. CSV has the same rows")
