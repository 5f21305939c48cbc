"""Asking for records as they stood at a release: pages by keyset, totals, single records and what belongs to them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec
from msgspec import Struct

from ogp_open_data.records import NOUNS, Filter
from ogp_open_data.store.doors import Connection, Store, planned_once

# What a list can be sorted by: the expression, and the type of its place in a cursor. `id` is the natural order (2, 2A, 3, 10).
SORTS = {
    "id": ("sort_key", "text"),
    "release": ("from_release", "bigint"),
    "period_end": ("period_end", "date"),
    "due_on": ("due_on", "date"),
}
NULLABLE = {"period_end", "due_on"}
# Of one noun, as of release $1: a row held at a release when it began by then and had not ended.
HELD = """
FROM record
WHERE noun = '{noun}' AND doc IS NOT NULL AND from_release <= $1 AND (until_release IS NULL OR until_release > $1)"""
# What each field of a filter demands; {0} stands for its parameter. Only those that are asked for are in a statement, so that
# one plan is good for all its calls: the same with `($2 IS NULL OR plan = $2)` has to be planned anew at each (0.2 ms more).
FILTERS = {
    "plan": "plan = {0}::text",
    "commitment": "commitment = {0}::text",
    "organisation": """(organisations @> ARRAY[{0}::text] OR noun = 'milestones' AND commitment IN (
    SELECT lead.id FROM record lead WHERE lead.noun = 'commitments' AND lead.organisations @> ARRAY[{0}::text]
    AND lead.from_release <= $1 AND (lead.until_release IS NULL OR lead.until_release > $1)))""",
    "status": "status = ANY({0}::text[])",
    "timeliness": "timeliness = ANY({0}::text[])",
    "period_from": "period_end >= {0}::date",
    "period_to": "period_end <= {0}::date",
    "q": "words @@ websearch_to_tsquery('english', {0}::text)",
    "id": "id = ANY({0}::text[])",
}
# Columns, each of a statement.
COUNT = "count(*)"
# Over all rows that match: what a bulk answer's ETag is made of, without reading the rows.
DIGEST = """count(*),
encode(sha256(convert_to(coalesce(string_agg(sha256, '' ORDER BY sort_key), ''), 'UTF8')), 'hex')"""
PAGE = "id, doc, {csv} AS csv, from_release, {expression} AS place, sort_key{total}"
TOTAL = """,
(SELECT count(*) {match}) AS total"""
AFTER = "AND ({expression}, sort_key) {operator} ({value}::{kind}, {key}::text)"
ORDER = "ORDER BY {expression} {way}, sort_key {way} LIMIT {limit}::bigint"
AT = "SELECT number, made_at, counts FROM release WHERE number = $1"
AT_DAY = "SELECT number FROM release WHERE made_at < $1 ORDER BY number DESC LIMIT 1"
FIRST = "SELECT number, made_at FROM release ORDER BY number LIMIT 1"
ITEM = """
SELECT r.noun, r.id, r.version, r.doc, r.sha256, r.csv, r.reason, r.successor, r.from_release, release.made_at,
    first.made_at AS first_at
FROM record r JOIN release ON release.number = r.from_release
JOIN record one ON one.noun = r.noun AND one.id = r.id AND one.version = 1
JOIN release first ON first.number = one.from_release
WHERE r.noun = $1 AND r.id = $2 AND r.from_release <= $3 AND (r.until_release IS NULL OR r.until_release > $3)
"""
DATES = """
SELECT one.id, release.made_at, first.made_at AS first_at
FROM record one JOIN release first ON first.number = one.from_release
JOIN record r ON r.noun = one.noun AND r.id = one.id
    AND r.from_release <= $3 AND (r.until_release IS NULL OR r.until_release > $3)
JOIN release ON release.number = r.from_release
WHERE one.noun = $1 AND one.version = 1 AND one.id = ANY($2)
"""
# What belongs to the records of a page: those that name one of them, and those that they name.
BELONGING = """
SELECT noun, doc FROM record
WHERE noun = ANY($1) AND doc IS NOT NULL AND from_release <= $2 AND (until_release IS NULL OR until_release > $2)
AND (plan = ANY($3) OR commitment = ANY($3) OR report = ANY($3) OR milestone = ANY($3) OR organisations && $3 OR id = ANY($4))
AND NOT (noun = $5)
ORDER BY noun, sort_key LIMIT $6
"""
BATCH = 1000
# The fields in which a record names others.
NAMING = (
    *("plan", "commitment", "report", "milestone", "milestones", "organisations", "lead_organisations"),
    *("supporting_organisations", "latest_report", "status_report", "parent"),
)


class Listing(Struct, frozen=True, kw_only=True):
    """One question to a noun: what, as of which release, in which order, how many, and after which place."""

    noun: str
    release: int
    filter: Filter = Filter()
    sort: str = "id"
    descending: bool = False
    limit: int | None = None
    after: tuple[Any, str] | None = None


class Found(NamedTuple):
    """One row of a page: `place` is where the next page begins."""

    id: str
    doc: str
    csv: str
    release: int
    place: tuple[Any, str]


class At(NamedTuple):
    """A record as of a release: `doc` is None in a tombstone."""

    noun: str
    id: str
    version: int
    doc: str | None
    sha256: str | None
    csv: str | None
    reason: str | None
    successor: str | None
    release: int
    made_at: datetime
    first_at: datetime


class Statement:
    """A statement that is put together of fixed pieces: what it matches, and its arguments."""

    def __init__(self, listing: Listing) -> None:
        assert listing.noun in NOUNS, "a noun is never what somebody sent"
        self.arguments: list[Any] = [listing.release]
        clauses = [
            f"\nAND {clause.format(self.given(value))}"
            for name, clause in FILTERS.items()
            if (value := getattr(listing.filter, name)) is not None
        ]
        self.match = HELD.format(noun=listing.noun) + "".join(clauses)

    def given(self, value: Any) -> str:
        """The parameter that stands for a value."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"


def page_text(listing: Listing, csv: bool, counted: bool) -> tuple[str, list[Any]]:
    """The statement of a page, and its arguments. Nulls come last going up and first going down, by `infinity`."""
    expression, kind = SORTS[listing.sort]
    if listing.sort in NULLABLE:
        expression = f"coalesce({expression}, 'infinity')"
    operator, way = ("<", "DESC") if listing.descending else (">", "ASC")
    made = Statement(listing)
    total = TOTAL.format(match=made.match) if counted else ""
    parts = ["SELECT " + PAGE.format(csv="csv" if csv else "''", expression=expression, total=total), made.match]
    if listing.after is not None:
        value, key = map(made.given, listing.after)
        parts.append(AFTER.format(expression=expression, operator=operator, value=value, kind=kind, key=key))
    limit = made.given(BATCH if listing.limit is None else listing.limit)
    parts.append(ORDER.format(expression=expression, way=way, limit=limit))
    return "\n".join(parts), made.arguments


@planned_once
async def page(connection: Connection, listing: Listing, csv: bool = True) -> list[Found]:
    """At most `limit` rows (BATCH without one) after the place; without their CSV lines where those are not wanted."""
    text, arguments = page_text(listing, csv, counted=False)
    return [_found(row) for row in await connection.fetch(text, *arguments)]


@planned_once
async def first_page(connection: Connection, listing: Listing, csv: bool = True) -> tuple[list[Found], int]:
    """A page that nothing goes before, and how many records match in all: one query."""
    text, arguments = page_text(listing, csv, counted=True)
    rows = await connection.fetch(text, *arguments)
    return [_found(row) for row in rows], rows[0]["total"] if rows else 0


def _found(row: asyncpg.Record) -> Found:
    return Found(row[0], row[1], row[2], row[3], (row[4], row[5]))


@planned_once
async def count(connection: Connection, listing: Listing) -> int:
    """How many records match."""
    made = Statement(listing)
    number: int = await connection.fetchval(f"SELECT {COUNT} {made.match}", *made.arguments)
    return number


@planned_once
async def summary(connection: Connection, listing: Listing) -> tuple[int, str]:
    """How many records match, and a digest of their digests."""
    made = Statement(listing)
    row = await connection.fetchrow(f"SELECT {DIGEST} {made.match}", *made.arguments)
    assert row is not None
    return row[0], row[1]


async def everything(store: Store, listing: Listing) -> AsyncIterator[list[Found]]:
    """All rows of a listing in batches. A release never changes, so each batch may use another connection and none is held."""
    left = listing.limit
    while left is None or left > 0:
        size = BATCH if left is None else min(BATCH, left)
        batch = await store.reading(page, _with(listing, size))
        if batch:
            yield batch
        if len(batch) < size:
            return
        left = None if left is None else left - size
        listing = _with(listing, left, batch[-1].place)


def _with(listing: Listing, limit: int | None, after: tuple[Any, str] | None = None) -> Listing:
    one = listing
    return Listing(
        noun=one.noun,
        release=one.release,
        filter=one.filter,
        sort=one.sort,
        descending=one.descending,
        limit=limit,
        after=after or one.after,
    )


@planned_once
async def item(connection: Connection, noun: str, id: str, release: int) -> At | None:
    """One record, or its tombstone, as of a release; None where it was never issued by then."""
    row = await connection.fetchrow(ITEM, noun, id, release)
    return None if row is None else At(*row)


@planned_once
async def dates(
    connection: Connection, noun: str, ids: Sequence[str], release: int
) -> dict[str, tuple[datetime, datetime]]:
    """By id: when the version of that release, and when the first version, was published."""
    return {row[0]: (row[1], row[2]) for row in await connection.fetch(DATES, noun, ids, release)}


@planned_once
async def belonging(
    connection: Connection, nouns: Sequence[str], noun: str, release: int, docs: Sequence[str], most: int
) -> list[tuple[str, str]]:
    """(noun, doc) of what belongs to some records of a noun, at most one more than `most`: one query, however many."""
    records = [msgspec.json.decode(doc) for doc in docs]
    ids = [record["id"] for record in records]
    named = sorted({id for record in records for id in _named(record)} - set(ids))
    rows = await connection.fetch(BELONGING, nouns, release, ids, named, noun, most + 1)
    return [(row[0], row[1]) for row in rows]


def _named(record: dict[str, Any]) -> list[str]:
    """The ids of other records in a record's fields."""
    values = [record.get(name) for name in NAMING]
    return [id for value in values if value for id in (value if isinstance(value, list) else [value])]


@planned_once
async def release_at(connection: Connection, number: int) -> tuple[datetime, str] | None:
    """Time and counts (JSON) of a release; None where there is none."""
    row = await connection.fetchrow(AT, number)
    return None if row is None else (row["made_at"], row["counts"])


@planned_once
async def release_before(connection: Connection, instant: datetime) -> int | None:
    """The last release made before an instant."""
    number: int | None = await connection.fetchval(AT_DAY, instant)
    return number


@planned_once
async def first_release(connection: Connection) -> tuple[int, datetime] | None:
    """Number and time of the first release."""
    row = await connection.fetchrow(FIRST)
    return None if row is None else (row["number"], row["made_at"])
