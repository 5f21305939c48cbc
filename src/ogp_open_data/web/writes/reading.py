"""Documents are read in a process of their own: what is slow, or too much, takes nothing from those who only read the data."""

import resource
from pathlib import Path

import anyio
from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake import importer
from ogp_open_data.intake.importer import Document, Understood
from ogp_open_data.intake.reading import vocabulary

# The slowest document that is not refused takes about a second on an idle machine.
SECONDS = 10.0
# What reading may take beside the program itself. The largest of our hostile documents takes 90 MB.
MEMORY = 256 * 1024 * 1024
TOO_MUCH = (
    "reading this document takes more time or memory than a report does; save it again as plain text, and send that"
)


class Reading:
    """One document at a time: publishers wait for each other, readers for nobody. `vocabulary` is the publisher's own file."""

    def __init__(self, vocabulary: str | None = None) -> None:
        self.vocabulary = vocabulary
        self.turn: CapacityLimiter | None = None

    async def understood(self, document: Document) -> Understood:
        """What a document claims. Raises DocumentRefused where it is no report, or takes too much."""
        self.turn = self.turn or CapacityLimiter(1)
        async with self.turn:
            # Starting the process takes a second, and is not the document's fault.
            await to_process.run_sync(_ready)
            try:
                with anyio.fail_after(SECONDS):
                    return await to_process.run_sync(_understood, document, self.vocabulary, cancellable=True)
            except (TimeoutError, BrokenWorkerProcess) as error:
                raise DocumentRefused(f"{document.name}: {TOO_MUCH}") from error


def _ready() -> None:
    """In the other process: load what documents are read with."""
    from ogp_open_data.intake.reading import from_table, report  # noqa: F401


def _understood(document: Document, own: str | None) -> Understood:
    """In the other process: read within its bounds, with the vocabulary that the publisher laid over ours."""
    known = vocabulary.load(own)
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_taken() + MEMORY, before[1]))
    try:
        return importer.understood(document, known)
    except MemoryError as error:
        raise DocumentRefused(f"{document.name}: {TOO_MUCH}") from error
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _taken() -> int:
    """Bytes of address space that this process has; where /proc does not tell, as much as one of ours ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 1024 * 1024 * 1024
