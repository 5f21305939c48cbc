"""The feeds on the real program, read by tools that nobody here wrote: jing, feedparser, fastfeedparser, jsonschema."""

import asyncio
import email.utils
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import fastfeedparser
import feedparser
import httpx
import pytest
from lxml import etree

from database import copied_database
from feed_reading import JSON_FEED, link, read
from feed_samples import A, shown
from growing import KNOWN, grow, opened
from ogp_open_data.deprecations import Deprecated
from ogp_open_data.intake import hand
from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.settings import Settings
from ogp_open_data.web import app
from ogp_open_data.web.feeds.archives import SPAN
from ogp_open_data.web.frozen import alive
from serving import running

SUBJECTS = [
    "",
    "?plan=nz-nap2",
    "?commitment=nz-nap2-c5",
    "?organisation=nz-psc",
    "?plan=nz-nap2&organisation=nz-stats",
]
NEWS = [f"/feed.{suffix}{subject}" for suffix in ("atom", "json", "rss") for subject in SUBJECTS]
ARCHIVES = [f"/feed/archive/1-{SPAN}.{suffix}" for suffix in ("atom", "json", "rss")]
STATES = ["/v1/changes.atom", f"/v1/changes/archive/1-{SPAN}.atom", "/v1/milestones.atom?plan=nz-nap2&status=completed"]
ATOM = [one for one in [*NEWS, *ARCHIVES, *STATES] if ".atom" in one]
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
ATOM_LINK = "{http://www.w3.org/2005/Atom}link"


@pytest.mark.parametrize("path", ATOM)
def test_atom_keeps_every_rule_and_names_itself(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    feed = read(answer)
    assert link(feed, "self") == f"https://data.example.org{path}"
    assert f'<https://data.example.org{path}>; rel="self"' in answer.headers["link"]
    assert link(feed, "license") and feed.findtext(f"{A}rights")
    entries = feed.findall(f"{A}entry")
    times = [one.findtext(f"{A}updated") for one in entries]
    assert times == sorted(times, reverse=True)
    if times and "/v1/changes" not in path:
        assert feed.findtext(f"{A}updated") == times[0]
    for entry in entries:
        assert entry.findtext(f"{A}id").startswith("tag:") and "example.org" in entry.findtext(f"{A}id")
        shown(entry.findtext(f"{A}content"))


def test_jing_finds_every_atom_document_valid(client: httpx.Client, tmp_path: Path) -> None:
    jing = shutil.which("jing")
    if jing is None:
        pytest.skip("jing is not installed")
    files = []
    for number, path in enumerate(ATOM):
        files.append(tmp_path / f"{number}.atom")
        files[-1].write_bytes(client.get(path).content)
    broken = tmp_path / "broken.atom"
    broken.write_bytes(files[0].read_bytes().replace(b"<updated>", b"<updated>x", 1))
    grammar = str(Path(__file__).with_name("atom.rng"))
    good = subprocess.run([jing, grammar, *map(str, files)], capture_output=True, text=True, timeout=100)
    assert (good.returncode, good.stdout) == (0, "")
    bad = subprocess.run([jing, grammar, str(broken)], capture_output=True, text=True, timeout=100)
    assert bad.returncode == 1 and "updated" in bad.stdout


@pytest.mark.parametrize("path", [one for one in [*NEWS, *ARCHIVES] if ".json" in one])
def test_json_feed_is_valid_by_its_specification(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-type"] == "application/feed+json"
    feed = answer.json()
    assert [error.message for error in JSON_FEED.iter_errors(feed)] == []
    assert feed["feed_url"] == f"https://data.example.org{path}"
    assert feed["_ogp"]["licence"] and feed["_ogp"]["rights"] and feed["_ogp"]["about"].endswith("/docs/feeds")
    assert feed.get("next_url") != feed["feed_url"]


def test_schema_of_json_feed_notices_what_is_wrong(client: httpx.Client) -> None:
    feed = client.get("/feed.json").json()
    item = feed["items"][0]
    for wrong in [
        {"version": "https://jsonfeed.org/version/1"},
        {"title": ""},
        {"author": {"name": "x"}},
        {"_1": {}},
        {"_a.b": {}},
        {"items": [{**item, "id": 7}]},
        {"items": [{key: value for key, value in item.items() if key != "content_html"}]},
        {"items": [{**item, "date_published": "yesterday"}]},
        {"items": [{**item, "tags": "one"}]},
        {"hubs": [{"type": "WebSub"}]},
    ]:
        assert not JSON_FEED.is_valid({**feed, **wrong}), wrong


@pytest.mark.parametrize("path", [one for one in [*NEWS, *ARCHIVES] if ".rss" in one])
def test_rss_keeps_the_rules_of_rss_and_its_modules(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-type"] == "application/rss+xml"
    root = etree.fromstring(answer.content)
    (channel,) = root
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    assert channel.findtext("link").startswith("https://data.example.org/")
    assert [one.get("href") for one in channel.iterfind(ATOM_LINK) if one.get("rel") == "self"] == [
        f"https://data.example.org{path}"
    ]
    assert "withdrawn" in channel.findtext("description") and "CC BY" in channel.findtext("copyright")
    for name in ("title", "link", "description", "language", "lastBuildDate"):
        assert len(channel.findall(name)) == 1
    dates = [channel.findtext("lastBuildDate"), *(item.findtext("pubDate") for item in channel.iterfind("item"))]
    for one in dates:
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", one)
        assert email.utils.parsedate_to_datetime(one)
    for item in channel.iterfind("item"):
        assert item.find("guid").get("isPermaLink") == "false"
        assert item.findtext("title") and item.findtext(CREATOR) and item.find("author") is None
        shown(item.findtext(CONTENT))


@pytest.mark.parametrize("subject", [*SUBJECTS, f"/archive/1-{SPAN}"])
def test_three_formats_have_the_same_entries_with_the_same_ids_bytewise(client: httpx.Client, subject: str) -> None:
    def asked(suffix: str) -> httpx.Response:
        return client.get(f"/feed{subject}.{suffix}" if subject.startswith("/") else f"/feed.{suffix}{subject}")

    atom = read(asked("atom")).findall(f"{A}entry")
    items = etree.fromstring(asked("rss").content).findall("channel/item")
    feed = asked("json").json()["items"]
    assert len(atom) == len(items) == len(feed) > 2
    for entry, item, one in zip(atom, items, feed, strict=True):
        assert entry.findtext(f"{A}id") == item.findtext("guid") == one["id"]
        assert entry.findtext(f"{A}title") == item.findtext("title") == one["title"]
        assert entry.findtext(f"{A}content") == item.findtext(CONTENT) == one["content_html"]
        assert entry.find(f"{A}link[@rel='alternate']").get("href") == item.findtext("link") == one["url"]
        assert entry.findtext(f"{A}updated") == one["date_modified"] == one["date_published"]


def test_readers_that_nobody_here_wrote_read_the_same(client: httpx.Client) -> None:
    feed = client.get("/feed.json").json()["items"]
    ids, titles = [one["id"] for one in feed], [one["title"] for one in feed]
    for suffix, version in [("atom", "atom10"), ("rss", "rss20")]:
        parsed = feedparser.parse(client.get(f"/feed.{suffix}").content)
        assert (parsed.bozo, parsed.version) == (False, version)
        assert ([one.id for one in parsed.entries], [one.title for one in parsed.entries]) == (ids, titles)
    for suffix in ("atom", "rss", "json"):
        other = fastfeedparser.parse(client.get(f"/feed.{suffix}").content)
        assert ([one.id for one in other.entries], [one.title for one in other.entries]) == (ids, titles)
        assert other.entries[0].link == feed[0]["url"]


def test_news_are_in_words_that_a_citizen_reads(client: httpx.Client) -> None:
    told = {one["title"]: one for one in client.get("/feed.json?commitment=nz-nap2-c5").json()["items"]}
    assert "Commitment 5, September to November 2017: milestone 2 completed" in told
    report = told["Commitment 5, September to November 2017: progress report corrected"]
    assert "<h3>What" in report["content_html"]
    plan = client.get("/feed.json?plan=nz-nap2").json()
    assert plan["title"].endswith(": what happened") and plan["home_page_url"].endswith("/plans/nz-nap2")


@pytest.mark.parametrize("subject", SUBJECTS[1:])
def test_entry_is_the_same_in_the_feed_of_its_subject(client: httpx.Client, subject: str) -> None:
    whole = {one["id"]: one for one in client.get("/feed.json?limit=1000").json()["items"]}
    some = client.get(f"/feed.json{subject}&limit=1000").json()["items"]
    assert 0 < len(some) < len(whole)
    assert all(whole[one["id"]] == one for one in some)
    assert len({client.get(f"/feed.json{one}").json()["_ogp"]["id"] for one in SUBJECTS}) == len(SUBJECTS)


def test_feed_of_nobody_and_unknown_parameters_are_refused(client: httpx.Client) -> None:
    assert client.get("/feed.atom?commitment=nz-nap2-c99").status_code == 404
    answer = client.get("/feed.atom?comitment=nz-nap2-c5")
    assert answer.status_code == 400 and "commitment" in answer.json()["detail"]


def test_feed_of_the_past_is_what_it_was(client: httpx.Client) -> None:
    then = client.get("/feed.json?as_of=3").json()
    assert {one["id"].split("/")[1] for one in then["items"] if ":news/" in one["id"]} <= {"1", "2", "3"}
    assert client.get("/feed.json?as_of=3").headers["cache-control"] == "max-age=86400"
    assert len(client.get("/feed.json?limit=2").json()["items"]) == 2
    assert "next_url" not in client.get("/feed.json?limit=2").json()


@pytest.mark.parametrize(
    ("path", "feed"),
    [
        ("/v1/plans/nz-nap2", "?plan=nz-nap2"),
        ("/v1/commitments/nz-nap2-c5", "?commitment=nz-nap2-c5"),
        ("/v1/milestones/nz-nap2-c5-m1", "?commitment=nz-nap2-c5"),
        ("/v1/organisations/nz-psc", "?organisation=nz-psc"),
        ("/v1/reports?plan=nz-nap2", "?plan=nz-nap2"),
        ("/v1/milestones", ""),
    ],
)
def test_records_and_lists_and_pages_lead_to_their_news(client: httpx.Client, path: str, feed: str) -> None:
    wanted = f'<https://data.example.org/feed.atom{feed}>; rel="alternate"; type="application/atom+xml"'
    assert wanted in client.get(path).headers["link"]
    assert client.get(f"/feed.atom{feed}").status_code == 200
    page = client.get(path.removeprefix("/v1")).text
    for suffix, media_type in [("atom", "atom+xml"), ("json", "feed+json"), ("rss", "rss+xml")]:
        subject = feed if "?plan" not in path else ""
        found = re.findall(
            rf'<link rel="alternate" type="application/{re.escape(media_type)}"[^>]* href="([^"]*)"', page
        )
        assert f"/feed.{suffix}{subject}" in found


def test_links_and_schemes_of_entries_answer(client: httpx.Client) -> None:
    feed = read(client.get("/feed.atom"))
    addresses = {one.get("href") for one in feed.iterfind(f"{A}entry/{A}link") if one.get("rel") == "alternate"}
    addresses |= {one.get("scheme") for one in feed.iter(f"{A}category")}
    for address in sorted(addresses):
        parts = urlsplit(address)
        assert parts.netloc == "data.example.org"
        found = client.get(parts.path + (f"?{parts.query}" if parts.query else ""))
        assert found.status_code == 200, address
        if parts.fragment and found.headers["content-type"].startswith("text/html"):
            assert f'id="{parts.fragment}"' in found.text


@pytest.mark.parametrize("path", ["/feed.atom", "/feed.json", "/feed.rss", "/v1/changes.atom", *ARCHIVES])
def test_copy_of_a_feed_that_is_still_good_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


# Bytes ----------------------------------------------------------------------------------------------------------------


async def lived(dsn: str) -> None:
    """The sample, a poisoned text, a report withdrawn, and releases enough for an archive."""
    async with opened(dsn) as store:
        for document in sample():
            await import_document(store, document, KNOWN)
        poison = "\u0001 \ufffe ]]> &nbsp; <script>alert(1)</script> \u202e" + "x" * 100_000
        await hand.correct(store, KNOWN, "nz-nap2-c1-m1", {"text": poison}, poison[:500])
        await hand.withdraw(store, KNOWN, "nz-nap2-c1-r2018-03-2018-06", "sent by mistake")
        await grow(store, SPAN + 2)


@pytest.fixture(scope="module")
def poisoned(server: str, template: str) -> Iterator[str]:
    """The address of a database with a poisoned record in it."""
    with copied_database(server, template) as dsn:
        asyncio.run(lived(dsn))
        yield dsn


def test_bytes_are_the_same_whatever_the_process_locale_zone_and_seed(poisoned: str) -> None:
    paths = [*(f"/feed.{suffix}" for suffix in ("atom", "json", "rss")), *ARCHIVES, *STATES]
    bodies = []
    for lang, zone, seed in [
        ("fr_FR.UTF-8", "Pacific/Auckland", "77"),
        ("mi_NZ.UTF-8", "Asia/Kolkata", "0"),
    ]:
        environ = {
            "LC_ALL": lang,
            "LANG": lang,
            "TZ": zone,
            "PYTHONHASHSEED": seed,
            "OGP_PUBLIC_URL": "https://data.example.org",
        }
        with running("--workers", "1", "--database-url", poisoned, **environ) as (_, url):
            bodies.append([httpx.get(url + path, timeout=60).content for path in paths])
    assert bodies[0] == bodies[1]
    for path, body in zip(paths, bodies[0], strict=True):
        if ".json" in path:
            feed = json.loads(body)
            assert JSON_FEED.is_valid(feed)
            for one in feed["items"]:
                shown(one["content_html"])
        else:
            etree.fromstring(body)
    read(httpx.Response(200, content=bodies[0][0], headers={"content-type": "application/atom+xml"}))


async def test_what_is_on_its_way_out_is_an_entry_until_it_is_gone(poisoned: str) -> None:
    today = date.today()
    going = Deprecated(
        id="old", address="/v1/plans.csv", on=today - timedelta(1), sunset=today + timedelta(400), reason="A & b."
    )
    gone = Deprecated(id="gone", address="/v1/x", on=date(2020, 1, 1), sunset=date(2021, 1, 1), reason="It is gone.")
    made = app.create(Settings(database_url=poisoned), (going, gone))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://x") as client, alive(made):
        feed = (await client.get("/feed.json?limit=1000")).json()
        found = [one for one in feed["items"] if "deprecated" in one["tags"]]
        assert [one["id"].rpartition(":")[2] for one in found] == ["deprecations/old"]
        assert found[0]["title"] == "Deprecated: the /v1/plans.csv" and found[0]["summary"].startswith("A & b.")
        of_one = (await client.get("/feed.json?commitment=nz-nap2-c1&limit=1000")).json()
        assert not any("deprecated" in one["tags"] for one in of_one["items"])
