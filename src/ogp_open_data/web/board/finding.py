"""`/search`, over everything, and `/{noun}`, the filtered lists: both with facets, and addresses that can be shared."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.records import TIMELINESS, Filter, Organisation, Plan, Record
from ogp_open_data.store import releases, search
from ogp_open_data.store.listings import Listing
from ogp_open_data.web import cursors, query
from ogp_open_data.web.board import excerpts, telling, words
from ogp_open_data.web.board.commitments import records
from ogp_open_data.web.board.frame import Asked, Page, asked, shown
from ogp_open_data.web.site import Request, Response

LISTED = ("plans", "commitments", "milestones", "reports", "organisations")
OF_EACH = 4
OF_A_PAGE = 50
FACETS = {"status": "Status", "timeliness": "Timeliness", "organisation": "Agency", "plan": "Plan"}
FILTERS = tuple(Filter.__struct_fields__)
SEARCH = {name: query.FILTERS[name] for name in ("q", *FACETS)}


class Value(Struct, frozen=True):
    """A value of a facet: how many it finds, and the address with it chosen, or no longer chosen."""

    label: str
    count: int
    href: str
    chosen: bool


async def everything(request: Request) -> Response:
    """`/search?q=`: the best hits of each noun, how many there are, and what narrows them."""
    one = await asked(request, SEARCH)
    question = {name: value for name, value in query.given(request.scope["query_string"]) if value and name in SEARCH}
    said = question.get("q", "").strip()
    filter, release = one.query.filter, one.head.number
    rows, facets = [], []
    if filter.q:
        rows = await one.site.store.reading(search.hits, release, LISTED, filter, OF_EACH)
        facets = await one.site.store.reading(search.facets, release, LISTED, filter)
    counts = {each.value: each.number for each in facets if each.facet == "noun"}
    labels = await records(one, [each.value for each in facets if each.facet in ("organisation", "plan")])
    found = [
        (noun, [releases.decode(noun, doc) for _, doc in of_one]) for noun, of_one in groupby(rows, lambda r: r[0])
    ]
    page = Page(
        template="search.html",
        path="/search",
        title=f"Search: {said}" if said else "Search",
        description="Search plans, commitments, milestones, reports and agencies.",
        query=question if said else {},
        section="search",
        index=not said,
    )
    loose = " or ".join(said.split()) if said.replace(" ", "").isalpha() and " " in said else None
    return shown(
        one,
        page,
        said=said,
        loose=loose,
        counts=counts,
        total=sum(counts.values()),
        groups=_groups(found, said),
        question=question,
        facets=_facets(one, "/search", SEARCH, question, facets, labels),
        chosen=_chosen(
            one, "/search", {name: value for name, value in question.items() if name != "q"}, labels, question
        ),
    )


def _groups(found: Sequence[tuple[str, list[Record]]], said: str) -> list[dict[str, Any]]:
    wanted = excerpts.stems(said)
    return [{"noun": noun, "hits": [_hit(record, wanted) for record in of_one]} for noun, of_one in found]


def _hit(record: Record, wanted: list[str]) -> dict[str, Any]:
    """A record in a list: what it is called, and the passage that answers or else what it is about."""
    return {
        "record": record,
        "path": telling.path(record),
        "title": telling.title(record),
        "text": excerpts.excerpt(record, wanted) or telling.summary(record),
    }


async def of_noun(request: Request, noun: str) -> Response:
    """`/{noun}`: a page of a list, with facets."""
    allowed = query.parameters(noun)
    taken = {name: allowed[name] for name in (*FILTERS, "sort", "cursor") if name in allowed}
    one = await asked(request, taken)
    given = {name: value for name, value in query.given(request.scope["query_string"]) if value and name in taken}
    question = {name: value for name, value in given.items() if name != "cursor"}
    rows, total, following = await _page(one, noun)
    facets = await one.site.store.reading(search.facets, one.head.number, [noun], one.query.filter)
    labels = await records(one, [each.value for each in facets if each.facet in ("organisation", "plan")])
    page = Page(
        template="list.html",
        path=f"/{noun}",
        title=words.TITLES.get(noun, words.NOUNS[noun]),
        description=f"{words.NOUNS[noun]} of open government plans.",
        data=f"/v1/{noun}",
        query=question,
        asking=question,
        section=noun,
        index=not question,
    )
    return shown(
        one,
        page,
        noun=noun,
        said=given.get("q", ""),
        hits=[_hit(row, excerpts.stems(given.get("q", ""))) for row in rows],
        total=total,
        following=one.to(f"/{noun}", **{**question, "cursor": following}) if following else None,
        begun="cursor" in given,
        facets=_facets(one, f"/{noun}", allowed, question, facets, labels),
        chosen=_chosen(one, f"/{noun}", question, labels, question),
    )


async def _page(one: Asked, noun: str) -> tuple[list[Record], int, str | None]:
    """A page of records, how many there are in all, and the cursor of the next page."""
    epoch = (await one.site.dataset()).epoch
    place = cursors.decode(one.query.cursor) if one.query.cursor else None
    if place is not None:
        cursors.check(place, epoch)
    newest = noun == "reports" and one.query.sort is None
    listing = Listing(
        noun=noun,
        release=one.head.number if one.as_of or place is None else place.release,
        filter=one.query.filter,
        sort="period_end" if newest else one.query.sort or "id",
        descending=newest or one.query.descending,
        limit=cursors.most(OF_A_PAGE, place.total if place else None, place),
    )
    if place is not None:
        listing = replace(listing, after=cursors.after(place, listing))
    found, total = await one.site.page(listing, place.total if place else None)
    more = len(found) > OF_A_PAGE
    following = cursors.following(epoch, listing, total, place, found[:OF_A_PAGE]) if more else None
    return [releases.decode(noun, row.doc) for row in found[:OF_A_PAGE]], total, following


def _facets(
    one: Asked,
    path: str,
    allowed: Collection[str],
    question: dict[str, str],
    counts: Sequence[search.Count],
    labels: dict[str, Record],
) -> list[tuple[str, list[Value]]]:
    """The facets that have more than one value, or a chosen one."""
    found = []
    for name, title in FACETS.items():
        if name not in allowed:
            continue
        chosen = set(question.get(name, "").split(",")) - {""}
        values = [_value(one, path, question, name, each, chosen, labels) for each in counts if each.facet == name]
        if len(values) > 1 or chosen:
            found.append((title, _ordered(name, values)))
    return found


def _value(
    one: Asked,
    path: str,
    question: dict[str, str],
    name: str,
    each: search.Count,
    chosen: set[str],
    labels: dict[str, Record],
) -> Value:
    """A value that turns itself on or off; statuses add up, agencies and plans exclude each other."""
    on = each.value in chosen
    alone = [] if on else [each.value]
    after = sorted(chosen ^ {each.value}) if name in ("status", "timeliness") else alone
    href = one.to(path, **{**question, name: ",".join(after) or None})
    return Value(_label(name, each.value, labels), each.number, href, on)


def _ordered(name: str, values: list[Value]) -> list[Value]:
    if name == "timeliness":
        places = {words.timeliness(value): i for i, value in enumerate(reversed(TIMELINESS))}
        return sorted(values, key=lambda value: places.get(value.label, len(places)))
    return values


def _label(name: str, value: str, labels: dict[str, Record]) -> str:
    if name == "status":
        return words.status(value)
    if name == "timeliness":
        return words.timeliness(value)
    record = labels.get(value)
    return record.name if isinstance(record, Organisation) else record.title if isinstance(record, Plan) else value


def _chosen(
    one: Asked, path: str, narrowing: dict[str, str], labels: dict[str, Record], question: dict[str, str]
) -> list[tuple[str, str]]:
    """What narrows the question now, in words, and the address without it."""
    said = {"q": "Words", "commitment": "Commitment", "period_from": "From", "period_to": "To", "id": "Ids", **FACETS}
    return [
        (
            f"{said[name]}: " + ", ".join(_label(name, part, labels) for part in value.split(",")),
            one.to(path, **{**question, name: None}),
        )
        for name, value in narrowing.items()
        if name in said
    ]
