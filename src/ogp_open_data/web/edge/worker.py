"""The beginning of a process that answers: room for its figures first, then the application."""

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ogp_open_data import settings
from ogp_open_data.events import log

if TYPE_CHECKING:
    from litestar.types import ASGIApp

# One mapped file each, of the kinds that `metrics` has; 1,120 series of 160 bytes are all that there can be in the largest.
KINDS = ("counter", "histogram", "gauge_livemin", "gauge_livesum")
ROOM = 256 * 1024


def application() -> "ASGIApp":
    """What uvicorn runs in each worker. The room comes first, as prometheus_client looks for it when it is imported."""
    # Until the application is up: nothing of what is loaded is garbage, and to look for it takes a tenth of a start.
    gc.disable()
    if (directory := settings.shared_figures()) is not None:
        reserve(Path(directory))
    from ogp_open_data.web.app import create

    return create()


def reserve(directory: Path) -> None:
    """Take the room of this worker's figures now; without it, they are kept apart.

    On a disk that is full the first touch of a page of a mapped file ends the process (SIGBUS), and each that follows it.
    """
    paths = [directory / f"{kind}_{os.getpid()}.db" for kind in KINDS]
    try:
        for path in paths:
            path.write_bytes(bytes(ROOM))
    except OSError as error:
        for path in paths:
            path.unlink(missing_ok=True)
        settings.keep_figures_apart()
        log("figures.apart", reason=str(error))
