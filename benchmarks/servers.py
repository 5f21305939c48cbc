"""Servers to measure: ours and references, pinned to one core; the load, by wrk, to another."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

SECONDS = 3


@contextmanager
def served(command: list[str], environ: dict[str, str], port: int, path: str) -> Iterator[str]:
    """A server pinned to the first core, ready to answer `path`."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", *command], env={**os.environ, **environ}, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            try:
                urlopen(url + path, timeout=5).read()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise RuntimeError(f"{' '.join(command)} does not answer")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def ours(dsn: str, path: str = "/livez", **environ: str) -> Iterator[str]:
    """The program on a database, with one worker, ready to answer `path`."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "ogp_open_data",
        "serve",
        "--workers",
        "1",
        "--port",
        str(port),
        "--database-url",
        dsn,
    ]
    with served(command, environ, port, path) as url:
        yield url


@contextmanager
def bare(directory: Path, body: bytes) -> Iterator[str]:
    """The address of a body as a bare ASGI application gives it."""
    bodies = directory / "bodies"
    bodies.mkdir(exist_ok=True)
    (bodies / "body").write_bytes(body)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare:app", "--port", str(port), "--no-access-log"]
    with served([*command, "--lifespan", "off"], {"BARE_BODIES": str(bodies)}, port, "/body") as url:
        yield url + "/body"


def wrk(url: str) -> float:
    """Requests/s over 32 connections."""
    command = ["taskset", "-c", str((os.cpu_count() or 2) - 1), "wrk", "-t1", "-c32", f"-d{SECONDS}s", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None
    return float(found[1])
