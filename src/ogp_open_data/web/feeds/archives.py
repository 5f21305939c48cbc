"""RFC 5005: a feed is a document to subscribe to, and behind it archives of so many releases each, which never change.

The archives are chained both ways. Which they are follows from the number of the newest release alone, so a reader who
walks the chain while somebody publishes misses nothing: every address it was given goes on saying the same.
"""

import re
from typing import NamedTuple

import litestar

from ogp_open_data.errors import NotFound
from ogp_open_data.formats.feed import Link
from ogp_open_data.web.answers import CURRENT, VARY
from ogp_open_data.web.site import Response, Site

# Releases of an archive. Every poll of a state feed carries half of it on average, every first copy walks all of them.
SPAN = 20


class Chain(NamedTuple):
    """The addresses of one feed in one format: of its subscription document, and where its archives are."""

    current: str
    folder: str
    suffix: str
    query: str
    media_type: str

    def address(self, begin: int) -> str:
        return f"{self.folder}/{begin}-{begin + SPAN - 1}.{self.suffix}{self.query}"

    def behind(self, site: Site, release: int) -> list[Link]:
        """The link of the subscription document at a release: to the newest archive."""
        newest = closed(release)
        return [self._link(site, "prev-archive", self.address(newest - SPAN + 1))] if newest else []

    def around(self, site: Site, begin: int) -> list[Link]:
        """The links of an archive. What comes next is named before it is closed, for the archive may not change then."""
        links = [self._link(site, "current", self.current + self.query)]
        links.append(self._link(site, "next-archive", self.address(begin + SPAN)))
        return links + ([self._link(site, "prev-archive", self.address(begin - SPAN))] if begin > 1 else [])

    def _link(self, site: Site, rel: str, path: str) -> Link:
        return Link(rel, site.url(path), self.media_type)


def closed(release: int) -> int:
    """The last release that is in an archive."""
    return release // SPAN * SPAN


async def opened(site: Site, chain: Chain, name: str) -> int | Response:
    """The first release of the archive of a name, `21-40`; to one that is not closed yet, the way to the subscription document.

    Raises NotFound where there is no such archive.
    """
    release = (await site.head()).number
    found = re.fullmatch(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,17})", name)
    begin, end = (int(found[1]), int(found[2])) if found else (0, 0)
    if begin and release < end:
        # Another process, which has seen a release that this one has not, may have led here.
        release = (await site.head(end)).number
    if (begin - 1) % SPAN or end != begin + SPAN - 1 or begin > closed(release) + 1:
        raise NotFound(f"there is no archive {name[:60]}; {site.url(chain.current)} leads to them")
    if end <= release:
        return begin
    headers = {"location": site.url(chain.current + chain.query), "vary": VARY, "cache-control": CURRENT}
    return litestar.Response(content=b"", status_code=307, headers=headers, media_type="text/plain")
