"""Answers over HTTP: kept ones against a bare ASGI application with the same answers, others against a handler written by hand,
through nginx against its files."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

from benchmarks.figures import Figure, Place, alternating
from benchmarks.servers import Answer, bare, byhand, free_port, ours, wrk, wrk_anew

SHIPPED = Path(__file__).parent.parent / "deploy" / "nginx.conf"
ITEM, LIST = "/v1/commitments/xx-p10-c5.json", "/v1/commitments.json"
HOT = {
    "one commitment": ITEM,
    "list of 100 commitments": LIST,
    "Atom of 50 commitments": "/v1/commitments.atom",
    "page of the delayed progress lines of a plan": "/v1/progress.json?plan=xx-p10&status=delayed",
}


def figures(place: Place) -> Iterator[Figure]:
    with ours(place.dsn, LIST) as url:
        yield from hot(place, url)
        yield from behind_nginx(place, url)
    with ours(place.dsn, LIST, OGP_CACHE_BYTES="0") as url, byhand(place.dsn, LIST) as reference:
        for name, path in [("one commitment", ITEM), ("list of 100 commitments", LIST)]:
            asked = [partial(wrk_anew, place.directory, one + path) for one in (url, reference)]
            pair = alternating(*asked)
            yield Figure(f"{name}, no cache, requests/s", "ASGI and asyncpg by hand", *pair, "≥ 0.60")


def hot(place: Place, url: str) -> Iterator[Figure]:
    """What is kept, as it is and compressed."""
    for coding, reach in (("identity", "≥ 0.85"), ("br", "≥ 0.80")):
        answers = {path: answer(url + path, coding) for path in HOT.values()}
        with bare(place.directory, answers) as reference:
            for name, path in HOT.items():
                field = ("-H", f"Accept-Encoding: {coding}")
                pair = alternating(partial(wrk, url + path, *field), partial(wrk, reference + path, *field))
                told = "bare ASGI, the same answers" if coding == "identity" else "the same, compressed"
                yield Figure(f"hot {name}, requests/s", told, *pair, reach)


def answer(url: str, coding: str) -> Answer:
    """Header and body of an answer, without what the server adds itself."""
    with urlopen(Request(url, headers={"Accept-Encoding": coding})) as given:
        body: bytes = given.read()
        told = [(name.lower().encode(), text.encode()) for name, text in given.headers.items()]
    return [pair for pair in told if pair[0] not in (b"date", b"server", b"connection")], body


def behind_nginx(place: Place, url: str) -> Iterator[Figure]:
    """The same through the shipped nginx, against the same bytes as its files."""
    with nginx(place.directory, url) as front:
        for name, path in list(HOT.items())[:3]:
            body = answer(url + path, "identity")[1]
            (place.directory / "files" / "body").write_bytes(body)
            pair = alternating(partial(wrk, front + path), partial(wrk, f"{front}/files/body"))
            yield Figure(f"{name} through the shipped nginx, requests/s", "a file of nginx", *pair, "≥ 0.90")


@contextmanager
def nginx(directory: Path, url: str) -> Iterator[str]:
    """The shipped configuration before an address, with one worker, and a place for files beside."""
    (directory / "files").mkdir(exist_ok=True)
    port = free_port()
    text = SHIPPED.read_text().replace("127.0.0.1:8000", url.removeprefix("http://"))
    text = text.replace("listen [::]:8080;", f"location /files/ {{ root {directory}; }}")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("worker_processes auto;", "")
    (directory / "nginx.conf").write_text(f"daemon off;\nmaster_process off;\n{text}")
    command = ["taskset", "-c", "0", "/usr/sbin/nginx", "-p", str(directory), "-c", str(directory / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
