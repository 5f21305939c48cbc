"""Running it: `serve`. What takes long to load is loaded while PostgreSQL starts."""

import gc
import os
import signal
import sys
from contextlib import ExitStack, suppress
from importlib import import_module
from threading import Thread
from types import FrameType

import click

from ogp_open_data import settings
from ogp_open_data.cli.stores import opened, with_store

PREPARING, SERVING = "ogp_open_data.cli.preparing", "ogp_open_data.web.edge.server"
# What the process that answers needs. Workers load it themselves, once they have room for their figures.
ANSWERING = "ogp_open_data.web.app"
WORKERS = click.option(
    "--workers", type=click.IntRange(1, 64), metavar="N", help="Processes; one for each core up to 4, if not given."
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), metavar="P")
@WORKERS
@click.option("--sample", is_flag=True, help="Load the bundled sample into an empty store.")
@with_store
def serve(
    host: str, port: int, workers: int | None, sample: bool, data_dir: str | None, database_url: str | None
) -> None:
    """Migrate, then answer requests until SIGTERM or SIGINT."""
    _end_quietly()
    workers = workers or default_workers()
    if workers == 1:
        # As in each worker, until the application is up.
        gc.disable()
    chosen = settings.load(data_dir=data_dir, database_url=database_url)
    with ExitStack() as stack:
        loading = _loading(PREPARING, ANSWERING if workers == 1 else SERVING)
        ready = opened(stack, chosen, watch=True)
        from ogp_open_data.cli.preparing import prepare

        prepare(ready, sample)
        # Two threads that load the same modules from two ends could meet one half loaded.
        loading.join()
        from ogp_open_data.web.edge import server

        server.serve(ready, host, port, workers)


def _loading(*modules: str) -> Thread:
    """A thread that loads some modules; whoever needs one of them waits for it, and is told where it fails."""

    def load() -> None:
        with suppress(Exception):
            for name in modules:
                import_module(name)

    thread = Thread(target=load, name="load", daemon=True)
    thread.start()
    return thread


def default_workers() -> int:
    """One for each core this process may use; more than four want a machine that is thought about."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 4)


def _end_quietly() -> None:
    """From here on a signal to end is a wish, not a failure: what is open is closed, and the exit code is 0."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
