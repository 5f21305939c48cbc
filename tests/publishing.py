"""For tests of writes: a served store of its own with keys, and requests that carry them."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.store import checks, keys
from ogp_open_data.store.doors import Store
from serving import DOCUMENTS, running

TWIN = (DOCUMENTS / "twin.txt").read_bytes()
PROBLEM = "application/problem+json"
CALLERS = {
    "office": ([], ["admin"]),
    "ssc": (["nz-psc"], ["import", "correct", "withdraw"]),
    "dia": (["nz-dia"], ["import"]),
}


class Office:
    """A served store, and a client for the holder of each key."""

    def __init__(self, url: str, dsn: str, texts: dict[str, str]) -> None:
        self.url = url
        self.dsn = dsn
        self.keys = texts
        self.open = ExitStack()
        self.reader = self.open.enter_context(httpx.Client(base_url=url, timeout=90))

    def client(self, name: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.keys[name]}"}
        return self.open.enter_context(httpx.Client(base_url=self.url, timeout=90, headers=headers))

    def etag(self, path: str) -> dict[str, str]:
        return {"if-match": self.reader.get(path).headers["etag"]}


@contextmanager
def office(dsn: str, *arguments: str) -> Iterator[Office]:
    """Serve a store that has the bundled plan and a key for each of CALLERS."""
    texts = asyncio.run(_begun(dsn))
    with running("--database-url", dsn, "--workers", "1", *arguments) as (_, url):
        one = Office(url, dsn, texts)
        with one.open:
            yield one


async def _begun(dsn: str) -> dict[str, str]:
    store = Store(dsn)
    await store.open()
    try:
        await import_document(store, next(sample()), vocabulary.load())
        async with store.writing() as connection:
            return {name: await keys.create(connection, name, *scope) for name, scope in CALLERS.items()}
    finally:
        await store.close()


async def faults(dsn: str) -> list[str]:
    """What the self-check of a store finds."""
    store = Store(dsn)
    await store.open()
    try:
        return await store.reading(checks.faults)
    finally:
        await store.close()


def planned(client: httpx.Client, body: bytes, name: str = "report.txt", **parameters: str) -> httpx.Response:
    """Hand a text in."""
    headers = {"content-type": "text/plain; charset=utf-8"}
    return client.post("/v1/imports", content=body, headers=headers, params={"filename": name, **parameters})


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer that is refused."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM and answer.headers["access-control-allow-origin"] == "*"
    problem = answer.json()
    assert problem["type"].endswith(f"/docs/errors/{code}") and problem["status"] == status
    return problem
