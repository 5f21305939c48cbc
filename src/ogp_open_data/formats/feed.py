"""What a feed is made of, in whatever format: its head, its entries, what was taken out of it, and their ids."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

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

IRI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
AUTHORITY = re.compile(r"([a-z0-9._-]+@)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;[\x20-\x7e]*)?", re.ASCII)
# Readers on libxml2 refuse a text node of more than 10,000,000 bytes, and one character of ours can become five.
MOST_TEXT = 1_500_000
LANGUAGE = "en-NZ"
GENERATOR = "OGP Open Data"
ATOM, RSS = FORMATS["atom"].media_type, "application/rss+xml"
# Ours, the same for every publisher: `record` carries an entry's record, `state` says what state a feed tells.
OGP = "urn:uuid:a0597054-8ff5-4f30-9e96-0fee7ed097d9"
# What stands behind the last entry of an Atom feed.
END = b"</feed>"


class Link(NamedTuple):
    rel: str
    href: str
    type: str | None = None


class Category(NamedTuple):
    term: str
    scheme: str
    label: str | None = None


class State(NamedTuple):
    """Which state of the dataset a feed tells: a release of a history."""

    release: int
    epoch: str


class FeedHead(Struct, frozen=True, kw_only=True):
    """What the envelope says; `updated` is an aware instant, addresses are absolute.

    `home_url` is the page for people. `archive` is said of a document that will never change (RFC 5005).
    """

    id: str
    title: str
    subtitle: str
    self_url: str
    home_url: str
    updated: datetime
    links: Sequence[Link] = ()
    hubs: Sequence[str] = ()
    licence_url: str
    rights: str
    author: str
    author_uri: str | None
    archive: bool = False
    state: State | None = None


class Carried(Struct, frozen=True):
    """The record that an entry is about, as it is served and hashed; `url` is where this version stays to be had."""

    noun: str
    version: int
    release: int
    sha256: str
    doc: str
    url: str


class FeedEntry(Struct, frozen=True, kw_only=True):
    """One entry. The words are clean; the first alternate link is where readers go."""

    id: str
    words: Words
    updated: datetime
    published: datetime
    links: Sequence[Link]
    categories: Sequence[Category] = ()
    carried: Carried | None = None


class Deleted(NamedTuple):
    """An entry that is to be taken out of a copy of a feed (RFC 6721)."""

    ref: str
    when: datetime
    comment: str | None = None


def tag_uri(authority: str, day: date, noun: str, id: str) -> str:
    """An id that outlives every address (RFC 4151): tag:example.govt.nz,2026-11-24:commitments/nz-nap2-c5."""
    authority = authority.lower()
    if not AUTHORITY.fullmatch(authority):
        raise ValueError(f"{authority!r} is no domain name that a tag: URI can begin with")
    return f"tag:{authority},{day:%Y-%m-%d}:{noun}/{id}"


def of_record(
    id: str,
    record: Record,
    updated: datetime,
    published: datetime,
    url: str,
    page_url: str | None = None,
    carried: Carried | None = None,
) -> FeedEntry:
    """An entry of a state feed: a record as it stands, at its absolute address and on its page for people."""
    links = [Link("alternate", url, FORMATS["json"].media_type)]
    if page_url is not None:
        links.append(Link("alternate", page_url, "text/html"))
    base = _base(url, record)
    return FeedEntry(
        id=id,
        words=within(said(id, record, base)),
        updated=updated,
        published=published,
        links=[*links, *sources(record)],
        categories=list(categories(record, base)),
        carried=carried,
    )


def said(id: str, record: Record, base: str) -> Words:
    """The words of a record, or its id and an event: one bad record never takes a feed down, nor is it left out of one."""
    try:
        return words(record, base)
    except Exception as error:
        poisoned(id, error)
        return Words(record.id, record.id, "")


def poisoned(id: str, error: Exception) -> None:
    """Tell the operator of a record that could not be put into words."""
    events.log("feed.entry.skipped", id=clean(id), reason=clean(repr(error)[:200]))


def within(told: Words) -> Words:
    """Words that are no longer than readers take."""
    html = told.html if len(told.html) <= MOST_TEXT else f"<p>{escape(told.summary)}</p>"
    return Words(told.title[:MOST_TEXT], told.summary, html)


def _base(url: str, record: Record) -> str:
    """The public address of the program, from the absolute address of a record of it."""
    base, found, _ = url.partition(record.url)
    parts = urlsplit(url)
    return base if found else f"{parts.scheme}://{parts.netloc}"


def categories(record: Record, base: str) -> Iterator[Category]:
    """Plan, commitment, lead agencies, status, timeliness and themes.

    Every scheme is an address of ours that answers; status as reported and timeliness as derived never share one.
    """
    schema = f"{base}/schemas/v1/{NOUN_OF[type(record)]}.json#/properties/"
    plan = record.id if isinstance(record, Plan) else getattr(record, "plan", None)
    if plan:
        yield Category(plan, f"{base}/v1/plans")
    if commitment := getattr(record, "commitment", None):
        yield Category(commitment, f"{base}/v1/commitments", commitment_words(commitment, plan or ""))
    if isinstance(record, Commitment | Report):
        leads = record.lead_organisations if isinstance(record, Commitment) else record.organisations
        printed = shorten(record.leads_raw or "") if len(leads) == 1 else ""
        yield from (Category(lead, f"{base}/v1/organisations", printed or None) for lead in leads)
    if status := getattr(record, "status", None):
        yield Category(status, f"{schema}status", in_words(status, STATUS_WORDS))
    if timeliness := getattr(record, "timeliness", None):
        yield Category(timeliness, f"{schema}timeliness", in_words(timeliness, TIMELINESS_WORDS))
    yield from (Category(one_line(theme), f"{schema}themes") for theme in getattr(record, "themes", []))


def sources(record: Record) -> Iterator[Link]:
    """Where a report was read from, and the website of what a record is about: only where it is an address."""
    if isinstance(record, Report) and record.source.url and is_address(record.source.url):
        yield Link("via", record.source.url, record.source.media_type)
    if isinstance(record, Plan | Organisation) and record.website and is_address(record.website):
        yield Link("related", record.website)


def checked(links: Sequence[Link]) -> list[Link]:
    """Links with absolute addresses and media types only; raises ValueError, also for two alternates of one type."""
    for link in links:
        if not is_address(link.href):
            raise ValueError(f"the {link.rel} link {link.href!r} is not an absolute http address")
    alternates = [link.type for link in links if link.rel == "alternate"]
    if len(alternates) != len(set(alternates)):
        raise ValueError("two alternate links have the same media type (RFC 4287, 4.1.1)")
    return [link._replace(type=link.type if link.type and MEDIA_TYPE.fullmatch(link.type) else None) for link in links]


def iri(id: str) -> str:
    if not IRI.fullmatch(id) or clean(id) != id:
        raise ValueError(f"{id!r} is not an absolute IRI")
    return id


def instant(moment: datetime) -> datetime:
    """An aware instant in UTC, so that equal instants give equal bytes."""
    if moment.tzinfo is None:
        raise ValueError("a time in a feed needs a zone")
    return moment.astimezone(UTC)


def author_of(head: FeedHead) -> str:
    """The author's name. Raises ValueError where there is none (RFC 4287, 4.1.1)."""
    name = one_line(head.author)
    if not name:
        raise ValueError("a feed needs an author (RFC 4287, 4.1.1)")
    return name
