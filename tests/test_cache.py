"""The edge cache: made once and served as a file, bounded, keyed by all that matters and nothing else, emptied by a release."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import brotli
import httpx
import pytest
import zstandard

from database import executed
from ogp_open_data.settings import Settings
from ogp_open_data.web import app
from ogp_open_data.web.edge.cache import OVERHEAD, Cache
from ogp_open_data.web.edge.front import Edge
from ogp_open_data.web.edge.metrics import Measured
from ogp_open_data.web.frozen import alive
from serving import DOCUMENTS, program

BASE = "https://data.example.org"
BODY = b'{"text":"Kawa Mataaho"}' * 200
DECODERS = {
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "gzip": gzip.decompress,
}
# A release that changed nothing, made behind everybody's back: without a NOTIFY.
SILENT = """
INSERT INTO release (number, made_at, cause, counts)
SELECT number + 1, greatest(now(), made_at), '{cause}', counts FROM release ORDER BY number DESC LIMIT 1
"""

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"


class Origin:
    """An application behind the cache that counts what it is asked, and takes its time."""

    def __init__(self, status: int = 200, control: str = "max-age=60", pause: float = 0.0, **headers: str) -> None:
        self.asked: list[dict[bytes, bytes]] = []
        self.status = status
        self.headers = {
            "cache-control": control,
            "content-type": "application/json",
            "etag": '"abc"',
            "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
            "vary": "Accept",
        } | headers
        self.pause = pause
        self.chunks = [BODY]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(dict(scope["headers"]))
        await asyncio.sleep(self.pause)
        headers = dict(self.headers)
        if len(self.chunks) == 1:
            headers["content-length"] = str(len(self.chunks[0]))
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": pairs})
        for number, chunk in enumerate(self.chunks, 1):
            more = number < len(self.chunks)
            await send({"type": "http.response.body", "body": chunk, "more_body": more})


def asking(application: Any) -> httpx.AsyncClient:
    """A client that sends no field of its own but Host."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=BASE)
    client.headers.clear()
    return client


async def test_crowd_that_asks_at_once_is_one_question() -> None:
    origin = Origin(pause=0.05)
    async with asking(Cache(origin, 1 << 20)) as client:
        answers = await asyncio.gather(*(client.get("/v1/plans") for _ in range(50)))
    assert len(origin.asked) == 1
    assert {(one.status_code, one.content) for one in answers} == {(200, BODY)}


async def test_room_is_never_exceeded_and_what_was_asked_for_longest_ago_goes() -> None:
    room = 20 * (OVERHEAD + len(BODY))
    cache = Cache(Origin(), room)
    async with asking(cache) as client:
        for number in range(100):
            await client.get(f"/v1/plans?limit={number}", headers={"Accept-Encoding": "br"})
            await client.get("/v1/plans?limit=0")
            assert cache.entries.size <= room
        kept = [{id(one): len(one.body) for one in entry.variants.values()} for entry in cache.entries.values()]
        assert room / 2 < sum(OVERHEAD + sum(sizes.values()) for sizes in kept) <= room
        queries = [key[1] for key in cache.entries]
        assert queries[-1] == b"limit=0" and b"limit=1" not in queries and b"limit=99" in queries


async def test_long_addresses_and_fields_count_as_room() -> None:
    cache = Cache(Origin(), 1 << 20)
    async with asking(cache) as client:
        for number in range(60):
            await client.get("/v1/plans", headers={"Accept": f"text/x{number}, {30_000 * 'x'}"})
    assert 0 < sum(len(key[2] or b"") for key in cache.entries) < 1 << 20


async def test_answer_that_would_push_out_all_others_is_not_kept() -> None:
    cache = Cache(Origin(), 4 * len(BODY))
    async with asking(cache) as client:
        assert (await client.get("/v1/plans")).content == BODY
    assert len(cache.entries) == cache.entries.size == 0


@pytest.mark.parametrize("coding", DECODERS)
async def test_each_coding_is_made_once_and_has_a_strong_etag_of_its_own(coding: str) -> None:
    cache = Cache(Origin(), 1 << 20)
    async with asking(cache) as client:
        plain = await client.get("/v1/plans")
        async with client.stream("GET", "/v1/plans", headers={"Accept-Encoding": coding}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == coding and "content-encoding" not in plain.headers
        assert DECODERS[coding](raw) == BODY and len(raw) == int(answer.headers["content-length"]) < len(BODY)
        assert (plain.headers["etag"], answer.headers["etag"]) == ('"abc"', f'"abc-{coding}"')
        encoded = cache.entries.values()[0].encodings
        await client.get("/v1/plans", headers={"Accept-Encoding": coding})
        assert list(encoded) == [coding]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("zstd, gzip", "zstd"),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "zstd"),
        ("identity, br;q=0.5", None),
        ("identity;q=0", None),
        ("br;q=0", None),
        ("compress, x-unknown", None),
        (";;q=,", None),
        ("", None),
    ],
)
async def test_accept_encoding_is_weighed_and_never_refused(accepted: str, expected: str | None) -> None:
    async with asking(Cache(Origin(), 1 << 20)) as client:
        answer = await client.get("/v1/plans", headers={"Accept-Encoding": accepted})
    assert (answer.status_code, answer.headers.get("content-encoding")) == (200, expected)
    assert answer.content == BODY


@pytest.mark.parametrize("coding", [None, *DECODERS])
async def test_head_and_304_come_from_the_same_entry(coding: str | None) -> None:
    origin = Origin()
    fields = {"Accept-Encoding": coding} if coding else {}
    async with asking(Cache(origin, 1 << 20)) as client:
        get = await client.get("/v1/plans", headers=fields)
        head = await client.head("/v1/plans", headers=fields)
        assert (head.status_code, head.content, head.headers) == (200, b"", get.headers)
        tag = get.headers["etag"]
        for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = await client.get("/v1/plans", headers={**fields, "If-None-Match": given})
            assert (again.status_code, again.content) == (304, b"")
            assert {"etag", "cache-control", "vary"} <= set(again.headers)
            assert all(get.headers[name] == value for name, value in again.headers.items())
        other = '"abc"' if coding else '"abc-br"'
        for given in (other, '"', ",", "", "W/", "abc"):
            assert (await client.get("/v1/plans", headers={**fields, "If-None-Match": given})).status_code == 200
        newer = {**fields, "If-Modified-Since": "Wed, 25 Nov 2026 09:00:00 GMT"}
        assert (await client.get("/v1/plans", headers=newer)).status_code == 304
        assert (await client.get("/v1/plans", headers={**newer, "If-None-Match": other})).status_code == 200
    assert len(origin.asked) == 1


@pytest.mark.parametrize(
    "origin",
    [Origin(status=404), Origin(status=503), Origin(control="no-store")],
    ids=["404", "503", "no-store"],
)
async def test_errors_and_private_answers_are_not_kept(origin: Origin) -> None:
    cache = Cache(origin, 1 << 20)
    async with asking(cache) as client:
        for _ in range(2):
            assert (await client.get("/v1/plans")).content == BODY
    assert len(origin.asked) == 2 and len(cache.entries) == 0


async def test_part_of_a_file_is_asked_of_the_application_and_not_kept() -> None:
    origin = Origin(**{"accept-ranges": "bytes"})
    cache = Cache(origin, 1 << 20)
    async with asking(cache) as client:
        for _ in range(2):
            assert (await client.get("/v1/plans")).content == BODY
            await client.get("/v1/plans", headers={"Range": "bytes=0-3"})
    assert len(origin.asked) == 3 and len(cache.entries) == 1


async def test_stream_is_passed_on_and_a_head_or_304_of_it_ends_at_once() -> None:
    origin = Origin()
    origin.chunks = [b"a", b"b", b"c"]
    cache = Cache(origin, 1 << 20)
    async with asking(cache) as client:
        answers = await asyncio.gather(*(client.get("/v1/plans.csv") for _ in range(3)))
        assert [one.content for one in answers] == [b"abc"] * 3
        assert (await client.head("/v1/plans.csv")).headers["etag"] == '"abc"'
        assert (await client.get("/v1/plans.csv", headers={"If-None-Match": '"abc"'})).status_code == 304
    assert len(cache.entries) == 0 and len(origin.asked) == 5


async def test_application_sees_nothing_of_a_request_that_is_not_in_the_key() -> None:
    origin = Origin()
    unkeyed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Authorization": "Bearer x", "Cookie": "a=b"}
    async with asking(Cache(origin, 1 << 20)) as client:
        await client.get("/v1/plans", headers={**unkeyed, "Accept": "text/csv"})
        await client.get("/v1/plans", headers={"Accept": "text/csv"})
        await client.get("/v1/plans", headers={"Accept": "application/json"})
    assert origin.asked == [{b"accept": b"text/csv"}, {b"accept": b"application/json"}]


async def test_answer_that_was_begun_before_a_release_is_neither_kept_nor_waited_for() -> None:
    origin = Origin(pause=0.1)
    cache = Cache(origin, 1 << 20)
    async with asking(cache) as client:
        early = asyncio.create_task(client.get("/v1/plans"))
        await asyncio.sleep(0.03)
        cache.forget()
        await asyncio.gather(early, client.get("/v1/plans"))
    assert len(origin.asked) == 2 and len(cache.entries) == 1


async def test_asker_who_leaves_takes_nothing_from_the_others() -> None:
    origin = Origin(pause=0.1)
    async with asking(Cache(origin, 1 << 20)) as client:
        first = asyncio.create_task(client.get("/v1/plans"))
        await asyncio.sleep(0.03)
        others = [asyncio.create_task(client.get("/v1/plans")) for _ in range(3)]
        await asyncio.sleep(0.03)
        first.cancel()
        assert [one.content for one in await asyncio.gather(*others)] == [BODY] * 3


async def test_what_is_asked_most_is_made_again_after_a_release_in_the_codings_it_was_asked_in() -> None:
    origin = Origin()
    cache = Cache(origin, 1 << 20)
    async with asking(cache) as client:
        for path in ["/often"] * 9 + ["/once"]:
            await client.get(path, headers={"Accept-Encoding": "br"})
        await cache.warm(cache.forget())
        assert [key[0] for key in cache.entries] == [b"/often"]
        before = len(origin.asked)
        assert (await client.get("/often", headers={"Accept-Encoding": "br"})).headers["content-encoding"] == "br"
    assert len(origin.asked) == before == 3


# With the application and a database behind it.


@asynccontextmanager
async def publishing(dsn: str) -> AsyncIterator[tuple[httpx.AsyncClient, Cache]]:
    """The application on a database with the sample report in it."""
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    measured = app.create(Settings(database_url=dsn, public_url=BASE))
    assert isinstance(measured, Measured) and isinstance(measured.app, Edge) and isinstance(measured.app.app, Cache)
    async with alive(measured), asking(measured) as client:
        yield client, measured.app.app


async def release_of(client: httpx.AsyncClient) -> int:
    number: int = (await client.get("/v1")).json()["data"]["release"]
    return number


async def until_release(client: httpx.AsyncClient, number: int) -> float:
    """Seconds until the release is served."""
    began = time.monotonic()
    while await release_of(client) < number:
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_release_is_served_within_a_second_though_nobody_tells_of_it(dsn: str, server: str) -> None:
    async with publishing(dsn) as (client, _):
        before = await release_of(client)
        await executed(dsn, SILENT.format(cause="daily"))
        assert await until_release(client, before + 1) < 1
        # The listener is killed, and the release is made at that very moment.
        await executed(server, KILL.format(urlsplit(dsn).path[1:]))
        await executed(dsn, SILENT.format(cause="daily"))
        assert await until_release(client, before + 2) < 1


async def test_empty_release_leaves_an_item_at_304_and_a_pinned_answer_in_the_cache(dsn: str) -> None:
    async with publishing(dsn) as (client, cache):
        number = await release_of(client)
        paths = ["/v1/plans/nz-nap2", "/v1/plans", f"/v1/plans?as_of={number}", f"/v1/releases/{number}"]
        tags = {path: (await client.get(path)).headers["etag"] for path in paths}
        pinned = (b"/v1/plans", f"as_of={number}".encode(), None, None)
        before = cache.entries.get(pinned)
        await executed(dsn, SILENT.format(cause="daily"))
        await until_release(client, number + 1)
        assert before is not None and cache.entries.get(pinned) is before
        codes = [(await client.get(path, headers={"If-None-Match": tag})).status_code for path, tag in tags.items()]
        assert codes == [304, 200, 304, 304]


async def test_redaction_empties_the_past_too(dsn: str) -> None:
    async with publishing(dsn) as (client, cache):
        number = await release_of(client)
        await client.get(f"/v1/plans?as_of={number}")
        pinned = (b"/v1/plans", f"as_of={number}".encode(), None, None)
        assert pinned in cache.entries
        await executed(dsn, SILENT.format(cause="redact"))
        await until_release(client, number + 1)
        assert pinned not in cache.entries


async def test_database_that_is_away_leaves_cached_answers_and_the_truth_about_readiness(
    dsn: str, server: str, tmp_path: Path
) -> None:
    # The way to the server is a link, which can be cut.
    socket = parse_qs(urlsplit(dsn).query)["host"][0]
    way = tmp_path / "way"
    way.symlink_to(socket)
    async with publishing(dsn.replace(socket, str(way))) as (client, _):
        known = ["/v1/plans", "/v1/commitments.csv", "/v1/plans/nz-nap2.atom"]
        before = [(await client.get(path)).content for path in known]
        way.unlink()
        await executed(server, KILL.format(urlsplit(dsn).path[1:]))
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
        wrong = {one["name"]: one["state"] for one in ready.json()["checks"] if one["state"] != "ok"}
        assert wrong["database_readers"] == "failed" and wrong["database_writer"] == "degraded"
        assert str(way) not in ready.text and "postgres" not in ready.text.replace("PostgreSQL", "")
        assert [(await client.get(path)).content for path in known] == before
        way.symlink_to(socket)
        assert (await client.get("/readyz")).status_code == 200
