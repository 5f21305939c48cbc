"""All rows of a listing: what they come to, and their texts as they are stored, in batches that are read side by side."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice, pairwise
from typing import Any, NamedTuple

from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.listings import LIMITED, ORDER, Listing, Place, Statement, beyond, order_of

# How many rows match, a digest of their digests, of which the ETag of a bulk answer is made without reading the rows, the oldest
# release, which tells in which shape they are, and the places where batches end.
SUMMARY = """
SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(sha256, ''), ''), 'UTF8')), 'hex'), min(from_release),
    array_agg(place) FILTER (WHERE {ends}), array_agg(sort_key) FILTER (WHERE {ends})
FROM (SELECT sha256, from_release, {expression} AS place, sort_key, row_number() OVER ({order}) AS number {match} {order}) AS row
"""
ENDS = "number = {first} OR number % {size} = 0"
# Rows of the first batch, so that the first byte comes early, and of the others, about 4 MB; so many are read at a time.
FIRST = 256
SIZE = 8192
AHEAD = 2


class Summary(NamedTuple):
    """Of all rows that match: how many, a digest of their digests, the release of the oldest, and the places where batches end."""

    rows: int
    digest: str
    oldest: int | None
    places: tuple[Place, ...]


async def summary(connection: Connection, listing: Listing) -> Summary:
    """What all records that match come to, in their order."""
    made, order = Statement(listing), order_of(listing)._asdict()
    ends = ENDS.format(first=FIRST, size=SIZE)
    text = SUMMARY.format(ends=ends, match=made.match, order=ORDER.format(**order), **order)
    row = await connection.fetchrow(text, *made.arguments)
    assert row is not None
    rows, digest, oldest, values, keys = row
    return Summary(rows, digest, oldest, tuple(zip(values or (), keys or (), strict=True)))


async def everything(store: Store, listing: Listing, column: str, places: tuple[Place, ...]) -> AsyncIterator[bytes]:
    """The texts in a column (`doc` or `csv`) of all rows of a listing as lines, the next ones read meanwhile; `places` are those
    of its summary.

    A `csv` line ends in CRLF, a `doc` in LF, and each piece holds whole lines. A release never changes, so each batch may use
    another connection, and none waits for a reader.
    """
    ranges = pairwise((None, *places, None))
    coming: deque[asyncio.Task[list[bytes]]] = deque()

    def begin(number: int) -> None:
        coming.extend(
            asyncio.create_task(store.reading(batch, listing, column, *one)) for one in islice(ranges, number)
        )

    try:
        begin(AHEAD)
        while coming:
            pieces = await coming.popleft()
            begin(1)
            for piece in pieces:
                yield piece
    finally:
        for one in coming:
            one.cancel()


async def batch(
    connection: Connection, listing: Listing, column: str, after: Place | None, last: Place | None
) -> list[bytes]:
    """The lines of the rows of a listing after a place, up to the last.

    By COPY: what is sent is what is stored, no row becomes an object, and what comes in a piece leaves in one: joined to batches
    and searched, the bytes cost our process 2.5 times as much. The csv form of COPY quotes what has a line break in it, with a
    sign that no text of ours has, which is taken out again; that of an empty second column becomes the CR of a CSV line.
    """
    text, arguments = batch_text(listing, column, after, last)
    pieces: list[bytes] = []

    async def take(piece: bytes) -> None:
        lines = piece.replace(b"\x02", b"\r").replace(b"\x01", b"") if column == "csv" else piece
        pieces.append(bytes(lines))

    await connection.copy_from_query(text, *arguments, output=take, format="csv", quote="\x01", delimiter="\x02")
    return pieces


def batch_text(listing: Listing, column: str, after: Place | None, last: Place | None) -> tuple[str, list[Any]]:
    """The statement of a batch, and its arguments."""
    assert column in ("doc", "csv"), "a column is never what somebody sent"
    made, order = Statement(listing), order_of(listing)._asdict()
    sides = ((after, order["onward"]), (last, f"{order['back']}="))
    bounds = [beyond(made, place, operator, order) for place, operator in sides if place is not None]
    # Only says how few they are: without it they were planned to be read in any order and sorted, in thrice the time.
    limited = LIMITED.format(limit=made.given(SIZE), **order)
    columns = "csv, NULL" if column == "csv" else "doc"
    return "\n".join([f"SELECT {columns}", made.match, *bounds, limited]), made.arguments
