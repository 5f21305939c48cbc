"""`/organisations/{id}`: an agency, what it leads and what it reported."""

from msgspec.structs import replace

from ogp_open_data.records import Commitment, Filter, Organisation
from ogp_open_data.store import listings, releases
from ogp_open_data.store.listings import Listing
from ogp_open_data.web.board.commitments import records
from ogp_open_data.web.board.frame import Page, asked, shown
from ogp_open_data.web.reads.items import record_at
from ogp_open_data.web.site import Request, Response

MOST_COMMITMENTS = 200
MOST_REPORTS = 12


async def organisation(request: Request, name: str) -> Response:
    """`/organisations/{id}`"""
    one = await asked(request)
    at = await record_at(one.site, "organisations", name, one.head.number)
    assert at.doc is not None
    found = releases.decode("organisations", at.doc)
    assert isinstance(found, Organisation)
    of_it = Listing(
        noun="commitments", release=one.head.number, filter=Filter(organisation=found.id), limit=MOST_COMMITMENTS
    )
    last = replace(of_it, noun="reports", sort="period_end", descending=True, limit=MOST_REPORTS)
    commitments, reports = [
        [releases.decode(asked_for.noun, row.doc) for row in await one.site.store.reading(listings.page, asked_for)]
        for asked_for in (of_it, last)
    ]
    page = Page(
        template="organisation.html",
        path=f"/organisations/{found.id}",
        title=found.name,
        description=f"What {found.name} promised under open government plans, and what it reported.",
        data=f"/v1/organisations/{found.id}",
        about={"organisation": found.id},
        about_title=f"What happens to what {found.name} promised",
        section="organisations",
    )
    return shown(
        one,
        page,
        organisation=found,
        past=[name for name in found.names if name.text not in (found.name, found.name_mi, found.abbreviation)],
        commitments=commitments,
        reports=reports,
        more=len(reports) == MOST_REPORTS,
        related=await records(
            one,
            [
                *({row.plan for row in commitments if isinstance(row, Commitment)}),
                *([found.parent] if found.parent else []),
            ],
        ),
    )
