"""Addresses of the feeds: the news in three formats, the states in Atom, and the archives of both."""

from collections.abc import Iterable
from typing import Any

from ogp_open_data.web import query
from ogp_open_data.web.contract.operations import (
    EVERYWHERE,
    in_path,
    named,
    ok,
    operations,
    parameter,
    problems,
    unchanged,
)
from ogp_open_data.web.feeds import news
from ogp_open_data.web.query import Parameter
from ogp_open_data.web.shapes import TEXT, object_of

RANGE = {"type": "string", "pattern": "^[1-9][0-9]{0,17}-[1-9][0-9]{0,17}$", "examples": ["1-20"]}
JSON_FEED = object_of({"version": TEXT, "title": TEXT, "items": {"type": "array", "items": {"type": "object"}}})


def paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for suffix, media_type in news.MEDIA_TYPES.items():
        content = {media_type: JSON_FEED if suffix == "json" else TEXT}
        name = media_type.partition("/")[2]
        found[f"/feed.{suffix}"] = _path(
            f"feed_{suffix}", f"What happened, the newest first, as {name}", query.NEWS.values(), content
        )
        found[f"/feed/archive/{{range}}.{suffix}"] = _path(
            f"feed_archive_{suffix}",
            f"What happened in these releases, as {name}",
            query.SUBJECT.values(),
            content,
            True,
        )
    atom = {news.MEDIA_TYPES["atom"]: TEXT}
    found["/v1/changes.atom"] = _path("changes_atom", "What changed since the newest archive, as Atom", [], atom)
    found["/v1/changes/archive/{range}.atom"] = _path(
        "changes_archive", "What these releases left of each record that they changed, as Atom", [], atom, True
    )
    return found


def _path(
    id: str, summary: str, parameters: Iterable[Parameter], content: dict[str, Any], archive: bool = False
) -> dict[str, Any]:
    range = [in_path("range", "First and last release of an archive.", RANGE)] if archive else []
    moved = {
        "description": "No archive yet: the subscription document has these releases.",
        "headers": named([*EVERYWHERE, "Location", "Vary"]),
    }
    responses = {"200": ok(summary, content), "304": unchanged(), **({"307": moved} if archive else {})}
    operation = {
        "summary": summary,
        "parameters": [*range, *map(parameter, parameters)],
        "responses": {**responses, **problems(["400", "404", "405", "414", "503"])},
    }
    return operations(id, "feeds", operation)
