"""Connections that only cost: each is told why, where that can be said, and cut off; the others are served meanwhile."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import uvicorn

from ogp_open_data.web.edge.cache import Cache
from ogp_open_data.web.edge.front import Edge
from ogp_open_data.web.edge.methods import Methods
from ogp_open_data.web.edge.metrics import Measured
from ogp_open_data.web.edge.protocol import LARGEST_HEAD, MOST_FIELDS, Protocol

LARGE = b"x" * 8_000_000
SLOW = 0.3


class Impatient(Protocol):
    head_seconds = body_seconds = read_seconds = SLOW


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body of a POST, and answers with as much as it is asked for."""
    if scope["method"] == "POST":
        while (await receive()).get("more_body"):
            pass
    body = LARGE if scope["path"] == "/large" else b"ok"
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(application: Any = answering) -> AsyncIterator[int]:
    """The port of a server with little patience."""
    config = uvicorn.Config(
        application,
        http=Impatient,
        port=0,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    # A test keeps its own signals.
    server.capture_signals = lambda: memoryview(b"")  # type: ignore[assignment, method-assign, return-value]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def exchanged(port: int, sent: bytes) -> bytes:
    """What comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


HELD = {
    "nothing at all": b"",
    "half a line": b"GET /v1",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    "a body that a GET owes": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
}


@pytest.mark.parametrize("sent", HELD.values(), ids=HELD)
async def test_two_hundred_connections_that_hold_back_are_all_cut_off_while_others_are_served(sent: bytes) -> None:
    async with serving() as port:
        began = time.monotonic()
        held = [asyncio.create_task(exchanged(port, sent)) for _ in range(200)]
        await asyncio.sleep(0)
        assert b"200 OK" in await exchanged(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = await asyncio.gather(*held)
        assert time.monotonic() - began < 10 * SLOW + 2
    if sent.startswith(b"GET /v1"):
        assert all(one.startswith(b"HTTP/1.1 408 ") for one in answers)


async def test_head_that_drips_is_cut_off_though_it_never_pauses() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        while not reader.at_eof() and time.monotonic() - began < 10:
            writer.write(b"X-a: b\r\n")
            await asyncio.sleep(SLOW / 10)
            if reader._buffer:  # type: ignore[attr-defined]
                break
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ") and time.monotonic() - began < 5


async def test_reader_that_does_not_read_is_cut_off() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(4 * SLOW)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(LARGE))
        writer.close()


FLOODS = {
    "one long field": b"X-a: " + b"a" * LARGEST_HEAD + b"\r\n\r\n",
    "one long field without an end": b"X-a: " + b"a" * (2 * LARGEST_HEAD),
    "many fields": b"X-a: b\r\n" * (MOST_FIELDS + 1) + b"\r\n",
    "many fields without an end": b"X-a: b\r\n" * (LARGEST_HEAD // 8),
}


@pytest.mark.parametrize("fields", FLOODS.values(), ids=FLOODS)
async def test_flood_of_headers_is_431(fields: bytes) -> None:
    async with serving() as port:
        answer = await exchanged(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + fields)
    assert answer.startswith(b"HTTP/1.1 431 ") and b"application/problem+json" in answer
    assert msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])["status"] == 431


async def test_large_body_in_one_piece_with_its_head_is_no_large_head() -> None:
    body = b"x" * (4 * LARGEST_HEAD)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with serving() as port:
        assert b"200 OK" in await exchanged(port, head + body)


async def test_what_is_no_http_is_400_as_problem_details() -> None:
    async with serving() as port:
        answer = await exchanged(port, b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in answer


async def test_connection_that_is_used_again_keeps_its_patience() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(6):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(SLOW / 2)
        writer.close()


class Slow:
    """An application that counts what it is asked, and is asked before it has answered: the pipe goes on behind it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        await asyncio.sleep(SLOW / 10)
        body = LARGE if scope["path"] == "/large" else scope["path"].encode() * 100
        told = {"etag": '"abc"', "cache-control": "max-age=60", "content-type": "text/plain"}
        headers = [(name.encode(), text.encode()) for name, text in told.items()]
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [*headers, (b"content-length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})


@asynccontextmanager
async def keeping() -> AsyncIterator[tuple[int, Slow]]:
    """The port of a server with a cache in it, and the application behind the cache."""
    origin = Slow()
    edge = Edge(Cache(origin, 1 << 30), "https://data.example.org", "1.0.0", Methods(["/a"], []))
    async with serving(Measured(edge)) as port:
        yield port, origin


def request(path: str, *fields: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *fields, "", ""]).encode()


def without_chance(answer: bytes) -> bytes:
    """An answer without what differs at each request; its fields are in no order."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = re.sub(rb"\r\n(date|request-id): [^\r]*", b"", head).split(b"\r\n")
    return b"\r\n".join([lines[0], *sorted(lines[1:])]) + b"\r\n\r\n" + body


CLOSE = "Connection: close"
ASKED = {
    "as it is": request("/a", CLOSE),
    "compressed": request("/a", CLOSE, "Accept-Encoding: br"),
    "head": request("/a", CLOSE, method="HEAD"),
    "unchanged": request("/a", CLOSE, 'If-None-Match: "abc"'),
    "with a query": request("/a?b=c", CLOSE),
    "of old": request("/a", version="1.0"),
    "large": request("/large", CLOSE),
}


@pytest.mark.parametrize("sent", ASKED.values(), ids=ASKED)
async def test_kept_answer_is_the_first_one_again(sent: bytes) -> None:
    async with keeping() as (port, origin):
        first = await exchanged(port, sent)
        again = await exchanged(port, sent)
        assert len(origin.asked) == 1 and b"request-id: " in again and b"date: " in again
        assert without_chance(again) == without_chance(first)


async def test_kept_answers_wait_for_their_turn_on_a_connection() -> None:
    async with keeping() as (port, origin):
        await exchanged(port, request("/a", CLOSE))
        paths = ["/a", "/b", "/a", "/a", "/c", "/a"]
        answers = await exchanged(port, b"".join(map(request, paths)) + request("/a", CLOSE))
        found = re.findall(rb"\r\n\r\n(?:(/[abc]){100})", answers)
    assert [one.decode() for one in found] == [*paths, "/a"]
    assert origin.asked == ["/a", "/b", "/c"]


async def test_kept_answer_waits_for_the_body_that_a_reader_owes() -> None:
    async with keeping() as (port, origin):
        await exchanged(port, request("/a", CLOSE))
        whole = request("/a", "Content-Length: 4") + b"body" + request("/a", CLOSE)
        answers = await exchanged(port, whole)
    assert answers.count(b"HTTP/1.1 200 OK") == 2 and origin.asked == ["/a"]


async def test_reader_of_kept_answers_that_does_not_read_is_cut_off() -> None:
    async with keeping() as (port, origin):
        await exchanged(port, request("/large", CLOSE))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(request("/large") * 100)
        await asyncio.sleep(4 * SLOW)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(LARGE))
        writer.close()
    assert origin.asked == ["/large"]
