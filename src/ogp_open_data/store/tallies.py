"""How many records have which values as of a release: totals added up from a few numbers, however many records there are."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ogp_open_data.records import Filter
from ogp_open_data.store.doors import Connection, planned_once
from ogp_open_data.store.listings import BY, Listing

# What a filter may ask for that the tallies tell; the rest is null.
TOLD = {name for names in BY.values() for name in names}
AT = """
SELECT tally.status, tally.timeliness, tally.period_end, told.live
FROM tally, LATERAL (SELECT live FROM tally_at WHERE tally = tally.number AND release <= $2 ORDER BY release DESC LIMIT 1) AS told
WHERE noun = $1 AND told.live > 0
"""
# So many values are asked for one by one; more are many of all records, and found by going through these.
FEW = 8


class Tally(NamedTuple):
    """So many live records of a noun have these values."""

    status: str | None
    timeliness: str | None
    period_end: date | None
    live: int


@planned_once
async def at(connection: Connection, listing: Listing) -> list[Tally]:
    """The tallies of a listing's noun at its release."""
    return [Tally(*row) for row in await connection.fetch(AT, listing.noun, listing.release)]


def told(filter: Filter) -> bool:
    """Whether tallies tell how many records pass a filter."""
    return all(getattr(filter, name) is None for name in Filter.__struct_fields__ if name not in TOLD)


def matching(tallies: Sequence[Tally], filter: Filter) -> list[Tally]:
    """The tallies of what passes a filter that they tell of."""
    return [one for one in tallies if _passes(one, filter)]


def total(tallies: Sequence[Tally]) -> int:
    return sum(one.live for one in tallies)


def values(tallies: Sequence[Tally], filter: Filter) -> tuple[str, tuple[str | date, ...]] | None:
    """The field whose values narrow a filter most, where these are few, and those values that occur.

    A list by one value is read in order from an index, as many as it may match; by several at once it is read whole, or searched
    for among all.
    """
    asked = [name for name, fields in BY.items() if any(getattr(filter, field) is not None for field in fields)]
    found = {name: {getattr(one, name) for one in matching(tallies, filter)} for name in asked}
    sizes = {
        name: total([one for one in tallies if getattr(one, name) in some])
        for name, some in found.items()
        if len(some) <= FEW
    }
    if not sizes:
        return None
    name = min(sizes, key=sizes.__getitem__)
    return name, tuple(sorted(found[name]))


def _passes(one: Tally, filter: Filter) -> bool:
    return (
        (filter.status is None or one.status in filter.status)
        and (filter.timeliness is None or one.timeliness in filter.timeliness)
        and (filter.period_from is None or (one.period_end is not None and one.period_end >= filter.period_from))
        and (filter.period_to is None or (one.period_end is not None and one.period_end <= filter.period_to))
    )
