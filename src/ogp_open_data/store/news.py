"""What happened, for feeds: the changes of some releases with what each record was before, and the states of a range."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.store.doors import Connection

# A change is an organisation's when the record, or its commitment as it then was, or what it was before, names it.
SEEN_BY = """
FROM record r
LEFT JOIN record before ON before.noun = r.noun AND before.id = r.id AND before.version = r.version - 1
LEFT JOIN record lead ON lead.noun = 'commitments' AND lead.id = r.commitment AND lead.from_release <= r.from_release
    AND (lead.until_release IS NULL OR lead.until_release > r.from_release)
"""
# $1 after this release, $2 up to this one, then plan, commitment, organisation, and how many. The newest first.
RELEASES = f"""
SELECT DISTINCT r.from_release {SEEN_BY}
WHERE r.from_release > $1 AND r.from_release <= $2 AND r.change_kind <> 'schema'
AND ($3::text IS NULL OR r.plan = $3)
AND ($4::text IS NULL OR r.commitment = $4)
AND ($5::text IS NULL OR r.organisations @> ARRAY[$5] OR before.organisations @> ARRAY[$5] OR lead.organisations @> ARRAY[$5])
ORDER BY r.from_release DESC LIMIT $6
"""
# Whole releases, for an entry says the same in every feed. Those of more than $2 changes come without their changes.
CHANGES = f"""
SELECT r.from_release, r.noun, r.id, r.change_kind, r.changed_fields, r.reason, r.successor, r.doc, before.doc AS before,
    r.version > 1 AND before.doc IS NULL AS again, r.plan, r.commitment,
    r.organisations || coalesce(before.organisations, '{{}}') || coalesce(lead.organisations, '{{}}') AS organisations,
    ARRAY(SELECT one.from_release FROM record one WHERE (r.doc IS NULL AND r.successor IS NULL OR r.change_kind = 'redaction')
        AND one.noun = r.noun AND one.id = r.id AND one.version < r.version AND one.doc IS NOT NULL) AS told_in
{SEEN_BY} JOIN release ON release.number = r.from_release
WHERE r.from_release = ANY($1) AND release.changed <= $2
ORDER BY r.from_release DESC, r.noun, r.sort_key
"""
MADE = "SELECT number, made_at, cause, changed FROM release WHERE number = ANY($1) ORDER BY number DESC"
# The latest state of each record that a range of releases changed ($1 after, $2 up to): how many, and a digest of them.
LEFT = "FROM record r WHERE r.from_release > $1 AND r.from_release <= $2 AND (r.until_release IS NULL OR r.until_release > $2)"
DIGEST = f"""
SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(r.id || coalesce(r.sha256, '') || coalesce(r.reason, ''), ''
    ORDER BY r.from_release, r.noun, r.sort_key), ''), 'UTF8')), 'hex')
{LEFT}"""
# A page of them after a place, the newest first, with the times of this version and of the first.
STATES = f"""
SELECT r.noun, r.id, r.from_release, r.sort_key, r.doc, r.reason, release.made_at, first.made_at AS first_at
FROM (SELECT * {LEFT} AND ($3::bigint IS NULL OR (r.from_release, r.noun, r.sort_key) < ($3, $4, $5))
    ORDER BY r.from_release DESC, r.noun DESC, r.sort_key DESC LIMIT $6) AS r
JOIN release ON release.number = r.from_release
JOIN record one ON one.noun = r.noun AND one.id = r.id AND one.version = 1
JOIN release first ON first.number = one.from_release
ORDER BY r.from_release DESC, r.noun DESC, r.sort_key DESC
"""


class Subject(Struct, frozen=True):
    """Whose news are asked for; None asks nothing."""

    plan: str | None = None
    commitment: str | None = None
    organisation: str | None = None


class Made(NamedTuple):
    """A release, and how many records it changed."""

    number: int
    made_at: datetime
    cause: str
    changed: int


class Changed(NamedTuple):
    """One change, with the texts after and before it. `told_in` are the releases whose news it takes back."""

    release: int
    noun: str
    id: str
    change_kind: str
    changed_fields: list[str]
    reason: str | None
    successor: str | None
    doc: str | None
    before: str | None
    again: bool
    plan: str | None
    commitment: str | None
    organisations: list[str]
    told_in: list[int]


class State(NamedTuple):
    """A record as a release left it; without a text where it was withdrawn."""

    noun: str
    id: str
    release: int
    sort_key: str
    doc: str | None
    reason: str | None
    made_at: datetime
    first_at: datetime


async def eventful(connection: Connection, after: int, upto: int, subject: Subject, most: int) -> list[int]:
    """The newest releases of a range that changed something of a subject, at most so many."""
    asked = (subject.plan, subject.commitment, subject.organisation)
    return [row[0] for row in await connection.fetch(RELEASES, after, upto, *asked, most)]


async def happened(connection: Connection, releases: Sequence[int], most: int) -> tuple[list[Made], list[Changed]]:
    """Some releases and their changes, the newest first; of a release with more than `most` changes only that it was made."""
    made = [Made(*row) for row in await connection.fetch(MADE, releases)]
    return made, [Changed(*row) for row in await connection.fetch(CHANGES, releases, most)]


async def summary(connection: Connection, after: int, upto: int) -> tuple[int, str]:
    """How many records a range of releases changed, and a digest of what it left of them."""
    row = await connection.fetchrow(DIGEST, after, upto)
    assert row is not None
    return row[0], row[1]


async def states(
    connection: Connection, after: int, upto: int, place: tuple[int, str, str] | None, most: int
) -> list[State]:
    """What a range of releases left of each record that it changed, the newest first, at most so many after a place."""
    return [State(*row) for row in await connection.fetch(STATES, after, upto, *(place or (None, None, None)), most)]
