"""The records of a noun by id, however many: sorted in runs that go to temporary files, so that memory holds only the last one."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from heapq import merge
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from ogp_open_data.records import digest

# Bytes of records that are sorted in memory.
ROOM = 32 * 1024 * 1024
# Records between two moments; some 5 ms.
MOMENT = 256
# From the tab after an id to the text.
TEXT = 66


class Ordered:
    """Lines `id TAB sha256 TAB text`; no id has a byte below a tab's, so their order is that of the ids."""

    def __init__(self, room: int = ROOM) -> None:
        self.count = 0
        self._room = room
        self._size = 0
        self._run: list[bytes] = []
        self._runs: list[IO[bytes]] = []

    def add(self, id: str, text: bytes) -> None:
        """One more record; its text has no line break, as JSON without white space has none."""
        self.count += 1
        self._size += len(text)
        self._run.append(b"%b\t%b\t%b\n" % (id.encode(), digest(text).encode(), text))
        if self._size > self._room:
            self._run.sort()
            file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
            file.writelines(self._run)
            self._runs.append(file)
            self._run, self._size = [], 0

    def _lines(self) -> Iterator[bytes]:
        self._run.sort()
        if not self._runs:
            return iter(self._run)
        for file in self._runs:
            file.seek(0)
        return merge(*self._runs, self._run)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Id and text of each record."""
        for line in self._lines():
            id, _, text = line.split(b"\t", 2)
            yield id.decode(), text[:-1]

    async def __aiter__(self) -> AsyncIterator[tuple[str, bytes]]:
        """The same, with a moment for others every now and then: the next records come meanwhile."""
        for place, one in enumerate(self):
            if place % MOMENT == 0:
                await asyncio.sleep(0)
            yield one

    async def parts(self) -> AsyncIterator[bytes]:
        """The same as NDJSON in parts, with a moment for others between them: the next records come meanwhile."""
        lines = self._lines()
        while part := b"".join([line[line.index(b"\t") + TEXT :] for line in islice(lines, MOMENT)]):
            yield part
            await asyncio.sleep(0)

    def digest(self) -> str:
        """The digest of the noun: over `id TAB sha256 LF`."""
        whole = hashlib.sha256()
        for line in self._lines():
            whole.update(b"%b\n" % line[: line.index(b"\t") + 65])
        return whole.hexdigest()

    def close(self) -> None:
        """Let the temporary files go."""
        for file in self._runs:
            file.close()
