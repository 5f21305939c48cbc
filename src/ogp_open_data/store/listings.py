"""Asking for records as they stood at a release: pages by keyset, and totals."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.records import NOUNS, Filter
from ogp_open_data.store.doors import Connection, planned_once, planned_once_where

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
PAGE = "id, {texts}from_release, {expression} AS place, sort_key{total}"
# What a record is written as. JSON as bytes: 100 texts with macrons in them took Python 0.4 ms to read and write again.
TEXTS = {"doc": "convert_to(doc, 'UTF8') AS doc, ", "csv": "csv, "}
TOTAL = """,
(SELECT count(*) {match}) AS total"""
AFTER = "AND ({expression}, sort_key) {operator} ({value}::{kind}, {key}::text)"
ORDER = "ORDER BY {expression} {way}, sort_key {way}"
LIMITED = ORDER + " LIMIT {limit}::bigint"
# A page of what has one of several values: of each a page, in the order of its index, and of these the first. By `= ANY` it would
# be all that match, sorted, or a search through all records: 16 ms a page among 100,000 lines, where this takes 1.
BY_VALUE = """
SELECT {columns}
FROM unnest({values}::{type}[]) AS one(value), LATERAL (
    SELECT id, doc, csv, from_release, {expression} AS place, sort_key {match} AND {name} = one.value {after} {order}) AS found
ORDER BY place {way}, sort_key {way} LIMIT {limit}::bigint"""
# The fields of a filter that ask for each.
BY = {"status": ("status",), "timeliness": ("timeliness",), "period_end": ("period_from", "period_to")}
AT = "SELECT number, made_at, counts FROM release WHERE number = $1"
AT_DAY = "SELECT number FROM release WHERE made_at < $1 ORDER BY number DESC LIMIT 1"
FIRST = "SELECT number, made_at FROM release ORDER BY number LIMIT 1"
BATCH = 1000

# A row's place in an order: the value of what is ordered by, and the sort key.
Place = tuple[Any, str]


class Listing(Struct, frozen=True, kw_only=True):
    """One question to a noun: what, as of which release, in which order, how many, and after which place.

    `by` names a field of what the filter asks for, and every value of it that matches: it is then read value by value.
    """

    noun: str
    release: int
    filter: Filter = Filter()
    sort: str = "id"
    descending: bool = False
    limit: int | None = None
    after: Place | None = None
    by: tuple[str, tuple[str | date, ...]] | None = None


class Found(asyncpg.Record):
    """One row of a page, as it comes from the database, with those of its texts that were asked for: 100 objects of our own took a
    tenth of a page's time."""

    @property
    def id(self) -> str:
        id: str = self["id"]
        return id

    @property
    def json(self) -> bytes:
        """The record as it is stored."""
        json: bytes = self["doc"]
        return json

    @property
    def doc(self) -> str:
        return self.json.decode()

    @property
    def csv(self) -> str:
        csv: str = self["csv"]
        return csv

    @property
    def release(self) -> int:
        release: int = self["from_release"]
        return release

    @property
    def place(self) -> Place:
        """Where the next page begins."""
        return self["place"], self["sort_key"]


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


class Order(NamedTuple):
    """The order of a listing as pieces of SQL. Nulls come last going up and first going down, in one place by `infinity`."""

    expression: str
    kind: str
    way: str
    onward: str
    back: str


def order_of(listing: Listing) -> Order:
    expression, kind = SORTS[listing.sort]
    if listing.sort in NULLABLE:
        expression = f"coalesce({expression}, 'infinity')"
    return Order(expression, kind, *(("DESC", "<", ">") if listing.descending else ("ASC", ">", "<")))


def page_text(listing: Listing, texts: Sequence[str], counted: bool) -> tuple[str, list[Any]]:
    """The statement of a page, and its arguments."""
    if listing.by is not None:
        return _by_value(listing, texts)
    made, order = Statement(listing), order_of(listing)._asdict()
    total = TOTAL.format(match=made.match) if counted else ""
    columns = PAGE.format(texts="".join(TEXTS[one] for one in texts), total=total, **order)
    parts = [f"SELECT {columns}", made.match, *_after(made, listing, order)]
    parts.append(LIMITED.format(limit=made.given(BATCH if listing.limit is None else listing.limit), **order))
    return "\n".join(parts), made.arguments


def _by_value(listing: Listing, texts: Sequence[str]) -> tuple[str, list[Any]]:
    """The same where the values that match are known."""
    assert listing.by is not None and listing.sort == "id", "an index of a value has one order"
    name, values = listing.by
    made = Statement(replace(listing, filter=replace(listing.filter, **dict.fromkeys(BY[name]))))
    order, limit = order_of(listing)._asdict(), made.given(BATCH if listing.limit is None else listing.limit)
    text = BY_VALUE.format(
        columns=PAGE.format(texts="".join(TEXTS[one] for one in texts), total="", expression="place"),
        **{"name": name, "match": made.match, "values": made.given(list(values)), "limit": limit},
        type="date" if name == "period_end" else "text",
        after="".join(_after(made, listing, order)),
        order=LIMITED.format(limit=limit, **order),
        **order,
    )
    return text, made.arguments


def _after(made: Statement, listing: Listing, order: dict[str, str]) -> list[str]:
    """The clause of what comes after the place, where there is one."""
    return [] if listing.after is None else [beyond(made, listing.after, order["onward"], order)]


def beyond(made: Statement, place: Place, operator: str, order: dict[str, str]) -> str:
    """The clause of what is on one side of a place."""
    value, key = map(made.given, place)
    return AFTER.format(operator=operator, value=value, key=key, **order)


def plain(listing: Listing, *_: Any) -> bool:
    """Whether one plan is good for all pages of the kind: what a range or a list of values finds can be nothing or everything."""
    return listing.by is not None or all(
        getattr(listing.filter, name) is None for name in FILTERS if name not in ("plan", "commitment", "organisation")
    )


@planned_once_where(plain)
async def page(connection: Connection, listing: Listing, texts: Sequence[str] = ("doc",)) -> list[Found]:
    """At most `limit` rows (BATCH without one) after the place, with these TEXTS of each."""
    text, arguments = page_text(listing, texts, counted=False)
    return await connection.fetch(text, *arguments, record_class=Found)


@planned_once_where(plain)
async def first_page(
    connection: Connection, listing: Listing, texts: Sequence[str] = ("doc",)
) -> tuple[list[Found], int]:
    """A page that nothing goes before, and how many records match in all: one query."""
    text, arguments = page_text(listing, texts, counted=True)
    rows = await connection.fetch(text, *arguments, record_class=Found)
    return rows, rows[0]["total"] if rows else 0


@planned_once
async def count(connection: Connection, listing: Listing) -> int:
    """How many records match."""
    made = Statement(listing)
    number: int = await connection.fetchval(f"SELECT {COUNT} {made.match}", *made.arguments)
    return number


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
