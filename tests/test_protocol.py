"""Connections that only cost: each is told why, where that can be said, and cut off; the others are served meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import uvicorn

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
async def serving() -> AsyncIterator[int]:
    """The port of a server with little patience."""
    config = uvicorn.Config(answering, http=Impatient, port=0, lifespan="off", log_config=None, access_log=False)
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
