"""The lines of a table from the lines of its records, by a process beside this one where they are many.

A line of CSV takes about as long to make as all else that is done with a record of a copy: 20 of 43 µs of processor time.
`python -m ogp_open_data.formats.beside NOUN` makes CSV lines on its standard output of the NDJSON on its standard input.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO

import msgspec

from ogp_open_data.formats import to_csv

# Fewer are made before a process has begun.
MANY = 20_000


@asynccontextmanager
async def table(noun: str, file: BinaryIO, rows: int) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """A function that adds to a file the CSV lines of records, given as NDJSON; all are there at the end. `rows` is about how many.

    Raises OSError where the file cannot be written.
    """
    if rows < MANY:

        async def here(records: bytes) -> None:
            file.write(lines(noun, records))

        yield here
        return
    file.flush()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, noun), stdin=asyncio.subprocess.PIPE, stdout=file
    )
    assert process.stdin is not None

    async def there(records: bytes) -> None:
        assert process.stdin is not None
        process.stdin.write(records)
        await process.stdin.drain()

    lost = None
    try:
        try:
            yield there
        except (BrokenPipeError, ConnectionResetError) as error:
            # It ended before us, and says why.
            lost = error
        process.stdin.close()
        if (code := await process.wait()) or lost:
            raise OSError(code, os.strerror(code) if code > 0 else "what writes the table was ended") from lost
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def lines(noun: str, records: bytes) -> bytes:
    """The CSV lines of records that are given as NDJSON."""
    told = map(msgspec.json.decode, records.split(b"\n")[:-1])
    return "".join([f"{to_csv.line_of(noun, one)}\r\n" for one in told]).encode()


def main() -> None:
    """Exits with the number of the error that the system gives where the lines cannot be written."""
    try:
        while batch := sys.stdin.buffer.readlines(1 << 18):
            sys.stdout.buffer.write(lines(sys.argv[1], b"".join(batch)))
        sys.stdout.buffer.flush()
    except OSError as error:
        # Not by the interpreter's own way out, which would try to write what is left.
        os._exit(error.errno or 1)


if __name__ == "__main__":
    main()
