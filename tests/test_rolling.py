"""One instance after the other is ended and started anew behind a balancer, under load, and no request fails."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

import httpx

from publishing import TWIN, _begun
from serving import running

CLIENTS = 6
DRAIN = 1


class Balancer:
    """Passes each connection to an instance that is ready, in turn; it looks ten times a second, and never tries twice."""

    def __init__(self) -> None:
        self.instances: list[str] = []
        self.ready: list[str] = []
        self.turn = count()
        self.url = ""
        self._begun = threading.Event()
        self._over = False

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._begun.set()
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while not self._over:
                self.ready = [url for url in list(self.instances) if await self._is_ready(client, url)]
                await asyncio.sleep(0.1)
        server.close()

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        with suppress(httpx.HTTPError):
            return (await client.get(f"{url}/readyz")).status_code == 200
        return False

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.ready[next(self.turn) % len(self.ready)])
        with suppress(OSError):
            from_there, to_there = await asyncio.open_connection(address.hostname, address.port)
            await asyncio.gather(_piped(reader, to_there), _piped(from_there, writer))
        writer.close()

    def has(self, instances: int) -> None:
        """Wait until so many are ready."""
        until = time.monotonic() + 30
        while len(self.ready) != instances:
            assert time.monotonic() < until
            time.sleep(0.05)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        assert self._begun.wait(10)
        try:
            yield
        finally:
            self._over = True
            thread.join(10)


async def _piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Load:
    """Clients with connections that they keep, who ask for what is in memory and what is not; each failure is told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answered = 0
        self.failed: list[str] = []
        self.over = False

    def run(self) -> None:
        numbers = count()
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as client:
            while not self.over:
                path = ("/v1/plans", f"/v1/commitments?q=t{next(numbers)}x{threading.get_ident()}")[next(numbers) % 2]
                try:
                    status = client.get(path).status_code
                    self.answered += 1
                    if status != 200:
                        self.failed.append(str(status))
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                time.sleep(0.05)


@contextmanager
def asked(url: str) -> Iterator[Load]:
    load = Load(url)
    threads = [threading.Thread(target=load.run, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.over = True
        for thread in threads:
            thread.join(40)


def half_sent(url: str, key: str) -> socket.socket:
    """A connection on which half of a document was handed in."""
    address = urlsplit(url)
    one = socket.create_connection((address.hostname or "", address.port or 0), 30)
    head = (
        f"POST /v1/imports?filename=twin.txt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-type: text/plain\r\ncontent-length: {len(TWIN)}\r\n\r\n"
    )
    one.sendall(head.encode() + TWIN[:100])
    return one


def test_no_request_fails_while_one_instance_after_the_other_is_started_anew(dsn: str) -> None:
    key = asyncio.run(_begun(dsn))["office"]
    arguments = ("--database-url", dsn)
    fields = {"OGP_DRAIN_SECONDS": str(DRAIN)}
    balancer = Balancer()
    with (
        running(*arguments, **fields) as (first, url),
        running(*arguments, **fields) as (second, other),
        balancer.at_work(),
    ):
        balancer.instances = [url, other]
        balancer.has(2)
        with asked(balancer.url) as load:
            time.sleep(0.5)
            with half_sent(url, key) as begun:
                first.send_signal(signal.SIGTERM)
                balancer.has(1)
                # It does not take new connections any more, but ends what it has begun.
                time.sleep(DRAIN + 0.5)
                begun.sendall(TWIN[100:])
                answer = b"".join(iter(lambda: begun.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 201 ") and b"\r\nconnection: close\r\n" in answer.lower()
            assert first.wait(20) == 0
            with running(*arguments, **fields) as (_, new):
                balancer.instances = [new, other]
                balancer.has(2)
                second.send_signal(signal.SIGTERM)
                assert second.wait(20) == 0
                time.sleep(0.3)
                load.over = True
    assert load.failed == [] and load.answered > 50


def test_second_signal_ends_at_once(dsn: str) -> None:
    with running("--database-url", dsn, OGP_DRAIN_SECONDS="60") as (process, url):
        process.send_signal(signal.SIGTERM)
        with httpx.Client(timeout=20) as client:
            until = time.monotonic() + 10
            while (ready := client.get(f"{url}/readyz")).status_code == 200 and time.monotonic() < until:
                time.sleep(0.05)
            assert (ready.status_code, ready.json()) == (503, {"status": "ending"})
            answer = client.get(f"{url}/v1/plans")
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
