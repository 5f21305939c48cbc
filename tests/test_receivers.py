"""Webhooks and hubs: each release once and in order, whatever fails between; nobody is called whom only we can reach."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ogp_open_data.errors import Refused
from ogp_open_data.intake import hand
from ogp_open_data.intake.importer import Document, import_document
from ogp_open_data.publishing import messages, outbox, places
from ogp_open_data.publishing.outbox import Office
from ogp_open_data.store import receivers
from ogp_open_data.store.doors import Store
from ogp_open_data.store.receivers import Receiver
from serving import program
from test_importer import KNOWN, report

SECRET = messages.new_secret()


class Agency:
    """A receiver on loopback: answers what it is told to, 200 otherwise, and keeps what came."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[bytes] = []
        self.down = False
        self.url = ""
        self.place = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(fields["content-length"]))
        if not self.down:
            self.got.append((fields, body))
            answer = self.answers.pop(0) if self.answers else b"200 OK"
            writer.write(b"HTTP/1.1 " + answer + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    @property
    def releases(self) -> list[int]:
        return [msgspec.json.decode(body)["data"]["release"] for _, body in self.got]


@asynccontextmanager
async def listening() -> AsyncIterator[Agency]:
    agency = Agency()
    server = await asyncio.start_server(agency.handle, "127.0.0.1", 0)
    agency.place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    agency.url = f"http://{agency.place}/hook"
    async with server:
        yield agency


def office(*agencies: Agency, hubs: Collection[str] = (), retries: tuple[int, ...] = (0, 0, 0)) -> Office:
    allowed = [one.place for one in agencies]
    return Office("https://data.example.org", list(hubs), allowed, retries)


async def published(store: Store, *numbers: int) -> None:
    for number in numbers:
        await import_document(store, Document(name="r.txt", body=report(number=str(number)).encode()), KNOWN)


async def added(store: Store, agency: Agency) -> None:
    async with store.writing() as connection:
        await receivers.add(connection, agency.url, SECRET)


async def sent(store: Store, who: Office) -> None:
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False) as client:
        await outbox.emptied(store, who, client)


async def state(store: Store) -> Receiver:
    return (await store.reading(receivers.every))[0]


async def test_each_release_comes_once_in_order_and_signed(store: Store) -> None:
    async with listening() as agency:
        await published(store, 1)
        await added(store, agency)
        await published(store, 2, 3)
        await sent(store, office(agency))
        await sent(store, office(agency))
    assert agency.releases == [2, 3], "those from its adding on, each once"
    for fields, body in agency.got:
        told = Webhook(SECRET).verify(body, fields)
        assert told["type"] == "release.published"
        assert told["data"]["changes"].startswith("https://data.example.org/v1/changes?since=")
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body.replace(b"import", b"imp0rt"), fields)
        old = {**fields, "webhook-timestamp": str(int(time.time()) - 3600)}
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, old)
    assert len({fields["webhook-id"] for fields, _ in agency.got}) == 2


async def test_receiver_that_was_down_for_a_day_gets_all_once(store: Store) -> None:
    async with listening() as agency:
        await added(store, agency)
        agency.down = True
        await published(store, 1, 2)
        # Every try of two and a half days fails; then it is given up, and shown.
        await sent(store, office(agency))
        given_up = await state(store)
        assert given_up.ended_at is not None and given_up.waiting == 2 and given_up.last_failure == "no connection"
        await published(store, 3)
        agency.down = False
        await sent(store, office(agency))
        assert agency.got == [], "nobody is called who was given up"
        async with store.writing() as connection:
            assert await receivers.resume(connection, agency.url) == 0
        await sent(store, office(agency))
    assert agency.releases == [1, 2, 3]
    assert (await state(store)).waiting == 0


async def test_two_processes_tell_each_release_once(store: Store) -> None:
    async with listening() as agency:
        await added(store, agency)
        await published(store, *range(1, 7))
        await asyncio.gather(*(sent(store, office(agency)) for _ in range(3)))
    assert agency.releases == [1, 2, 3, 4, 5, 6]


async def test_failures_wait_longer_each_time_and_a_receiver_may_ask_for_more(store: Store) -> None:
    async with listening() as agency:
        await added(store, agency)
        await published(store, 1)
        agency.answers = [b"503 Busy\r\nretry-after: 3600", b"302 Found\r\nlocation: http://127.0.0.1:1/"]
        await sent(store, office(agency, retries=outbox.RETRIES))
        waiting = await state(store)
        assert (waiting.failures, waiting.last_failure) == (1, "it answered 503")
        assert 3500 < (waiting.due_at - waiting.created_at).total_seconds() < 3700
        async with store.writing() as connection:
            await connection.execute("UPDATE receiver SET due_at = now()")
        await sent(store, office(agency, retries=outbox.RETRIES))
        waiting = await state(store)
        assert (waiting.failures, waiting.last_failure) == (2, "it answered 302"), "redirects are not followed"
        assert 250 < (waiting.due_at - waiting.created_at).total_seconds() < 400
        assert waiting.ended_at is None and len(agency.got) == 2


async def test_receiver_that_asks_for_a_wait_of_5000_digits_is_one_that_failed(store: Store) -> None:
    async with listening() as agency:
        await added(store, agency)
        await published(store, 1)
        agency.answers = [b"503 Service Unavailable\r\nretry-after: " + 5000 * b"9"]
        await sent(store, office(agency, retries=(60,)))
        assert ((await state(store)).failures, (await state(store)).last_failure) == (1, "it answered 503")


async def test_receiver_that_is_gone_is_called_no_more(store: Store) -> None:
    async with listening() as agency:
        await added(store, agency)
        await published(store, 1)
        agency.answers = [b"410 Gone"]
        await sent(store, office(agency, retries=outbox.RETRIES))
        assert (await state(store)).ended_at is not None and len(agency.got) == 1


async def test_slow_receiver_is_given_up_and_keeps_nobody_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "PATIENCE", 0.3)

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(-1)
        finally:
            writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, listening() as agency:
        async with store.writing() as connection:
            await receivers.add(connection, f"http://{place}/", SECRET)
        await added(store, agency)
        await published(store, 1)
        began = time.monotonic()
        await sent(store, Office("https://data.example.org", [], [place, agency.place]))
        assert agency.releases == [1] and time.monotonic() - began < 5
        assert (await state(store)).last_failure is not None


async def test_hub_is_told_of_news_and_of_nothing_else(store: Store) -> None:
    async with listening() as hub:
        who = office(hub, hubs=[hub.url])
        await published(store, 1)
        async with store.writing() as connection:
            await receivers.keep_hubs(connection, who.hubs, 1)
        await published(store, 2)
        await sent(store, who)
        assert [body for _, body in hub.got] == messages.pings("https://data.example.org")
        assert (await hand.daily(store, KNOWN, ZoneInfo("UTC"))).release == 3
        await sent(store, who)
        assert len(hub.got) == len(messages.TOPICS), "an empty release changes no feed"
        assert (await state(store)).told == 3
        async with store.writing() as connection:
            await receivers.keep_hubs(connection, [], 3)
        assert await store.reading(receivers.every) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost./", "http://0.0.0.0/", "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://224.0.0.1/",
        "http://[::1]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://2130706433/", "http://0x7f.1/", "http://0177.1/",
        "http://127.1/", "http://[fec0::1]/", "http://[::7f00:1]/", "http://[64:ff9b:1::a00:1]/", "http://.example/",
        f"http://{64 * 'a'}.example/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "https:///x",
        "http://user:secret@8.8.8.8/", "http://8.8.8.8:22/", "https://8.8.8.8:5432/", "http://8.8.8.8/#x", "nonsense",
    ],
)  # fmt: skip
async def test_address_that_only_we_can_reach_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        await places.checked(url)


async def test_name_is_looked_up_once_and_called_where_it_was_checked() -> None:
    """A name that leads to a public address at first, and to us the second time (DNS rebinding)."""
    answers = [["8.8.8.8"], ["127.0.0.1"], ["8.8.8.8", "127.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    place = await places.checked("https://agency.example:8443/hook?a=1", resolve=resolve)
    assert str(place.direct) == "https://8.8.8.8:8443/hook?a=1"
    assert (place.host, place.name) == ("agency.example:8443", "agency.example")
    for _ in range(2):
        with pytest.raises(Refused, match="no public network"):
            await places.checked("https://agency.example/hook", resolve=resolve)


def test_webhooks_by_command(dsn: str) -> None:
    there = ("--database-url", dsn)
    assert "no public network" in program("webhooks", "add", "http://127.0.0.1:8080/", *there, expect=1).stderr
    url = "http://127.0.0.1:9/hook"
    secret = program("webhooks", "add", url, *there, OGP_ALLOWED_RECEIVERS="127.0.0.1:9").stdout.strip()
    assert secret.startswith("whsec_") and len(secret) > 40
    listed = program("webhooks", "list", "--json", *there).stdout
    assert secret not in listed and msgspec.json.decode(listed)[0]["url"] == url
    assert url in program("webhooks", "list", *there).stdout
    assert "from release 1 on" in program("webhooks", "resume", url, *there).stdout
    program("webhooks", "remove", url, *there)
    assert msgspec.json.decode(program("webhooks", "list", "--json", *there).stdout) == []
    log = program("log", *there).stdout
    assert "webhook added" in log and "webhook removed" in log
