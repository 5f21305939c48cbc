"""The news of releases as entries of feeds: the store's changes, put into words, with ids, links and categories."""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from ogp_open_data.deprecations import Deprecated, instant
from ogp_open_data.formats import FORMATS
from ogp_open_data.formats.entries import Words
from ogp_open_data.formats.feed import Category, Deleted, FeedEntry, Link, categories, poisoned, sources
from ogp_open_data.formats.happened import Happened
from ogp_open_data.formats.markup import anchor, escape, one_line, sentence
from ogp_open_data.formats.news import Story, stories
from ogp_open_data.records import page_of, url_of
from ogp_open_data.store import news, releases
from ogp_open_data.store.news import Changed, Made, Subject
from ogp_open_data.web import sunset
from ogp_open_data.web.feeds.envelope import tag
from ogp_open_data.web.site import Site

# What explains the feeds, and resolves the scheme of the kinds.
PAGE = "/docs/feeds"
# A release that changes more records than this, a whole country put in at once, is one entry.
MOST_TOLD = 1000
JSON = FORMATS["json"].media_type


class Told(NamedTuple):
    """The entries of a release, and the ids of earlier ones that it takes back."""

    release: int
    entries: list[FeedEntry]
    deleted: list[Deleted]


async def told(site: Site, subject: Subject, numbers: Sequence[int]) -> list[Told]:
    """The news of some releases, the newest first. An entry says the same in the feed of whatever subject."""
    made, changed = await site.store.reading(news.happened, numbers, MOST_TOLD)
    rows = {number: list(some) for number, some in groupby(changed, key=lambda one: one.release)}
    found = []
    for one in made:
        found.append(await _of_release(site, subject, one, rows.get(one.number, [])))
        # A release can take a while to tell; others are answered in between.
        await asyncio.sleep(0)
    return found


async def _of_release(site: Site, subject: Subject, made: Made, rows: Sequence[Changed]) -> Told:
    if made.changed > MOST_TOLD:
        return Told(made.number, [await _at_once(site, made)], [])
    happened = [one for row in rows if (one := _decoded(row)) is not None]
    found = [one for one in stories(made.cause, happened, site.base) if _concerns(one.about, subject)]
    entries = [await _entry(site, made, one) for one in found]
    taken_back = [
        Deleted(await tag(site, "news", f"{release}/{row.id}"), made.made_at, row.reason)
        for row in rows
        for release in row.told_in
        if row.noun != "progress" and _of_subject(row.plan, row.commitment, row.organisations, subject)
    ]
    return Told(made.number, entries, taken_back)


def _decoded(row: Changed) -> Happened | None:
    """A change as structs; None, and an event, where its text cannot be read."""
    try:
        return Happened(
            noun=row.noun,
            id=row.id,
            after=releases.decode(row.noun, row.doc) if row.doc is not None else None,
            before=releases.decode(row.noun, row.before) if row.before is not None else None,
            change_kind=row.change_kind,
            changed_fields=row.changed_fields,
            reason=row.reason,
            successor=row.successor,
            again=row.again,
            plan=row.plan,
            commitment=row.commitment,
            organisations=row.organisations,
        )
    except ValueError as error:
        poisoned(row.id, error)
        return None


def _concerns(about: Sequence[Happened], subject: Subject) -> bool:
    return any(_of_subject(one.plan, one.commitment, one.organisations, subject) for one in about)


def _of_subject(plan: str | None, commitment: str | None, organisations: Sequence[str], subject: Subject) -> bool:
    return (
        subject.plan in (None, plan)
        and subject.commitment in (None, commitment)
        and (subject.organisation is None or subject.organisation in organisations)
    )


async def _entry(site: Site, made: Made, story: Story) -> FeedEntry:
    first = story.about[0]
    page, url, via = f"/releases/{made.number}", f"/v1/releases/{made.number}", []
    if len(story.about) == 1 and first.after is not None:
        as_of = f"?as_of={made.number}"
        page, url = page_of(first.noun, first.id) + as_of, url_of(first.noun, first.id) + as_of
        via = list(sources(first.after))
    filed = [Category(kind, site.url(f"{PAGE}#kinds")) for kind in story.kinds]
    for one in story.about:
        filed += categories(one.record, site.base)
        filed += [Category(id, site.url("/v1/organisations")) for id in one.organisations]
    return FeedEntry(
        id=await tag(site, "news", f"{made.number}/{story.id}"),
        words=story.words,
        updated=made.made_at,
        published=made.made_at,
        links=[*_alternates(site, page, url), *via],
        categories=list({(one.term, one.scheme): one for one in reversed(filed)}.values())[::-1],
    )


def _alternates(site: Site, page: str, url: str) -> list[Link]:
    """Where readers go, and the same as data; what has no page is there as data only."""
    data = Link("alternate", site.url(url), JSON)
    return [data] if page == url else [Link("alternate", site.url(page), "text/html"), data]


async def _at_once(site: Site, made: Made) -> FeedEntry:
    """The one entry of a release that is too large to be told record by record."""
    changes = f"/v1/changes?since={made.number - 1}&until={made.number}"
    title = f"{made.changed:,} records changed at once"
    html = f"<p>{anchor(site.url(changes), f'Release {made.number} has every change')}.</p>"
    return FeedEntry(
        id=await tag(site, "news", f"{made.number}/everything"),
        words=Words(title, f"{title}, in release {made.number}.", html),
        updated=made.made_at,
        published=made.made_at,
        links=_alternates(site, f"/releases/{made.number}", changes),
        categories=[Category("changed", site.url(f"{PAGE}#kinds"))],
    )


async def of_deprecation(site: Site, one: Deprecated) -> FeedEntry:
    """What is on its way out, as an entry of the day of its announcement."""
    text = f"It works unchanged until {one.sunset}, and answers 410 from the first release after that."
    successor = [Link("successor-version", site.url(one.successor))] if one.successor else []
    instead = f"<p>Use {anchor(successor[0].href, one.successor or '')}.</p>" if successor else ""
    return FeedEntry(
        id=await tag(site, "deprecations", one.id),
        words=Words(
            one_line(f"Deprecated: the {one}"),
            f"{sentence(one_line(one.reason))} {text}",
            f"<p>{escape(one.reason)}</p><p>{text}</p>{instead}",
        ),
        updated=instant(one.on),
        published=instant(one.on),
        links=[Link("alternate", site.url(f"{sunset.PAGE}#{one.id}"), "text/html"), *successor],
        categories=[Category("deprecated", site.url(f"{PAGE}#kinds"))],
    )
