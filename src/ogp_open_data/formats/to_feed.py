"""Feeds as Atom (RFC 4287) with archives (RFC 5005) and tombstones (RFC 6721); the only module that knows feedgen.

feedgen 1.0.0 is bent straight here: left alone it takes `updated` from the clock, reverses the entries, drops `rel` and
`type` of their links and refuses most relations (so an extension writes links), and stops at one control character.
An entry is bytes of its own, complete with its namespaces, that any envelope can hold.
"""

import re
from collections.abc import Sequence
from typing import Any

from feedgen.entry import FeedEntry as Entry  # type: ignore[import-untyped]
from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]
from lxml.etree import Element, SubElement, tostring

from ogp_open_data.formats.feed import (
    ATOM,
    END,
    GENERATOR,
    LANGUAGE,
    MOST_TEXT,
    OGP,
    Carried,
    Deleted,
    FeedEntry,
    FeedHead,
    Link,
    State,
    author_of,
    checked,
    instant,
    iri,
)
from ogp_open_data.formats.markup import clean, one_line

HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
# What JSON may hold as it is and XML may not, or should not (section 2.2): escaped, it is the same JSON.
UNWRITABLE = re.compile("[\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class _Written:
    """A feedgen extension that writes what feedgen cannot: of the feed, or of an entry."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.archive = False
        self.state: State | None = None
        self.carried: Carried | None = None

    def extend_ns(self) -> dict[str, str]:
        return {}

    def extend_atom(self, parent: Any) -> None:
        for link in self.links:
            SubElement(
                parent, "link", {"rel": link.rel, "href": link.href, **({"type": link.type} if link.type else {})}
            )
        if self.archive:
            SubElement(parent, f"{{{HISTORY}}}archive", nsmap={"fh": HISTORY})
        if self.state is not None:
            named = {"release": str(self.state.release), "epoch": self.state.epoch}
            SubElement(parent, f"{{{OGP}}}state", named, nsmap={"ogp": OGP})
        if self.carried is not None:
            _carry(parent, self.carried)


def atom(head: FeedHead, entries: Sequence[FeedEntry], deleted: Sequence[Deleted] = ()) -> bytes:
    """The feed in UTF-8, in the order given: the same bytes for the same input in any process.

    An empty feed is valid. Raises ValueError where the caller's own parts are wrong: a time without a zone, an id that is
    no IRI, an address that is not absolute.
    """
    parts = [*map(tombstone, deleted), *(rendered(entry, head.licence_url) for entry in entries)]
    return b"".join([opening(head), *parts, END])


def opening(head: FeedHead) -> bytes:
    """A feed up to its first entry: what follows are rendered entries and tombstones, then END."""
    whole: bytes = _envelope(head).atom_str()
    assert whole.endswith(END)
    return whole.removesuffix(END)


def _envelope(head: FeedHead) -> Any:
    feed = FeedGenerator()
    feed.register_extension("written", _Written, _Written, atom=True, rss=False)
    feed.language(LANGUAGE)
    feed.id(iri(head.id))
    feed.title(one_line(head.title) or head.id)
    feed.subtitle(one_line(head.subtitle))
    feed.updated(instant(head.updated))
    feed.rights(one_line(head.rights))
    feed.author(_author(head))
    feed.generator(GENERATOR)
    own = [Link("self", head.self_url, ATOM), Link("license", head.licence_url)]
    own += [Link("alternate", head.home_url, "text/html"), *(Link("hub", hub) for hub in head.hubs)]
    feed.written.links = checked([*own, *head.links])
    feed.written.archive = head.archive
    feed.written.state = head.state
    return feed


def rendered(entry: FeedEntry, licence_url: str) -> bytes:
    """One entry as it stands in any feed. Its licence is its own: RFC 4946 does not hand a feed's down."""
    one = Entry()
    one.register_extension("written", _Written, atom=True, rss=False)
    one.id(iri(entry.id))
    one.title(entry.words.title)
    one.updated(instant(entry.updated))
    one.published(instant(entry.published))
    one.summary(entry.words.summary)
    one.content(entry.words.html, type="html")
    for term, scheme, label in entry.categories:
        one.category({"term": clean(term), "scheme": scheme, "label": label})
    first, *more = entry.links
    one.written.links = checked([first, Link("license", licence_url), *more])
    one.written.carried = entry.carried
    written: bytes = tostring(one.atom_entry(), encoding="UTF-8", xml_declaration=False)
    return written


def _carry(parent: Any, one: Carried) -> None:
    """The record itself, so that a feed is a copy of the data: its JSON, or where that is too long for readers its address."""
    element: Any = SubElement(parent, f"{{{OGP}}}record", nsmap={"ogp": OGP})
    for name in ("noun", "version", "release", "sha256"):
        element.set(name, str(getattr(one, name)))
    if len(one.doc) > MOST_TEXT:
        element.set("src", one.url)
    else:
        element.text = UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", one.doc)


def tombstone(one: Deleted) -> bytes:
    """What takes an entry out of a copy."""
    element = Element(
        f"{{{TOMBSTONES}}}deleted-entry",
        {"ref": iri(one.ref), "when": instant(one.when).isoformat()},
        nsmap={"at": TOMBSTONES},
    )
    if one.comment:
        SubElement(element, f"{{{TOMBSTONES}}}comment").text = one_line(one.comment)
    written: bytes = tostring(element, encoding="UTF-8", xml_declaration=False)
    return written


def _author(head: FeedHead) -> dict[str, str]:
    author = {"name": author_of(head)}
    if head.author_uri is not None and head.author_uri.startswith("mailto:"):
        author["email"] = clean(head.author_uri.removeprefix("mailto:"))
    elif head.author_uri is not None:
        author["uri"] = iri(head.author_uri)
    return author
