"""What every page has: the templates, addresses that keep the asked-for release, and what is said in the head and the foot."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from ogp_open_data.errors import OpenDataError
from ogp_open_data.formats import FORMATS
from ogp_open_data.store.releases import Head
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, PINNED, Link, Representation, answer
from ogp_open_data.web.asking import EPOCH, LONGEST_REPEATED, common_links, release_of
from ogp_open_data.web.board import looks, words
from ogp_open_data.web.site import Request, Response, Site, site_of

if TYPE_CHECKING:
    from jinja2 import Environment

HTML = "text/html; charset=utf-8"
NAME = "Open government commitments"
FEEDS = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}


class Asked(Struct, frozen=True):
    """A page's request: the site, the release it speaks of, how `as_of` was given (None for the present), other parameters."""

    request: Request
    site: Site
    head: Head
    as_of: str | None
    query: query.Query

    def to(self, path: str, **parameters: str | None) -> str:
        """An address of ours that stays in the asked-for release."""
        given = {**parameters, "as_of": self.as_of}
        chosen = {name: value for name, value in given.items() if value is not None}
        return path + (f"?{urlencode(chosen)}" if chosen else "")


class Page(Struct, frozen=True, kw_only=True):
    """What a page is: its template, address (`path` and `query`) and words; the list or record that has the same for machines,
    and what it is asked (`data`, `asking`); whose feed belongs to it (`about`); whether search engines may keep it; and how long a
    cache may, while it speaks of the present."""

    template: str
    path: str
    title: str
    description: str
    query: Mapping[str, str] = {}
    data: str | None = None
    asking: Mapping[str, str] = {}
    about: Mapping[str, str] | None = None
    about_title: str | None = None
    structured: Mapping[str, Any] | None = None
    section: str | None = None
    index: bool = True
    cache_control: str = CURRENT


async def asked(request: Request, allowed: Mapping[str, query.Parameter] | None = None) -> Asked:
    """The request of a page, read. Raises BadRequest with every fault, NotFound where there is no such release."""
    # A form sends its empty fields too: they ask nothing.
    given = [(name, text) for name, text in query.given(request.scope["query_string"]) if text]
    read = query.read(given, {"as_of": query.AS_OF, **(allowed or {})})
    site = site_of(request)
    return Asked(request, site, await release_of(site, read.as_of), dict(given).get("as_of"), read)


def shown(asked: Asked, page: Page, **context: Any) -> Response:
    """The answer with a page: the release's time, and links for those who want the same as data."""
    site, links, repeated = asked.site, common_links(asked.site), urlencode(page.query)
    canonical = site.url(page.path) + (f"?{repeated}" if repeated else "")
    if len(repeated) <= LONGEST_REPEATED:
        links += [Link(canonical, "canonical")]
        links += [Link(site.base + one["href"], "alternate", one["type"]) for one in _data(asked, page)]
    body = render(page.template, **_common(asked, page, canonical), **context)
    return answer(
        asked.request,
        Representation(
            content_type=HTML,
            body=body,
            last_modified=asked.head.made_at or EPOCH,
            cache_control=PINNED if isinstance(asked.query.as_of, int) else page.cache_control,
            links=links,
        ),
    )


def _common(asked: Asked, page: Page, canonical: str) -> dict[str, Any]:
    """What the frame itself says."""
    site = asked.site
    return {
        "site": {
            "name": NAME,
            "base": site.base,
            "publisher": site.settings.publisher,
            "contact": site.settings.contact,
            "licence": {"url": site.settings.licence_url, "name": site.settings.licence_name},
        },
        "page": page,
        "canonical": canonical,
        "release": asked.head,
        "made_on": _day_of(site, asked.head.made_at),
        "as_of": asked.as_of,
        "to": asked.to,
        "feeds": _feeds(page),
        "data": _data(asked, page),
    }


def _day_of(site: Site, moment: datetime | None) -> date | None:
    """The day of an instant where the office is."""
    return moment.astimezone(ZoneInfo(site.settings.time_zone)).date() if moment else None


def _feeds(page: Page) -> list[dict[str, str]]:
    """The feeds that belong to a page: of what happened to its subject, else of everything."""
    query = f"?{urlencode(page.about)}" if page.about else ""
    told = page.about_title or "Everything that happens"
    return [{"href": f"/feed.{suffix}{query}", "type": type, "title": told} for suffix, type in FEEDS.items()]


def _data(asked: Asked, page: Page) -> list[dict[str, str]]:
    """The page's records in every format."""
    if page.data is None:
        return []
    return [
        {
            "label": words.FORMATS.get(one.suffix, one.suffix.upper()),
            "type": one.media_type,
            "href": asked.to(f"{page.data}.{one.suffix}", **page.asking),
        }
        for one in FORMATS.values()
    ]


def problem(error: OpenDataError, request_id: str, path: str) -> bytes:
    """The page of an error, for people: where to go on."""
    links = [("/", "The progress of all commitments"), ("/docs/errors/" + error.code, "About this error")]
    if "withdrawn_in" in error.extra:
        before = error.extra["withdrawn_in"] - 1
        links.insert(0, (f"{path}?as_of={before}", "As it was before it was withdrawn"))
    return render(
        "problem.html",
        name=NAME,
        title=error.titled(),
        status=error.status,
        detail=error.detail.rstrip("."),
        links=links,
        request_id=request_id,
    )


def render(template: str, **context: Any) -> bytes:
    """A template as bytes."""
    return _environment().get_template(template).render(**context).encode()


@cache
def _environment() -> "Environment":
    """The templates, compiled once for each process; what is not defined is an error, and every text is escaped."""
    # Loaded with the first page: it takes as long as a twentieth of a start.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("ogp_open_data.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= words.FILTERS
    made.globals |= {"asset": looks.address, "plural": words.plural}
    return made


def dated(site: Site) -> partial[date | None]:
    """A function from instants to days where the office is."""
    return partial(_day_of, site)


def names(records: Sequence[Any]) -> dict[str, Any]:
    """Records by id."""
    return {one.id: one for one in records}
