"""`/commitments/{id}` and `/milestones/{id}`: a promise and its steps, with everything that was reported of them."""

from typing import Any

from ogp_open_data.records import Assessment, Commitment, Milestone, Organisation, Plan, Progress, Record, Report
from ogp_open_data.store import board, history, releases, single
from ogp_open_data.web.board import telling, timeline
from ogp_open_data.web.board.frame import Asked, Page, asked, dated, names, shown
from ogp_open_data.web.reads.items import record_at
from ogp_open_data.web.site import Request, Response

# As many records as a page holds; reports every week for ten years on 30 milestones are fewer.
MOST = 20_000
WITH_COMMITMENT = ("plans", "milestones", "reports", "progress", "organisations", "assessments")


async def commitment(request: Request, name: str) -> Response:
    """`/commitments/{id}`"""
    one = await asked(request)
    found, rows = await _with(one, "commitments", name, WITH_COMMITMENT)
    assert isinstance(found, Commitment)
    milestones = sorted((row for row in rows if isinstance(row, Milestone)), key=telling.order)
    lines = [row for row in rows if isinstance(row, Progress)]
    ends, cells = timeline.by_milestone(milestones, lines)
    page = Page(
        template="commitment.html",
        path=f"/commitments/{found.id}",
        title=telling.title(found),
        description=_described(found),
        data=f"/v1/commitments/{found.id}",
        about={"commitment": found.id},
        about_title=f"What happens to commitment {found.number}",
        section="commitments",
    )
    return shown(
        one,
        page,
        commitment=found,
        plan=_first(rows, Plan),
        milestones=milestones,
        reports=sorted((row for row in rows if isinstance(row, Report)), key=telling.order, reverse=True),
        organisations=names([row for row in rows if isinstance(row, Organisation)]),
        assessments=[row for row in rows if isinstance(row, Assessment)],
        standing=timeline.parts([row.status for row in milestones]),
        ends=ends,
        cells=cells,
    )


async def milestone(request: Request, name: str) -> Response:
    """`/milestones/{id}`"""
    one = await asked(request)
    found, rows = await _with(one, "milestones", name, ("plans", "commitments", "reports", "progress"))
    assert isinstance(found, Milestone)
    owner = _first(rows, Commitment)
    lines = sorted((row for row in rows if isinstance(row, Progress)), key=telling.order, reverse=True)
    page = Page(
        template="milestone.html",
        path=f"/milestones/{found.id}",
        title=telling.title(found),
        description=found.text or telling.title(found),
        data=f"/v1/milestones/{found.id}",
        about={"commitment": found.commitment},
        about_title="What happens to this commitment",
        section="milestones",
    )
    return shown(
        one,
        page,
        milestone=found,
        plan=_first(rows, Plan),
        commitment=owner,
        lines=lines,
        versions=await versions(one, "milestones", found.id),
    )


def _described(one: Commitment) -> str:
    done = f"{one.milestones_completed} of {one.milestones_total} milestones completed."
    return " ".join(filter(None, [one.objective, done if one.milestones_total else None])) or telling.title(one)


async def _with(one: Asked, noun: str, id: str, nouns: tuple[str, ...]) -> tuple[Record, list[Record]]:
    """A record, and what belongs to it. Raises NotFound or Gone."""
    at = await record_at(one.site, noun, id, one.head.number)
    assert at.doc is not None
    rows = await one.site.store.reading(single.belonging, nouns, noun, one.head.number, [at.doc.encode()], MOST)
    return releases.decode(noun, at.doc), [releases.decode(other, doc) for other, doc in rows]


def _first(rows: list[Record], kind: type[Any]) -> Any:
    return next((row for row in rows if isinstance(row, kind)), None)


async def versions(one: Asked, noun: str, id: str) -> list[dict[str, Any]]:
    """The versions of a record up to the asked-for release, the newest first."""
    found = await one.site.store.reading(history.versions, noun, id)
    upto = [version for version in found if version.release <= one.head.number]
    return [{"one": version, "made_on": dated(one.site)(version.made_at)} for version in reversed(upto)]


async def records(one: Asked, ids: list[str]) -> dict[str, Record]:
    """Some records by id."""
    rows = await one.site.store.reading(board.named, one.head.number, ids)
    return names([releases.decode(noun, doc) for noun, doc in rows])
