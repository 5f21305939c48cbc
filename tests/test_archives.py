"""RFC 5005 and 6721 on the real program: archives never change, and the state is rebuilt from them alone while others write."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from database import copied_database
from feed_reading import link, local, read, rebuilt, state, walk
from feed_samples import A
from growing import KNOWN, grow, grown, opened
from ogp_open_data.formats.feed import OGP
from ogp_open_data.formats.to_feed import TOMBSTONES
from ogp_open_data.intake import hand
from ogp_open_data.intake.deciding.redacting import redact
from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.records import NOUNS
from ogp_open_data.store import history, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.web.feeds import states
from ogp_open_data.web.feeds.archives import SPAN
from serving import within

REPORT = "nz-nap2-c1-r2018-03-2018-06"
FEEDS = ["/v1/changes.atom", "/feed.atom", "/feed.atom?commitment=nz-nap2-c1", "/feed.atom?organisation=nz-treasury"]


async def lived(dsn: str) -> None:
    """The sample, then a report that went, came and went, another that came back, a merger, and two archives full of releases."""
    async with opened(dsn) as store:
        for document in sample():
            await import_document(store, document, KNOWN)
        await hand.withdraw(store, KNOWN, REPORT, "sent by mistake")
        await hand.restore(store, KNOWN, REPORT, "right after all")
        await grow(store, SPAN + 3)
        await hand.withdraw(store, KNOWN, REPORT, "no, it was not")
        await hand.withdraw(store, KNOWN, "nz-nap2-c2-r2018-03-2018-06", "an error")
        await hand.restore(store, KNOWN, "nz-nap2-c2-r2018-03-2018-06", "no error")
        await hand.merge(store, KNOWN, "nz-dia", "nz-psc", "one office")
        await redact(store, "nz-nap2-c3-r2018-03-2018-06", "commitment_title", "a name")
        await grow(store, 2 * SPAN + 3)


@pytest.fixture(scope="module")
def lively(server: str, template: str) -> Iterator[tuple[str, httpx.Client]]:
    """A served history with two archives, and its database."""
    with copied_database(server, template) as dsn:
        asyncio.run(lived(dsn))
        with within(dsn) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield dsn, client


def test_state_is_rebuilt_from_archives_alone(lively: tuple[str, httpx.Client]) -> None:
    _, client = lively
    documents = [feed for _, feed in walk(client, "/v1/changes.atom")]
    assert len(documents) == 3
    release = documents[0].find(f"{{{OGP}}}state").get("release")
    truth = state(client, release, tuple(NOUNS))
    assert rebuilt(documents) == truth
    assert REPORT not in truth["reports"] and "nz-nap2-c2-r2018-03-2018-06" in truth["reports"]
    assert "nz-dia" not in truth["organisations"]


def test_state_is_rebuilt_while_a_writer_writes(lively: tuple[str, httpx.Client]) -> None:
    dsn, client = lively
    head = client.get("/v1").json()["data"]["release"]
    writer = threading.Thread(target=lambda: asyncio.run(grown(dsn, head + 3 * SPAN)))
    writer.start()
    seen = set()
    while True:
        last = not writer.is_alive()
        documents = [feed for _, feed in walk(client, "/v1/changes.atom")]
        release = documents[0].find(f"{{{OGP}}}state").get("release")
        seen.add(release)
        assert rebuilt(documents) == state(client, release, tuple(NOUNS))
        if last:
            break
    writer.join()
    assert len(seen) > 2, "the writer wrote between the walks"


@pytest.mark.parametrize("path", FEEDS)
def test_archives_are_chained_both_ways_and_never_change(lively: tuple[str, httpx.Client], path: str) -> None:
    dsn, client = lively
    walked = list(walk(client, path))
    archives = walked[1:]
    assert len(archives) >= 2
    before = {address: local(client, address) for address, _ in archives}
    head = client.get("/v1").json()["data"]["release"]
    asyncio.run(grown(dsn, (head // SPAN + 1) * SPAN + 1))
    for (address, feed), newer in zip(archives, [None, *(one for one, _ in archives)], strict=False):
        now = local(client, address)
        assert (now.content, now.headers["etag"]) == (before[address].content, before[address].headers["etag"])
        assert now.headers["cache-control"] == "max-age=86400"
        assert urls(link(feed, "current")) == urls(path) and urls(link(feed, "self")) == urls(address)
        assert newer is None or link(feed, "next-archive") == newer
        assert 'rel="current"' in now.headers["link"] and 'rel="next-archive"' in now.headers["link"]
    newest = local(client, link(archives[0][1], "next-archive"))
    assert newest.status_code == 200, "it is closed by now"
    assert link(archives[-1][1], "prev-archive") is None
    assert f"{1}-{SPAN}.atom" in archives[-1][0]


def urls(address: str | None) -> str:
    """An address without its host."""
    assert address is not None
    return "/" + address.split("/", 3)[3] if "://" in address else address


def test_archive_that_is_not_closed_leads_to_the_subscription_document(lively: tuple[str, httpx.Client]) -> None:
    _, client = lively
    head = client.get("/v1").json()["data"]["release"]
    begin = head // SPAN * SPAN + 1
    for path, current in [("/feed/archive", "/feed.json"), ("/v1/changes/archive", "/v1/changes.atom")]:
        suffix = current.rpartition(".")[2]
        answer = client.get(f"{path}/{begin}-{begin + SPAN - 1}.{suffix}")
        assert answer.status_code == 307 and urls(answer.headers["location"]) == current
        for odd in [f"{begin + SPAN}-{begin + 2 * SPAN - 1}", "2-21", "1-21", "0-19", "x", f"1-{SPAN}0", "01-20"]:
            assert client.get(f"{path}/{odd}.{suffix}").status_code == 404, odd
    assert client.get(f"/feed/archive/1-{SPAN}.xml").status_code == 404


def test_tombstones_are_in_the_archives_and_a_restored_entry_is_newer(lively: tuple[str, httpx.Client]) -> None:
    _, client = lively
    feeds = [feed for _, feed in walk(client, "/v1/changes.atom")]
    gone = {}
    for feed in feeds:
        pairs = [(one.get("ref"), one.get("when")) for one in feed.iterfind(f"{{{TOMBSTONES}}}deleted-entry")]
        assert len(pairs) == len(set(pairs))
        gone |= {one.get("ref"): one for one in feed.iterfind(f"{{{TOMBSTONES}}}deleted-entry")}
    (ref,) = [ref for ref in gone if ref.endswith(f":reports/{REPORT}")]
    assert gone[ref].findtext(f"{{{TOMBSTONES}}}comment") == "no, it was not"
    assert datetime.fromisoformat(gone[ref].get("when")).tzinfo is not None
    assert any(ref.endswith("organisations/nz-dia") for ref in gone)


def test_news_that_were_taken_back_are_not_beside_their_tombstones_and_are_older(
    lively: tuple[str, httpx.Client],
) -> None:
    _, client = lively
    documents = [feed for _, feed in walk(client, "/feed.atom")]
    told = [entry for feed in documents for entry in feed.iterfind(f"{A}entry")]
    gone = [one for feed in documents for one in feed.iterfind(f"{{{TOMBSTONES}}}deleted-entry")]
    taken = {one.get("ref"): one.get("when") for one in gone}
    titles = {entry.findtext(f"{A}title") for entry in told}
    assert any(ref.endswith(f"/{REPORT}") for ref in taken)
    assert "Commitment 1, March to June 2018: progress report withdrawn" in titles
    when = {entry.findtext(f"{A}id"): entry.findtext(f"{A}updated") for entry in told}
    assert all(when[ref] < taken[ref] for ref in taken if ref in when)
    for feed in documents:
        own = {one.get("ref") for one in feed.iterfind(f"{{{TOMBSTONES}}}deleted-entry")}
        assert own.isdisjoint(entry.findtext(f"{A}id") for entry in feed.iterfind(f"{A}entry"))


async def seen(client: httpx.Client, store: Store) -> int:
    """The newest release, when the program that is asked knows of it."""
    number = (await store.reading(releases.head)).number
    for _ in range(200):
        if client.get("/v1").json()["data"]["release"] == number:
            return number
        await asyncio.sleep(0.05)
    raise AssertionError(f"release {number} is not served after ten seconds")


def test_empty_release_leaves_the_news_as_they_are(lively: tuple[str, httpx.Client]) -> None:
    dsn, client = lively

    async def empty() -> None:
        async with opened(dsn) as store:
            # Not at the end of an archive, whose address the feed then names.
            await grow(store, (await store.reading(releases.head)).number // SPAN * SPAN + SPAN + 5)
            await seen(client, store)
            before = client.get("/feed.atom").content
            await hand.daily(store, KNOWN, ZoneInfo("UTC"))
            number = await seen(client, store)
            made = (await store.reading(history.made, number + 1, 1))[0]
            assert (made.cause, made.changed) == ("daily", 0)
            assert client.get("/feed.atom").content == before

    asyncio.run(empty())


def test_archives_of_the_three_formats_say_the_same(lively: tuple[str, httpx.Client]) -> None:
    _, client = lively
    atom = read(client.get(f"/feed/archive/1-{SPAN}.atom"))
    ids = [entry.findtext(f"{A}id") for entry in atom.iterfind(f"{A}entry")]
    feed = client.get(f"/feed/archive/1-{SPAN}.json").json()
    rss = client.get(f"/feed/archive/1-{SPAN}.rss").text
    assert ids and [one["id"] for one in feed["items"]] == ids
    assert [part.split("<")[0] for part in rss.split('isPermaLink="false">')[1:]] == ids
    assert "next_url" not in feed and feed["_ogp"]["archive"] is True
    newest = client.get("/feed.json").json()
    visited, address = [], newest.get("next_url")
    while address:
        visited.append(address)
        address = local(client, address).json().get("next_url")
    assert len(visited) == len(set(visited)) >= 2 and newest["feed_url"] not in visited


def test_large_document_streams_the_same_bytes(
    lively: tuple[str, httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn, client = lively
    monkeypatch.setattr(states, "WHOLE", 10)
    with within(dsn) as url:
        for path in [f"/v1/changes/archive/1-{SPAN}.atom", "/v1/changes.atom"]:
            streamed = httpx.get(url + path, timeout=60)
            other = client.get(path)
            assert "content-length" in other.headers
            assert streamed.content.replace(url.encode(), b"") == other.content.replace(base(other), b"")
            tag = {"If-None-Match": streamed.headers["etag"]}
            assert httpx.get(url + path, headers=tag, timeout=60).status_code == 304
            if "content-length" not in streamed.headers:
                monkeypatch.setattr(states, "BATCH", 7)
                assert httpx.get(url + path, timeout=60).content == streamed.content
        assert "content-length" not in httpx.head(f"{url}/v1/changes/archive/1-{SPAN}.atom", timeout=60).headers


def base(answer: httpx.Response) -> bytes:
    """The public address that an answer's links begin with."""
    return str(answer.url).removesuffix(answer.url.raw_path.decode()).encode()
