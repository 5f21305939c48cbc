"""Feeds as RSS 2.0, with the modules content, dc and atom, for readers that know nothing else.

Not by feedgen: it makes dates by switching the locale of the whole process, and takes the last Atom link for the site's.
"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from lxml.etree import Element, SubElement, tostring

from ogp_open_data.formats.feed import (
    GENERATOR,
    LANGUAGE,
    RSS,
    FeedEntry,
    FeedHead,
    Link,
    author_of,
    checked,
    instant,
    iri,
)
from ogp_open_data.formats.markup import clean, one_line
from ogp_open_data.formats.to_feed import HISTORY

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "fh": HISTORY}
CANNOT = "RSS cannot say that an entry was withdrawn: follow the Atom feed to hear of that."


def rss(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    """The feed in UTF-8, in the order given. Raises ValueError where the caller's own parts are wrong, as `atom` does."""
    root: Any = Element("rss", {"version": "2.0"}, nsmap=NAMESPACES)
    channel = SubElement(root, "channel")
    _text(channel, "title", one_line(head.title) or head.id)
    _text(channel, "link", head.home_url)
    _text(channel, "description", f"{one_line(head.subtitle)} {CANNOT}".strip())
    _text(channel, "language", LANGUAGE)
    _text(channel, "copyright", one_line(head.rights))
    _text(channel, "lastBuildDate", _date(head.updated))
    _text(channel, "generator", GENERATOR)
    own = [Link("self", head.self_url, RSS), Link("license", head.licence_url)]
    for link in checked([*own, *(Link("hub", hub) for hub in head.hubs), *head.links]):
        element = SubElement(channel, f"{{{ATOM}}}link", {"rel": link.rel, "href": link.href})
        if link.type:
            element.set("type", link.type)
    if head.archive:
        SubElement(channel, f"{{{HISTORY}}}archive")
    for entry in entries:
        _item(channel, entry, author_of(head))
    written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _item(channel: Any, entry: FeedEntry, author: str) -> None:
    item = SubElement(channel, "item")
    _text(item, "title", entry.words.title)
    _text(item, "link", checked(entry.links)[0].href)
    _text(item, "guid", iri(entry.id)).set("isPermaLink", "false")
    _text(item, "pubDate", _date(entry.updated))
    _text(item, f"{{{DC}}}creator", author)
    _text(item, "description", entry.words.summary)
    _text(item, f"{{{CONTENT}}}encoded", entry.words.html)
    for term, scheme, _ in entry.categories:
        _text(item, "category", clean(term)).set("domain", scheme)


def _text(parent: Any, name: str, text: str) -> Any:
    element = SubElement(parent, name)
    element.text = text
    return element


def _date(moment: datetime) -> str:
    """RFC 822 with a year of four digits: English in every locale."""
    return format_datetime(instant(moment), usegmt=True)
