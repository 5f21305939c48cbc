"""`/releases` and `/releases/{n}`: what was published when, and what each release changed."""

from typing import Any

import msgspec

from ogp_open_data.store import board, history
from ogp_open_data.store.history import Made
from ogp_open_data.web import query
from ogp_open_data.web.board import telling, words
from ogp_open_data.web.board.commitments import records
from ogp_open_data.web.board.frame import Asked, Page, asked, dated, shown
from ogp_open_data.web.reads.history import release_named
from ogp_open_data.web.site import Request, Response

OF_A_PAGE = 50


async def releases(request: Request) -> Response:
    """`/releases`: the newest first, a page at a time."""
    one = await asked(request, {"before": query.RELEASES["before"]})
    below = min(one.query.before or one.head.number + 1, one.head.number + 1)
    made = await one.site.store.reading(history.made, below, OF_A_PAGE + 1)
    page = Page(
        template="releases.html",
        path="/releases",
        title="Releases",
        description="Everything that was published, release by release.",
        query={"before": str(one.query.before)} if one.query.before is not None else {},
        section="releases",
    )
    older = made[OF_A_PAGE - 1].number if len(made) > OF_A_PAGE else None
    return shown(one, page, releases=[_told(one, each) for each in made[:OF_A_PAGE]], older=older)


def _told(one: Asked, made: Made) -> dict[str, Any]:
    return {"one": made, "made_on": dated(one.site)(made.made_at)}


async def release(request: Request, number: str) -> Response:
    """`/releases/{n}`: what it changed, and the digests by which it can be proved."""
    one = await asked(request)
    made = await release_named(one.site, number)
    rows = await one.site.store.reading(board.changed, made.number, telling.MOST)
    changes = telling.told(rows)
    commitments = await records(one, sorted({each.commitment for each in changes if each.commitment}))
    page = Page(
        template="release.html",
        path=f"/releases/{made.number}",
        title=f"Release {made.number}",
        description=f"What release {made.number} changed: {words.cause(made).lower()}.",
        section="releases",
    )
    return shown(
        one,
        page,
        release_=made,
        when=dated(one.site)(made.made_at),
        changes=telling.by_commitment(changes, commitments),
        lines=sum(row.noun == "progress" for row in rows),
        counts=msgspec.json.decode(made.counts, type=dict[str, int]),
        root=(await one.site.digests(made.number)).root,
        newest=one.head.number,
    )
