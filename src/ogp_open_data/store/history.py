"""What happened: the list of releases, the changes after one of them, the versions of a record."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.records import FIRST_NOUNS, digest
from ogp_open_data.store.doors import Connection

RELEASES = """
SELECT number, made_at, cause, message, source, changed, counts FROM release
WHERE number < $1 ORDER BY number DESC LIMIT $2
"""
# A line a record, `id TAB sha256 LF`, in the order of the ids' bytes: what `LC_ALL=C sort` makes of them. All that is asked for
# stands in the index of the key, so no record is read; a tombstone has no digest.
DIGESTS = """
SELECT noun, encode(sha256(convert_to(string_agg(id || E'\t' || sha256 || E'\n', '' ORDER BY id), 'UTF8')), 'hex')
FROM record WHERE sha256 IS NOT NULL AND from_release <= $1 AND (until_release IS NULL OR until_release > $1) GROUP BY noun
"""
PLAN_DIGESTS = """
SELECT plan, encode(sha256(convert_to(string_agg(id || E'\t' || sha256 || E'\n', '' ORDER BY id), 'UTF8')), 'hex')
FROM record WHERE sha256 IS NOT NULL AND from_release <= $1 AND (until_release IS NULL OR until_release > $1)
AND plan IS NOT NULL GROUP BY plan
"""
LINES = """
SELECT string_agg(id || E'\\t' || sha256 || E'\\n', '' ORDER BY id) FROM record
WHERE noun = $1 AND sha256 IS NOT NULL AND from_release <= $2 AND (until_release IS NULL OR until_release > $2)
"""
# $1 since, $2 until, $3 noun, $4 plan. A row is a change of its release.
AFTER = """
FROM record WHERE from_release > $1 AND from_release <= $2
AND ($3::text IS NULL OR noun = $3) AND ($4::text IS NULL OR plan = $4)
"""
# The first release that has any changes, and the one of the first change that a page of $5 has no room for.
CUT = f"""
SELECT (SELECT from_release {AFTER} ORDER BY from_release LIMIT 1) AS first,
    (SELECT from_release {AFTER} ORDER BY from_release OFFSET $5 LIMIT 1) AS beyond
"""
# $5 whether only the last word on each id counts.
CHANGES = f"""
SELECT noun, id, version, from_release, change_kind, changed_fields, sha256, doc, reason {AFTER}
AND (NOT $5::boolean OR until_release IS NULL OR until_release > $2)
ORDER BY from_release, array_position(ARRAY['organisations', 'plans', 'commitments', 'milestones', 'reports', 'progress',
    'assessments'], noun), sort_key
"""
VERSIONS = """
SELECT r.version, r.from_release, release.made_at, release.cause, r.change_kind, r.changed_fields, r.reason, r.successor,
    r.sha256, r.doc IS NULL AS withdrawn
FROM record r JOIN release ON release.number = r.from_release
WHERE r.noun = $1 AND r.id = $2 ORDER BY r.version
"""
# The last published version of an id, and of what was withdrawn together with it.
LAST = """
WITH gone AS (SELECT from_release, id FROM record WHERE id = $1 AND until_release IS NULL AND doc IS NULL)
SELECT DISTINCT ON (r.id) r.noun, r.id, r.doc
FROM gone JOIN record tomb ON tomb.from_release = gone.from_release AND tomb.doc IS NULL AND tomb.until_release IS NULL
JOIN record r ON r.id = tomb.id AND r.doc IS NOT NULL
WHERE r.id = gone.id OR r.report = gone.id OR r.commitment = gone.id
ORDER BY r.id, r.version DESC
"""
ABOUT = "SELECT noun, commitment FROM record WHERE id = $1 AND until_release IS NULL"
OF_ORGANISATION = """
SELECT DISTINCT commitment FROM record WHERE until_release IS NULL AND commitment IS NOT NULL AND organisations @> ARRAY[$1]
"""
OF_PLAN = "SELECT id FROM record WHERE until_release IS NULL AND noun = 'commitments' AND plan = $1"
# Commitments with a milestone whose timeliness is not what it is on a day: $1 a plan, $2 the day there.
STALE = """
SELECT DISTINCT commitment FROM record
WHERE noun = 'milestones' AND until_release IS NULL AND doc IS NOT NULL AND plan = $1 AND due_on IS NOT NULL
AND status NOT IN ('completed', 'withdrawn', 'not_applicable')
AND timeliness <> CASE WHEN due_on < $2 THEN 'overdue' WHEN due_on <= $2 + 30 THEN 'due_soon' ELSE 'on_time' END
"""
# Everything that a report is compared by: what is of its commitment as of a release.
BESIDE = """
SELECT noun, doc FROM record
WHERE commitment = $1 AND noun IN ('reports', 'progress', 'milestones') AND doc IS NOT NULL
AND from_release <= $2 AND (until_release IS NULL OR until_release > $2)
"""
LAST_DAILY = "SELECT max(made_at) FROM release WHERE cause = 'daily'"


class Made(NamedTuple):
    """A release as it is told of; `counts` is JSON text."""

    number: int
    made_at: datetime
    cause: str
    message: str | None
    source: str | None
    changed: int
    counts: str


class Digests(NamedTuple):
    """What a release's records come to: per noun, per plan, and all together."""

    digests: dict[str, str]
    plans: dict[str, str]
    root: str


class Change(NamedTuple):
    """One record published or (doc None) withdrawn in a release."""

    noun: str
    id: str
    version: int
    release: int
    change_kind: str
    changed_fields: list[str]
    sha256: str | None
    doc: str | None
    reason: str | None


class Version(NamedTuple):
    """One version of a record; `withdrawn` where it is a tombstone."""

    version: int
    release: int
    made_at: datetime
    cause: str
    change_kind: str
    changed_fields: list[str]
    reason: str | None
    successor: str | None
    sha256: str | None
    withdrawn: bool


class Since(Struct, frozen=True, kw_only=True):
    """Which changes are asked for: after one release up to another, of a noun or plan, in a page folded to the last of each id."""

    since: int
    until: int
    noun: str | None = None
    plan: str | None = None
    folded: bool = True
    limit: int = 1000


async def made(connection: Connection, below: int, limit: int) -> list[Made]:
    """Releases with numbers below one, the newest first."""
    return [Made(*row) for row in await connection.fetch(RELEASES, below, limit)]


async def digests(connection: Connection, release: int) -> Digests:
    """The digests of a release, of whatever age: they never change, so who asks often keeps them."""
    nouns = dict.fromkeys(FIRST_NOUNS, digest(b"")) | {
        row[0]: row[1] for row in await connection.fetch(DIGESTS, release)
    }
    plans = {row[0]: row[1] for row in await connection.fetch(PLAN_DIGESTS, release)}
    root = "".join(sorted(f"{noun}\t{one}\n" for noun, one in nouns.items()))
    return Digests(nouns, plans, digest(root.encode()))


async def lines(connection: Connection, noun: str, release: int) -> str:
    """`id TAB sha256 LF` of each record of a noun as of a release, in the order of the ids' bytes."""
    text: str | None = await connection.fetchval(LINES, noun, release)
    return text or ""


async def changes(connection: Connection, asked: Since) -> tuple[list[Change], int, bool]:
    """A page of whole releases: the changes, the release it ends with, and whether there may be more.

    Folding is within the page: who applied it holds exactly the release it ends with, wherever the next page is cut.
    """
    cut = await connection.fetchrow(CUT, asked.since, asked.until, asked.noun, asked.plan, asked.limit)
    assert cut is not None
    end = asked.until if cut["beyond"] is None else max(cut["first"], cut["beyond"] - 1)
    rows = await connection.fetch(CHANGES, asked.since, end, asked.noun, asked.plan, asked.folded)
    return [Change(*row) for row in rows], end, end < asked.until


async def versions(connection: Connection, noun: str, id: str) -> list[Version]:
    """Every version of a record, the first one first."""
    return [Version(*row) for row in await connection.fetch(VERSIONS, noun, id)]


async def last(connection: Connection, id: str) -> list[tuple[str, str]]:
    """Noun and text of a withdrawn record's last version, and of those that were withdrawn with it."""
    return [(row["noun"], row["doc"]) for row in await connection.fetch(LAST, id)]


async def beside(connection: Connection, commitment: str, release: int) -> list[tuple[str, str]]:
    """Noun and text of a commitment's reports, progress lines and milestones as of a release."""
    return [(row["noun"], row["doc"]) for row in await connection.fetch(BESIDE, commitment, release)]


async def commitments_of(connection: Connection, id: str) -> list[str]:
    """The commitments that a change of a record may touch."""
    row = await connection.fetchrow(ABOUT, id)
    if row is None:
        return []
    if row["noun"] == "plans":
        return [one[0] for one in await connection.fetch(OF_PLAN, id)]
    if row["noun"] == "organisations":
        return [one[0] for one in await connection.fetch(OF_ORGANISATION, id)]
    return [row["commitment"]]


async def stale(connection: Connection, plan: str, on: date) -> Sequence[str]:
    """The commitments of a plan in which time alone changes something on a day there."""
    return [row[0] for row in await connection.fetch(STALE, plan, on)]


async def last_daily(connection: Connection) -> datetime | None:
    """When the last daily release was made."""
    at: datetime | None = await connection.fetchval(LAST_DAILY)
    return at
