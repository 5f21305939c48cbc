"""Single records as they stood at a release, several at a time, and what belongs to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from ogp_open_data.store.doors import Connection, planned_once

# No join to the release and to the first version: with those it took PostgreSQL 0.50 ms, so 0.20.
AS_OF = """
SELECT r.noun, r.id, {release}, r.version, r.doc, r.sha256, r.reason, r.successor, r.from_release,
    (SELECT made_at FROM release WHERE number = r.from_release) AS made_at
FROM {asked}record r
WHERE r.noun = {noun} AND r.id = {id} AND r.from_release <= {release} AND (r.until_release IS NULL OR r.until_release > {release})
"""
ITEM = AS_OF.format(asked="", noun="$1", id="$2", release="$3::bigint")
ITEMS = AS_OF.format(
    asked="unnest($1::text[], $2::text[], $3::bigint[]) AS asked (noun, id, release), ",
    noun="asked.noun",
    id="asked.id",
    release="asked.release",
)
DATED = """
SELECT one.id, r.doc, release.made_at, first.made_at AS first_at
FROM record one JOIN release first ON first.number = one.from_release
JOIN record r ON r.noun = one.noun AND r.id = one.id
    AND r.from_release <= $3 AND (r.until_release IS NULL OR r.until_release > $3)
JOIN release ON release.number = r.from_release
WHERE one.noun = $1 AND one.version = 1 AND one.id = ANY($2)
"""
# What belongs to the records of a page: those that name one of them, and those that they name.
BELONGING = """
SELECT noun, convert_to(doc, 'UTF8') AS doc FROM record
WHERE noun = ANY($1) AND doc IS NOT NULL AND from_release <= $2 AND (until_release IS NULL OR until_release > $2)
AND (plan = ANY($3) OR commitment = ANY($3) OR report = ANY($3) OR milestone = ANY($3) OR organisations && $3 OR id = ANY($4))
AND NOT (noun = $5)
ORDER BY noun, sort_key LIMIT $6
"""
# The fields in which a record names others.
NAMING = (
    *("plan", "commitment", "report", "milestone", "milestones", "organisations", "lead_organisations"),
    *("supporting_organisations", "latest_report", "status_report", "parent"),
)
# Noun, id and release of a single record.
Asked = tuple[str, str, int]


class At(NamedTuple):
    """A record as of a release: `doc` is None in a tombstone."""

    noun: str
    id: str
    version: int
    doc: str | None
    sha256: str | None
    reason: str | None
    successor: str | None
    release: int
    made_at: datetime


class Dated(NamedTuple):
    """A record as of a release; when that version, and when its first, was published."""

    doc: str
    updated: datetime
    published: datetime


@planned_once
async def items(connection: Connection, asked: Sequence[Asked]) -> dict[Asked, At]:
    """Records, or their tombstones, each as of a release; one that was never issued by then is left out.

    A single one has a statement of its own: the plan of the other is made anew for so few (0.3 ms).
    """
    alone = len(asked) == 1
    rows = await (connection.fetch(ITEM, *asked[0]) if alone else connection.fetch(ITEMS, *zip(*asked, strict=True)))
    return {(row[0], row[1], row[2]): At(row[0], row[1], *row[3:]) for row in rows}


@planned_once
async def item(connection: Connection, noun: str, id: str, release: int) -> At | None:
    """One record, or its tombstone, as of a release; None where it was never issued by then."""
    asked = noun, id, release
    return (await items(connection, [asked])).get(asked)


@planned_once
async def dated(connection: Connection, noun: str, ids: Sequence[str], release: int) -> dict[str, Dated]:
    """The records of a noun as of a release, by id."""
    return {row[0]: Dated(*row[1:]) for row in await connection.fetch(DATED, noun, ids, release)}


@planned_once
async def belonging(
    connection: Connection, nouns: Sequence[str], noun: str, release: int, docs: Sequence[bytes], most: int
) -> list[tuple[str, bytes]]:
    """(noun, record) of what belongs to some records of a noun, at most one more than `most`: one query, however many."""
    records = [msgspec.json.decode(doc) for doc in docs]
    ids = [record["id"] for record in records]
    named = sorted({id for record in records for id in _named(record)} - set(ids))
    rows = await connection.fetch(BELONGING, nouns, release, ids, named, noun, most + 1)
    return [(row[0], row[1]) for row in rows]


def _named(record: dict[str, Any]) -> list[str]:
    """The ids of other records in a record's fields."""
    values = [record.get(name) for name in NAMING]
    return [id for value in values if value for id in (value if isinstance(value, list) else [value])]
