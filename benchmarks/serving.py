"""Answers over HTTP: requests/s against a bare ASGI application that gives the same bytes, whole tables against COPY."""

import asyncio
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import asyncpg

from benchmarks.figures import Figure, Place, alternating, rate
from benchmarks.servers import bare, ours, wrk

HOT = {
    "one commitment": "/v1/commitments/xx-p10-c5.json",
    "list of 100 commitments": "/v1/commitments.json",
    "Atom of 50 commitments": "/v1/commitments.atom",
    "page of 100 progress lines by plan and status": "/v1/progress.json?plan=xx-p100&status=delayed",
}


def figures(place: Place) -> Iterator[Figure]:
    yield Figure("CSV of all progress lines, rows/s", "COPY … TO STDOUT", *bulk(place.dsn, "csv"), "≥ 0.67")
    yield Figure("NDJSON of all progress lines, rows/s", "COPY … TO STDOUT", *bulk(place.dsn, "ndjson"), "≥ 1")
    for name, path in HOT.items():
        yield Figure(f"{name}, requests/s", "bare ASGI, same bytes", *requests(place, path), "≥ 0.85")


def requests(place: Place, path: str) -> tuple[float, float]:
    """Requests/s of our answer and of a bare ASGI application that gives the same bytes."""
    with ours(place.dsn, path) as url, bare(place.directory, urlopen(url + path).read()) as reference:
        return alternating(lambda: wrk(url + path), lambda: wrk(reference))


def bulk(dsn: str, suffix: str) -> tuple[float, float]:
    """Rows/s of the whole progress table over HTTP, and of COPY of the same columns to nowhere."""

    def ask(url: str) -> Callable[[], int]:
        def get() -> int:
            with urlopen(f"{url}/v1/progress.{suffix}") as answer:
                rows = int(answer.headers["OGP-Row-Count"])
                while answer.read(1 << 20):
                    pass
            return rows

        return get

    with ours(dsn) as url:
        return alternating(lambda: rate(ask(url)), lambda: rate(lambda: asyncio.run(copy(dsn, suffix))))


async def copy(dsn: str, suffix: str) -> int:
    column = "csv" if suffix == "csv" else "doc"
    connection = await asyncpg.connect(dsn)

    async def nowhere(data: bytes) -> None:
        pass

    query = f"SELECT {column} FROM record WHERE noun = 'progress' AND until_release IS NULL ORDER BY sort_key"
    status = await connection.copy_from_query(query, output=nowhere)
    await connection.close()
    return int(status.split()[-1])
