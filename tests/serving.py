"""The real program on a free loopback port, with the sample and our own report in it; stopped by its pid."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn

from database import executed, named
from growing import grown
from ogp_open_data.settings import Settings
from ogp_open_data.web.app import create
from ogp_open_data.web.feeds import archives

DOCUMENTS = Path(__file__).parent / "documents"


def program(*arguments: str, expect: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "ogp_open_data", *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **environ},
    )
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@contextmanager
def running(*arguments: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`serve` with arguments, one worker if they do not say: the process, and the address it says it answers at."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ogp_open_data", "serve", "--port", "0", "--workers", "1", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )
    assert process.stderr is not None
    try:
        url = ""
        for line in process.stderr:
            if '"serve.started"' in line:
                url = msgspec.json.decode(line)["url"]
                break
        assert url, f"serve ended with {process.wait(5)}"
        # The address is taken before the application is loaded, which a busy machine needs long for.
        httpx.get(f"{url}/livez", timeout=60)
        yield process, url
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stderr.close()


@contextmanager
def within(dsn: str, **options: str) -> Iterator[str]:
    """The address of the application on a thread of this process: up in a moment, where a test needs many, one after another."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create(Settings(database_url=dsn, public_url=url, **options))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        assert httpx.get(f"{url}/livez", timeout=20).status_code == 200
        yield url
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def served(server: str, template: str) -> Iterator[str]:
    """Address of a served copy of the sample and our own report, with releases enough for an archive of each feed."""
    name = f"ogp_served_{os.getpid()}"
    asyncio.run(executed(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    dsn = named(server, name)
    with running(
        "--sample",
        "--database-url",
        dsn,
        OGP_PUBLIC_URL="https://data.example.org",
        OGP_CONTACT="mailto:data@example.org",
    ) as (_, url):
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
        asyncio.run(grown(dsn, archives.SPAN))
        yield url


@pytest.fixture
def client(served: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served, timeout=20) as one:
        yield one
