"""Answers over HTTP: kept ones against a bare ASGI application with the same answers, others against a handler written by hand,
through nginx against its files, whole tables against COPY."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

import asyncpg

from benchmarks.figures import Figure, Place, alternating, rate
from benchmarks.servers import Answer, bare, byhand, free_port, ours, peak, wrk, wrk_anew

SHIPPED = Path(__file__).parent.parent / "deploy" / "nginx.conf"
ITEM, LIST = "/v1/commitments/xx-p10-c5.json", "/v1/commitments.json"
HOT = {
    "one commitment": ITEM,
    "list of 100 commitments": LIST,
    "Atom of 50 commitments": "/v1/commitments.atom",
    "page of the delayed progress lines of a plan": "/v1/progress.json?plan=xx-p10&status=delayed",
}
# A filter that every line passes, so that rows are read from the database and not from a finished file.
STREAMED = "period_from=1900-01-01"


def figures(place: Place) -> Iterator[Figure]:
    with ours(place.dsn, LIST) as url:
        yield from hot(place, url)
        yield from behind_nginx(place, url)
    with ours(place.dsn, LIST, OGP_CACHE_BYTES="0") as url, byhand(place.dsn, LIST) as reference:
        for name, path in [("one commitment", ITEM), ("list of 100 commitments", LIST)]:
            asked = [partial(wrk_anew, place.directory, one + path) for one in (url, reference)]
            pair = alternating(*asked)
            yield Figure(f"{name}, no cache, requests/s", "ASGI and asyncpg by hand", *pair, "≥ 0.60")
    yield from tables(place.dsn)


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


def tables(dsn: str) -> Iterator[Figure]:
    """All progress lines, streamed and as the finished file of the release."""
    with ours(dsn, LIST) as url:
        for suffix, reach in (("csv", "≥ 0.67"), ("ndjson", "≥ 1")):
            before, copying = peak(url), partial(copied, dsn, suffix)
            pair = alternating(
                partial(rate, fetched(f"{url}/v1/progress.{suffix}?{STREAMED}")),
                partial(rate, copying),
            )
            yield Figure(f"{suffix.upper()} of all progress lines, streamed, rows/s", "COPY … TO STDOUT", *pair, reach)
            yield Figure("growth of the process meanwhile, MiB", "32", max(peak(url) - before, 0.01), 32, "≤ 1")
            fetched(f"{url}/v1/progress.{suffix}")()
            pair = alternating(
                partial(rate, fetched(f"{url}/v1/progress.{suffix}")),
                partial(rate, copying),
            )
            yield Figure(
                f"{suffix.upper()} of all progress lines, the finished file, rows/s", "COPY … TO STDOUT", *pair
            )


def fetched(url: str) -> Callable[[], int]:
    """Read an answer to its end; its rows."""

    def get() -> int:
        with urlopen(url) as given:
            rows = int(given.headers["OGP-Row-Count"])
            while given.read(1 << 20):
                pass
        return rows

    return get


def copied(dsn: str, suffix: str) -> int:
    """COPY of the same texts to nowhere; the rows."""
    return asyncio.run(_copied(dsn, suffix))


async def _copied(dsn: str, suffix: str) -> int:
    column = "csv" if suffix == "csv" else "doc"
    connection = await asyncpg.connect(dsn)

    async def nowhere(data: bytes) -> None:
        pass

    query = f"SELECT {column} FROM record WHERE noun = 'progress' AND until_release IS NULL ORDER BY sort_key"
    status = await connection.copy_from_query(query, output=nowhere)
    await connection.close()
    return int(status.split()[-1])
