"""Atom state feeds (RFC 4287): an entry for each record, as it stands; the only module that knows feedgen.

feedgen 1.0.0 is bent straight here: left alone it takes `updated` from the clock, reverses the entries, drops `rel` and
`type` of their links and refuses most relations (so an extension writes links), and stops at one control character.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]
from lxml.etree import SubElement
from msgspec import Struct

from ogp_open_data import events
from ogp_open_data.formats import FORMATS
from ogp_open_data.formats.entries import Words, words
from ogp_open_data.formats.markup import (
    STATUS_WORDS,
    TIMELINESS_WORDS,
    clean,
    commitment_words,
    escape,
    in_words,
    is_address,
    one_line,
    shorten,
)
from ogp_open_data.records import NOUN_OF, Commitment, Organisation, Plan, Record, Report

Link = tuple[str, str, str | None]

IRI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
AUTHORITY = re.compile(r"([a-z0-9._-]+@)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;[\x20-\x7e]*)?", re.ASCII)
# Readers on libxml2 refuse a text node of more than 10,000,000 bytes, and one character of ours can become five.
MOST_TEXT = 1_500_000


class FeedHead(Struct, frozen=True):
    """What the envelope says; `updated` is an aware instant.

    Addresses are absolute; `links` are (rel, address, media type). `alternate_url` is the same list in another format;
    its media type follows from its suffix.
    """

    id: str
    title: str
    subtitle: str
    self_url: str
    alternate_url: str | None
    updated: datetime
    links: list[Link]
    licence_url: str
    rights: str
    author: str
    author_uri: str | None


class FeedEntry(Struct, frozen=True):
    """One record: its tag: URI, the times of the releases of this version and the first, and its absolute address.

    `page_url` is its page for people: readers that know only HTML open that, and have no link without it.
    """

    id: str
    record: Record
    updated: datetime
    published: datetime
    url: str
    page_url: str | None = None


class _Links:
    """A feedgen extension that writes links whole: of the feed, or of an entry."""

    def __init__(self) -> None:
        self.links: list[Link] = []

    def extend_ns(self) -> dict[str, str]:
        return {}

    def extend_atom(self, parent: Any) -> None:
        for rel, href, media_type in self.links:
            SubElement(parent, "link", {"rel": rel, "href": href, **({"type": media_type} if media_type else {})})


def atom(head: FeedHead, entries: list[FeedEntry]) -> bytes:
    """The feed in UTF-8, in the order given: the same bytes for the same input in any process.

    A record that cannot be put into words is left out with an event; an empty feed is valid. Raises ValueError where
    the caller's own parts are wrong: a time without a zone, an id that is no IRI, an address that is not absolute.
    """
    feed = _envelope(head)
    for entry in entries:
        said = _words(entry)
        if said is not None:
            _add(feed, entry, said, head.licence_url)
    written: bytes = feed.atom_str()
    return written


def tag_uri(authority: str, day: date, noun: str, id: str) -> str:
    """An id that outlives every address (RFC 4151): tag:example.govt.nz,2026-11-24:commitments/nz-nap2-c5."""
    authority = authority.lower()
    if not AUTHORITY.fullmatch(authority):
        raise ValueError(f"{authority!r} is no domain name that a tag: URI can begin with")
    return f"tag:{authority},{day:%Y-%m-%d}:{noun}/{id}"


def _envelope(head: FeedHead) -> Any:
    feed = FeedGenerator()
    feed.register_extension("written", _Links, _Links, atom=True, rss=False)
    feed.language("en-NZ")
    feed.id(_iri(head.id))
    feed.title(one_line(head.title) or head.id)
    feed.subtitle(one_line(head.subtitle))
    feed.updated(_instant(head.updated))
    feed.rights(one_line(head.rights))
    feed.author(_author(head))
    feed.generator("OGP Open Data")
    links: list[Link] = [("self", head.self_url, FORMATS["atom"].media_type), ("license", head.licence_url, None)]
    if head.alternate_url is not None:
        links.append(("alternate", head.alternate_url, _type_by_suffix(head.alternate_url)))
    feed.written.links = _checked([*links, *head.links])
    return feed


def _add(feed: Any, entry: FeedEntry, said: Words, licence_url: str) -> None:
    """One entry at the end. Its licence is its own: RFC 4946 does not hand a feed's down."""
    one = feed.add_entry(order="append")
    one.id(_iri(entry.id))
    one.title(said.title[:MOST_TEXT])
    one.updated(_instant(entry.updated))
    one.published(_instant(entry.published))
    one.summary(said.summary)
    one.content(said.html if len(said.html) <= MOST_TEXT else f"<p>{escape(said.summary)}</p>", type="html")
    for term, scheme, label in _categories(entry.record, _base(entry)):
        one.category({"term": clean(term), "scheme": scheme, "label": label})
    links: list[Link] = [("alternate", entry.url, FORMATS["json"].media_type), ("license", licence_url, None)]
    if entry.page_url is not None:
        links.append(("alternate", entry.page_url, "text/html"))
    one.written.links = _checked([*links, *_sources(entry.record)])


def _words(entry: FeedEntry) -> Words | None:
    """The words of an entry, or None and an event: one bad record never takes the feed down."""
    try:
        return words(entry.record, _base(entry))
    except Exception as error:
        events.log(
            "feed.entry.skipped", noun=NOUN_OF[type(entry.record)], id=clean(entry.id), reason=clean(repr(error)[:200])
        )
        return None


def _base(entry: FeedEntry) -> str:
    """The public address of the program, from the absolute address of a record of it."""
    base, found, _ = entry.url.partition(entry.record.url)
    parts = urlsplit(entry.url)
    return base if found else f"{parts.scheme}://{parts.netloc}"


def _categories(record: Record, base: str) -> Iterator[tuple[str, str, str | None]]:
    """(term, scheme, label) of plan, commitment, lead agencies, status, timeliness and themes.

    Every scheme is an address of ours that answers; status as reported and timeliness as derived never share one.
    """
    schema = f"{base}/schemas/v1/{NOUN_OF[type(record)]}.json#/properties/"
    plan = record.id if isinstance(record, Plan) else getattr(record, "plan", None)
    if plan:
        yield plan, f"{base}/v1/plans", None
    if commitment := getattr(record, "commitment", None):
        yield commitment, f"{base}/v1/commitments", commitment_words(commitment, plan or "")
    if isinstance(record, Commitment | Report):
        leads = record.lead_organisations if isinstance(record, Commitment) else record.organisations
        printed = shorten(record.leads_raw or "") if len(leads) == 1 else ""
        yield from ((lead, f"{base}/v1/organisations", printed or None) for lead in leads)
    if status := getattr(record, "status", None):
        yield status, f"{schema}status", in_words(status, STATUS_WORDS)
    if timeliness := getattr(record, "timeliness", None):
        yield timeliness, f"{schema}timeliness", in_words(timeliness, TIMELINESS_WORDS)
    yield from ((one_line(theme), f"{schema}themes", None) for theme in getattr(record, "themes", []))


def _sources(record: Record) -> Iterator[Link]:
    """Where a report was read from, and the website of what a record is about: only where it is an address."""
    if isinstance(record, Report) and record.source.url and is_address(record.source.url):
        yield "via", record.source.url, record.source.media_type
    if isinstance(record, Plan | Organisation) and record.website and is_address(record.website):
        yield "related", record.website, None


def _author(head: FeedHead) -> dict[str, str]:
    author = {"name": one_line(head.author)}
    if not author["name"]:
        raise ValueError("a feed needs an author (RFC 4287, 4.1.1)")
    if head.author_uri is not None and head.author_uri.startswith("mailto:"):
        author["email"] = clean(head.author_uri.removeprefix("mailto:"))
    elif head.author_uri is not None:
        author["uri"] = _iri(head.author_uri)
    return author


def _checked(links: list[Link]) -> list[Link]:
    """Links with absolute addresses and media types only; raises ValueError, also for two alternates of one type."""
    for rel, href, _ in links:
        if not is_address(href):
            raise ValueError(f"the {rel} link {href!r} is not an absolute http address")
    alternates = [media_type for rel, _, media_type in links if rel == "alternate"]
    if len(alternates) != len(set(alternates)):
        raise ValueError("two alternate links have the same media type (RFC 4287, 4.1.1)")
    return [(rel, href, type if type and MEDIA_TYPE.fullmatch(type) else None) for rel, href, type in links]


def _type_by_suffix(url: str) -> str | None:
    format = FORMATS.get(urlsplit(url).path.rpartition(".")[2])
    return format.media_type if format else None


def _iri(id: str) -> str:
    if not IRI.fullmatch(id) or clean(id) != id:
        raise ValueError(f"{id!r} is not an absolute IRI")
    return id


def _instant(moment: datetime) -> datetime:
    """An aware instant in UTC, so that equal instants give equal bytes."""
    if moment.tzinfo is None:
        raise ValueError("a time in a feed needs a zone")
    return moment.astimezone(UTC)
