"""Feeds as a stranger reads them over HTTP: their parts, the walk through their archives, and a state rebuilt from them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jsonschema
from lxml import etree

from feed_samples import A, broken, parsed
from ogp_open_data.formats.feed import OGP
from ogp_open_data.formats.to_feed import HISTORY, TOMBSTONES

JSON_FEED = jsonschema.Draft202012Validator(json.loads(Path(__file__).with_name("jsonfeed.schema.json").read_text()))
HTML = ("text/html",)


def local(client: httpx.Client, url: str) -> httpx.Response:
    """The answer at a public address, asked of the program itself."""
    parts = urlsplit(url)
    answer = client.get(parts.path + (f"?{parts.query}" if parts.query else ""))
    assert answer.status_code in (200, 307), (url, answer.text[:300])
    return answer


def read(answer: httpx.Response) -> etree._Element:
    """An Atom document that keeps every rule."""
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = parsed(answer.content)
    assert broken(feed) == []
    return feed


def link(feed: etree._Element, rel: str) -> str | None:
    found = [one.get("href") for one in feed.iterfind(f"{A}link") if one.get("rel") == rel]
    assert rel == "alternate" or len(found) <= 1, (rel, found)
    return found[0] if found else None


def walk(client: httpx.Client, path: str) -> Iterator[tuple[str, etree._Element]]:
    """The documents of a feed from the newest to the oldest: the subscription document, then its archives."""
    address: str | None = path
    seen: set[str] = set()
    while address is not None:
        assert address not in seen
        seen.add(address)
        answer = local(client, address)
        assert answer.status_code == 200, address
        feed = read(answer)
        assert (feed.find(f"{{{HISTORY}}}archive") is not None) == (address != path)
        yield address, feed
        address = link(feed, "prev-archive")


def rebuilt(documents: list[etree._Element]) -> dict[str, dict[str, Any]]:
    """The records of a state by noun and id, from its feed alone, as RFC 5005 and RFC 6721 say it is done."""
    entries: dict[str, tuple[str, dict[str, Any] | None]] = {}

    def take(id: str, when: str, record: dict[str, Any] | None) -> None:
        # Times of one form, in UTC, compare as text; between equal ones a tombstone wins.
        if id not in entries or when > entries[id][0] or (when == entries[id][0] and record is None):
            entries[id] = (when, record)

    for feed in documents:
        for one in feed.iterfind(f"{{{TOMBSTONES}}}deleted-entry"):
            take(one.get("ref"), one.get("when"), None)
        for entry in feed.iterfind(f"{A}entry"):
            carried = entry.find(f"{{{OGP}}}record")
            take(entry.findtext(f"{A}id"), entry.findtext(f"{A}updated"), json.loads(carried.text))
    found: dict[str, dict[str, Any]] = {}
    for _, record in entries.values():
        if record is not None:
            found.setdefault(record["url"].split("/")[2], {})[record["id"]] = record
    return found


def state(client: httpx.Client, release: str, nouns: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The records as `/v1` has them as of a release."""
    found: dict[str, dict[str, Any]] = {}
    for noun in nouns:
        lines = client.get(f"/v1/{noun}.ndjson?as_of={release}").text.splitlines()
        if lines:
            found[noun] = {record["id"]: record for record in map(json.loads, lines)}
    return found
