"""Formats that are built whole: of few rows in memory, of many by a process of their own.

A workbook of 100,000 rows is half a minute of Python, which would hold up every other answer of the process that made it.
`python -m ogp_open_data.formats.build` reads an Order from its standard input and writes the file at the
path that it is given.
"""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec
from msgspec import Struct

from ogp_open_data.formats import to_parquet, to_xlsx
from ogp_open_data.formats.about import About

Writer = Callable[[BinaryIO, str, Iterable[bytes], Sequence[str] | None, About], None]
WRITERS: dict[str, Writer] = {"xlsx": to_xlsx.write, "parquet": to_parquet.write}
# What is read at once, and a row group of Parquet: large enough to compress, small enough to hold.
BATCH = 32 << 20


# Others are answered first.
NICE = 5
# The exit code where the disk is full.
NO_ROOM = errno.ENOSPC


class Order(Struct, frozen=True, kw_only=True):
    """A file to build, of the NDJSON at `rows`."""

    suffix: str
    noun: str
    rows: str
    fields: list[str] | None
    about: About


def built(suffix: str, noun: str, lines: bytes, fields: Sequence[str] | None, about: About) -> bytes:
    """The bytes of a file of few rows, which come as NDJSON."""
    out = io.BytesIO()
    WRITERS[suffix](out, noun, [lines], fields, about)
    return out.getvalue()


def batches(rows: BinaryIO) -> Iterator[bytes]:
    """NDJSON in parts of about BATCH bytes, each of whole lines."""
    while part := rows.read(BATCH):
        yield part + rows.readline()


def carry_out(order: Order, out: str) -> None:
    """Write the file of an order at a path."""
    with open(order.rows, "rb") as rows, open(out, "wb") as file:
        WRITERS[order.suffix](file, order.noun, batches(rows), order.fields, order.about)


def main() -> None:
    os.nice(NICE)
    try:
        carry_out(msgspec.json.decode(sys.stdin.buffer.read(), type=Order), sys.argv[1])
    except OSError as error:
        if error.errno == errno.ENOSPC:
            sys.exit(NO_ROOM)
        raise


if __name__ == "__main__":
    main()
