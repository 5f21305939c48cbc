"""`/` and `/plans/{id}`: which plan, how far, since when."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from ogp_open_data.records import Commitment, Milestone, Organisation, Plan
from ogp_open_data.store import board, history, releases
from ogp_open_data.store.board import Tally
from ogp_open_data.web.board import structured, telling, timeline
from ogp_open_data.web.board.frame import Asked, Page, asked, dated, names, shown
from ogp_open_data.web.reads.items import record_at
from ogp_open_data.web.site import Request, Response

# As many changes of the newest release as the front page tells.
NEWS = 6
RECENT = 5


async def home(request: Request) -> Response:
    """`/`: the newest plan, and a line for each of the others."""
    one = await asked(request)
    plans = [_plan(doc) for doc in await one.site.store.reading(board.plans, one.head.number)]
    tally = await one.site.store.reading(board.tally, one.head.number)
    chosen = _newest(plans, tally)
    page = Page(
        template="home.html",
        path="/",
        title=chosen.title if chosen else "Progress",
        description="What government promised in its open government plan, how far each promise is, and since when.",
        data="/v1/commitments" if chosen else None,
        asking={"plan": chosen.id} if chosen else {},
        structured=structured.dataset(one),
        section="board",
    )
    shown_plan = await _board(one, chosen) if chosen else {"plan": None}
    others = [(plan, _standing(tally, plan.id)) for plan in reversed(plans) if plan != chosen]
    return shown(one, page, others=others, news=await _news(one), **shown_plan)


async def plan(request: Request, name: str) -> Response:
    """`/plans/{id}`"""
    one = await asked(request)
    at = await record_at(one.site, "plans", name, one.head.number)
    assert at.doc is not None
    found = _plan(at.doc)
    page = Page(
        template="plan.html",
        path=f"/plans/{found.id}",
        title=found.title,
        description=f"Commitments, milestones and progress reports of the {found.title}.",
        data="/v1/commitments",
        asking={"plan": found.id},
        about={"plan": found.id},
        about_title=f"What happens in {found.title}",
        structured=structured.dataset(one, found),
        section="plans",
    )
    return shown(one, page, **await _board(one, found))


def _plan(doc: str) -> Plan:
    found = releases.decode("plans", doc)
    assert isinstance(found, Plan)
    return found


def _newest(plans: Sequence[Plan], tally: Sequence[Tally]) -> Plan | None:
    """The plan that ends last, of those that have milestones where any has."""
    begun = {one.plan for one in tally}
    return max(plans, key=lambda one: (one.id in begun, one.ends_on or one.starts_on or date.min, one.id), default=None)


def _standing(tally: Sequence[Tally], plan: str) -> list[timeline.Part]:
    return timeline.parts({one.status: one.number for one in tally if one.plan == plan})


async def _board(one: Asked, plan: Plan) -> dict[str, Any]:
    """A plan with everything that is in it."""
    store, release = one.site.store, one.head.number
    rows = [releases.decode(noun, doc) for noun, doc in await store.reading(board.of_plan, release, plan.id)]
    commitments = sorted((row for row in rows if isinstance(row, Commitment)), key=telling.order)
    milestones: dict[str, list[Milestone]] = defaultdict(list)
    for row in sorted((row for row in rows if isinstance(row, Milestone)), key=telling.order):
        milestones[row.commitment].append(row)
    every = [row for of_one in milestones.values() for row in of_one]
    ends, periods = timeline.table(commitments, await store.reading(board.periods, release, plan.id))
    return {
        "plan": plan,
        "commitments": commitments,
        "milestones": milestones,
        "organisations": names([row for row in rows if isinstance(row, Organisation)]),
        "standing": timeline.parts([row.status for row in every]),
        "total": len(every),
        "completed": sum(row.status == "completed" for row in every),
        "overdue": [row for row in every if row.timeliness == "overdue"],
        "slipped": [row for row in every if row.times_slipped],
        "updated_on": max((row.updated_on for row in commitments if row.updated_on), default=None),
        "ends": ends,
        "periods": periods,
        "totals": timeline.totals(periods, ends),
    }


async def _news(one: Asked) -> dict[str, Any] | None:
    """What the newest release that changed something changed."""
    store = one.site.store
    number = await store.reading(board.with_changes, one.head.number)
    if number is None:
        return None
    made = (await store.reading(history.made, number + 1, 1))[0]
    changed = telling.told(await store.reading(board.changed, number, telling.MOST))
    return {
        "release": made,
        "made_on": dated(one.site)(made.made_at),
        "changes": changed[:NEWS],
        "more": max(0, len(changed) - NEWS),
    }
