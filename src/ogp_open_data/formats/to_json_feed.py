"""Feeds as JSON Feed 1.1; what it has no word for stands under `_ogp`, and tombstones under `_ogp_deleted`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ogp_open_data.formats.feed import LANGUAGE, Deleted, FeedEntry, FeedHead, author_of, checked, instant, iri
from ogp_open_data.formats.markup import one_line

MEDIA_TYPE = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def json_feed(head: FeedHead, entries: Sequence[FeedEntry], deleted: Sequence[Deleted], about_url: str) -> bytes:
    """The feed in UTF-8, in the order given. `next_url` is the older archive; `about_url` explains what is ours.

    Raises ValueError where the caller's own parts are wrong, as `atom` does.
    """
    links = checked(head.links)
    older = next((link.href for link in links if link.rel == "prev-archive"), None)
    address = None if head.author_uri is None else iri(head.author_uri)
    body: dict[str, Any] = {
        "version": VERSION,
        "title": one_line(head.title) or head.id,
        "home_page_url": head.home_url,
        "feed_url": head.self_url,
        "description": one_line(head.subtitle),
        "language": LANGUAGE,
        "authors": [{"name": author_of(head), **({"url": address} if address else {})}],
        "_ogp": {
            "about": about_url,
            "id": iri(head.id),
            "updated": _date(head.updated),
            "licence": head.licence_url,
            "rights": one_line(head.rights),
            "archive": head.archive,
            "links": [link._asdict() for link in links],
        },
        "_ogp_deleted": [{"id": iri(one.ref), "when": _date(one.when), "reason": one.comment} for one in deleted],
        "items": [_item(entry) for entry in entries],
    }
    if older is not None:
        body["next_url"] = older
    if head.hubs:
        body["hubs"] = [{"type": "WebSub", "url": hub} for hub in head.hubs]
    return msgspec.json.encode(body)


def _item(entry: FeedEntry) -> dict[str, Any]:
    return {
        "id": iri(entry.id),
        "url": checked(entry.links)[0].href,
        "title": entry.words.title,
        "summary": entry.words.summary,
        "content_html": entry.words.html,
        "date_published": _date(entry.published),
        "date_modified": _date(entry.updated),
        "tags": list(dict.fromkeys(one.label or one.term for one in entry.categories)),
        "language": LANGUAGE,
        "_ogp": {"categories": [one._asdict() for one in entry.categories]},
    }


def _date(moment: datetime) -> str:
    """RFC 3339, as Atom has it."""
    return instant(moment).isoformat()
