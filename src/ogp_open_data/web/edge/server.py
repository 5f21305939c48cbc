"""The HTTP server around the application: one process, or several behind one socket; SIGTERM and SIGINT end it with 0."""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

import uvicorn
from msgspec.structs import replace
from uvicorn.supervisors import Multiprocess

from ogp_open_data import settings
from ogp_open_data.errors import Refused
from ogp_open_data.events import log
from ogp_open_data.settings import Settings
from ogp_open_data.web.edge.protocol import Protocol
from ogp_open_data.web.reads import files

GRACE = 10
# Clients wait in this queue from the moment the address is taken.
BACKLOG = 2048


def end_with_parent() -> None:
    """In a worker: end when the process that started it is gone, however it went, and leave the address free."""
    parent, loop = multiprocessing.parent_process(), asyncio.get_running_loop()
    if parent is None:
        return

    def end() -> None:
        loop.remove_reader(parent.sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(parent.sentinel, end)


def drain(seconds: int, begin: Callable[[], None]) -> None:
    """In a worker: after a signal to end go on for some seconds, but hang up after each answer; a second signal ends at once.

    So no connection is closed under a request that is on its way, and a balancer has time to look elsewhere.
    """
    if seconds == 0 or current_thread() is not main_thread():
        return
    loop = asyncio.get_running_loop()
    ends: dict[int, Any] = {}

    def told(number: int, frame: FrameType | None) -> None:
        for one, end in ends.items():
            signal.signal(one, end)
        Protocol.ending = True
        begin()
        loop.call_soon_threadsafe(loop.call_later, seconds, ends[number], number, None)

    for number in (signal.SIGTERM, signal.SIGINT):
        ends[number] = signal.signal(number, told)


def serve(chosen: Settings, host: str, port: int, workers: int) -> None:
    """Answer until told to end. Raises Refused where the address cannot be taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Refused(
            f"{host}:{port} cannot be taken ({error.strerror}); choose another with --host and --port"
        ) from error
    # Workers are started anew and inherit the socket.
    listener.set_inheritable(True)
    port = listener.getsockname()[1]
    if chosen.public_url is None:
        # Nobody can follow a link to a wildcard address.
        known = "localhost" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
        chosen = replace(chosen, public_url=f"http://{known}:{port}")
    with files.directory(chosen) as directory:
        _run(replace(chosen, files_dir=str(directory)), listener, host, port, workers)


def _run(chosen: Settings, listener: socket.socket, host: str, port: int, workers: int) -> None:
    """One process that answers at a socket, or several."""
    settings.to_environment(chosen)
    config = uvicorn.Config(
        "ogp_open_data.web.edge.worker:application",
        http=Protocol,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        # Nothing here speaks WebSocket, and to load it takes 0.05 s of every start.
        ws="none",
        timeout_graceful_shutdown=GRACE,
        proxy_headers=False,
    )
    log("serve.started", url=f"http://{f'[{host}]' if ':' in host else host}:{port}", workers=workers)
    try:
        if workers == 1:
            uvicorn.Server(config).run(sockets=[listener])
        else:
            with TemporaryDirectory(prefix="ogp-figures-") as figures:
                settings.share_figures(Path(figures))
                Multiprocess(config, sockets=[listener]).run()
    finally:
        listener.close()
        log("serve.stopped")
