"""What the pages ask of many records at once: a plan with all that is in it, statuses by period, a release's changes in words."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ogp_open_data.store.doors import Connection

LIVE = "doc IS NOT NULL AND from_release <= $1 AND (until_release IS NULL OR until_release > $1)"
PLANS = f"SELECT doc FROM record WHERE noun = 'plans' AND {LIVE} ORDER BY sort_key LIMIT 200"
# How many milestones of each plan have a status, and how many of these are late.
TALLY = f"""
SELECT plan, status, count(*), count(*) FILTER (WHERE timeliness = 'overdue') FROM record
WHERE noun = 'milestones' AND {LIVE} GROUP BY plan, status
"""
OF_PLAN = f"""
SELECT noun, doc FROM record WHERE noun IN ('commitments', 'milestones') AND plan = $2 AND {LIVE}
UNION ALL
SELECT noun, doc FROM record WHERE noun = 'organisations' AND {LIVE} AND organisations && (
    SELECT array_agg(lead) FROM record, unnest(organisations) AS lead WHERE noun = 'commitments' AND plan = $2 AND {LIVE})
"""
# A report without a milestone counts as a period in which something was told.
PERIODS = f"""
SELECT commitment, period_end, status, count(*) FROM record
WHERE noun IN ('reports', 'progress') AND plan = $2 AND {LIVE}
GROUP BY commitment, period_end, noun, status
"""
NAMED = f"SELECT noun, doc FROM record WHERE id = ANY($2) AND {LIVE}"
# What changed in a release, beside what each record was before.
CHANGED = """
SELECT one.noun, one.id, one.from_release, one.doc, before.doc, one.changed_fields, one.change_kind, one.reason
FROM record one LEFT JOIN record before
    ON before.noun = one.noun AND before.id = one.id AND before.version = one.version - 1
WHERE one.from_release = $1
ORDER BY array_position(ARRAY['plans', 'organisations', 'commitments', 'reports', 'milestones', 'progress'], one.noun),
    one.sort_key
LIMIT $2
"""
WITH_CHANGES = "SELECT max(number) FROM release WHERE number <= $1 AND changed > 0"


class Period(NamedTuple):
    """How many lines of a commitment's reports up to a day state a status; for the reports themselves it is None."""

    commitment: str
    period_end: date
    status: str | None
    number: int


class Tally(NamedTuple):
    """How many milestones of a plan have a status, and how many of these are overdue."""

    plan: str
    status: str
    number: int
    overdue: int


class Changed(NamedTuple):
    """A record that a release published, and its version before; `doc` is None where it was withdrawn."""

    noun: str
    id: str
    release: int
    doc: str | None
    before: str | None
    changed_fields: list[str]
    change_kind: str
    reason: str | None


async def plans(connection: Connection, release: int) -> list[str]:
    """The plans as of a release, as JSON text."""
    return [row[0] for row in await connection.fetch(PLANS, release)]


async def tally(connection: Connection, release: int) -> list[Tally]:
    """The milestones of all plans by status."""
    return [Tally(*row) for row in await connection.fetch(TALLY, release)]


async def of_plan(connection: Connection, release: int, plan: str) -> list[tuple[str, str]]:
    """Noun and text of a plan's commitments and milestones, and of the agencies that these name."""
    return [(row[0], row[1]) for row in await connection.fetch(OF_PLAN, release, plan)]


async def periods(connection: Connection, release: int, plan: str) -> list[Period]:
    """What the reports of a plan state, by commitment and end of the period."""
    return [Period(*row) for row in await connection.fetch(PERIODS, release, plan)]


async def named(connection: Connection, release: int, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Noun and text of some records."""
    return [(row[0], row[1]) for row in await connection.fetch(NAMED, release, ids)]


async def changed(connection: Connection, release: int, most: int) -> list[Changed]:
    """What a release changed, at most so many records."""
    return [Changed(*row) for row in await connection.fetch(CHANGED, release, most)]


async def with_changes(connection: Connection, release: int) -> int | None:
    """The newest release by one that changed something."""
    number: int | None = await connection.fetchval(WITH_CHANGES, release)
    return number
