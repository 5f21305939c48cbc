"""Servers to measure: ours and references, pinned to one core; the load, by wrk, to another."""

import os
import pickle
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

from ogp_open_data.formats import FORMATS

SECONDS = 2
# Header and body.
Answer = tuple[list[tuple[bytes, bytes]], bytes]

# A request that differs from all before by a parameter of its Accept that nothing depends on; for a record, of 400 in turn.
ANEW = """
local number = 0
request = function()
    number = number + 1
    local path = wrk.path:gsub("p10%-c5$", "p" .. math.floor(number / 20) % 20 .. "-c" .. number % 20 + 1)
    return wrk.format("GET", path, {{["Accept"] = "{media_type};v=" .. number}})
end
"""


@contextmanager
def served(command: list[str], environ: dict[str, str], port: int, path: str) -> Iterator[str]:
    """A server pinned to the first core, ready to answer `path`."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", *command],
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        ready(url + path)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def ready(url: str) -> None:
    """Wait until an address answers; a minute at most."""
    for _ in range(6000):
        try:
            urlopen(url, timeout=5).read()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{url} does not answer")


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
    # One client asks for more in a second than the quota gives it in a minute.
    with served(command, {"OGP_READ_QUOTA": "0", **environ}, port, path) as url:
        yield url


@contextmanager
def bare(directory: Path, answers: dict[str, Answer]) -> Iterator[str]:
    """A bare ASGI application that gives these answers, by address."""
    kept = directory / "answers.pickle"
    kept.write_bytes(pickle.dumps({_address(path): answer for path, answer in answers.items()}))
    with uvicorn("benchmarks.bare:app", next(iter(answers)), BARE_ANSWERS=str(kept)) as url:
        yield url


def _address(path: str) -> bytes:
    return (path if "?" in path else f"{path}?").encode()


@contextmanager
def byhand(dsn: str, path: str) -> Iterator[str]:
    """The handler that is written by hand."""
    with uvicorn("benchmarks.byhand:app", path, BYHAND_DSN=dsn) as url:
        yield url


@contextmanager
def uvicorn(app: str, path: str, **environ: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--lifespan", "off"]
    # What ours does without.
    without = ["--no-access-log", "--no-proxy-headers", "--no-server-header"]
    with served([*command, *without], environ, port, path) as url:
        yield url


def peak(url: str) -> float:
    """The most memory, in MiB, that the server at an address has had."""
    port = f":{url.rpartition(':')[2]}"
    out = subprocess.run(["ss", "-Hltnp", f"sport = {port}"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"pid=(\d+)", out)
    assert found is not None, out
    status = Path(f"/proc/{found[1]}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def wrk(url: str, *options: str) -> float:
    """Requests/s over 32 connections."""
    command = ["taskset", "-c", str((os.cpu_count() or 2) - 1), "wrk", "-t1", "-c32", f"-d{SECONDS}s", *options, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    out = told.stdout
    # A script that cannot be read is told, and left out.
    if "Non-2xx" in out or told.stderr:
        raise RuntimeError(out + told.stderr)
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None
    return float(found[1])


def wrk_anew(directory: Path, url: str) -> float:
    """Requests/s where each request is one that nobody made before, at an address that negotiates: by its suffix of another."""
    address, _, suffix = url.rpartition(".")
    script = directory / f"{suffix}.lua"
    script.write_text(ANEW.format(media_type=FORMATS[suffix].media_type))
    return wrk(address, "-s", str(script))
