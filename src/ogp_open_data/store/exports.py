"""All rows of a listing: what they come to, and their texts as they are stored, in batches that are read side by side."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from itertools import islice, pairwise
from typing import Any, NamedTuple

from ogp_open_data.records import Filter
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.listings import ORDER, Listing, Place, Statement, beyond, order_of

# How many rows match, a digest of their digests in any order, and the oldest release, which tells in which shape they are. Two sums
# of hashes take 1.0 s of a million rows; one text of all digests in their order took 2.4.
SUMMARY = (
    "count(*), concat_ws('-', sum(hashtextextended(sha256, 0)), sum(hashtextextended(sha256, 1))), min(from_release)"
)
# Every so many rows the place.
PLACES = """
SELECT place, sort_key
FROM (SELECT {expression} AS place, sort_key, row_number() OVER ({order}) AS number {match}) AS row
WHERE number % {size} = 0 ORDER BY number
"""
# All that a noun had by release $1, ended or not: the index knows that much alone, in a fifth of the time.
INDEXED = "FROM record WHERE noun = '{noun}' AND from_release <= $1"
# No batch has more rows. PostgreSQL takes a limit that it cannot know for a tenth of them, and reads them in the order of an index:
# with a number, or none, it sorted batches of a small table, and looked at all of the table for each, in eight times the time.
IN_ORDER = ORDER + " LIMIT (SELECT {limit}::bigint)"
# Rows of a batch, some 4 MB at most, and how many batches are read at a time.
SIZE = 8192
AHEAD = 2
# Up to so many rows have batches of their own; more share those of their noun, which are not as full, but found once a release.
FEW = 16 * SIZE


class Summary(NamedTuple):
    """Of all rows that match: how many, a digest of their digests, and the release of the oldest."""

    rows: int
    digest: str
    oldest: int | None


async def summary(connection: Connection, listing: Listing) -> Summary:
    """What all records that match come to."""
    made = Statement(listing)
    row = await connection.fetchrow(f"SELECT {SUMMARY} {made.match}", *made.arguments)
    assert row is not None
    return Summary(*row)


async def places(connection: Connection, listing: Listing) -> tuple[Place, ...]:
    """The places where batches of a listing end; what a noun has of other releases counts along where nothing is filtered."""
    made, order = Statement(listing), order_of(listing)._asdict()
    match = INDEXED.format(noun=listing.noun) if listing.filter == Filter() else made.match
    text = PLACES.format(size=SIZE, match=match, order=ORDER.format(**order), **order)
    return tuple((row[0], row[1]) for row in await connection.fetch(text, *made.arguments))


async def everything(store: Store, listing: Listing, column: str, ends: Sequence[Place]) -> AsyncIterator[bytes]:
    """The texts in a column (`doc` or `csv`) of all rows of a listing as lines, the next ones read meanwhile; batches end at
    the places in `ends`.

    A `csv` line ends in CRLF, a `doc` in LF, and each piece holds whole lines. A release never changes, so each batch may use
    another connection, and none waits for a reader.
    """
    ranges = pairwise((None, *ends, None))
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
        # What becomes of them concerns nobody any more.
        await asyncio.gather(*coming, return_exceptions=True)


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
    limited = IN_ORDER.format(limit=made.given(SIZE), **order)
    columns = "csv, NULL" if column == "csv" else "doc"
    return "\n".join([f"SELECT {columns}", made.match, *bounds, limited]), made.arguments
