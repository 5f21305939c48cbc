"""Making releases: the writer's lock, what is held, and one statement for all that one or several releases write."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from ogp_open_data.errors import NewerProgram, Refused
from ogp_open_data.records import NOUNS, SHAPE, Commitment, Milestone, Record
from ogp_open_data.store import migrate
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.doors import Connection


class Head(Struct, frozen=True):
    """A release to build on: its number, time and the live records per noun. Number 0 is the empty store."""

    number: int
    made_at: datetime | None
    counts: dict[str, int]


class Dataset(Struct, frozen=True):
    """What holds for the whole sequence of releases. Rows of releases before `shaped_in` are in an older shape."""

    epoch: str
    tag_authority: str
    tag_on: date
    shape: int
    shaped_in: int


class Release(Struct, frozen=True):
    number: int
    made_at: datetime
    cause: str
    message: str | None
    source: str | None
    counts: dict[str, int]


class Row(Struct, frozen=True):
    """One version of a record as it is stored; the fields are the columns. A tombstone has no doc, sha256 and csv.

    `words` is folded text for full-text search; `organisations` are ids. Only `until_release` is the store's own business.
    """

    from_release: int
    noun: str
    id: str
    version: int
    change_kind: str
    changed_fields: list[str]
    reason: str | None
    successor: str | None
    doc: str | None
    sha256: str | None
    csv: str | None
    plan: str | None
    commitment: str | None
    report: str | None
    milestone: str | None
    organisations: list[str]
    status: str | None
    timeliness: str | None
    period_end: date | None
    due_on: date | None
    sort_key: str
    words: str
    document: str | None = None
    line: int | None = None


class Document(Struct, frozen=True):
    """A document that made a release; of a table also its sheet in a workbook, and its columns in their order."""

    sha256: str
    name: str | None
    media_type: str
    bytes: int
    reports: list[str]
    sheet: str | None = None
    columns: list[str] | None = None


class Prepared(Struct, frozen=True):
    """Everything that a release writes, its line in the audit trail too."""

    release: Release
    rows: Sequence[Row]
    facts: Sequence[Commitment | Milestone] = ()
    document: Document | None = None
    entry: Entry | None = None


class Held(Struct, frozen=True):
    """What the store holds of the plans and commitments that a change is about.

    `versions` and `released` (in which release that version came) are of every id, withdrawn ones too.
    """

    records: dict[str, Record]
    versions: dict[str, int]
    released: dict[str, int]
    withdrawn: frozenset[str]
    successors: dict[str, str]
    facts: dict[str, Commitment | Milestone]


class Overtaken(Exception):
    """The release that a change builds on is not the newest any more, or a newer program has written the records since."""


HEAD = "SELECT number, made_at, counts FROM release ORDER BY number DESC LIMIT 1"
LOCK = "SELECT shape, (SELECT max(name) FROM migration) AS migration FROM dataset FOR UPDATE"
DATASET = "SELECT epoch::text, tag_authority, tag_on, shape, shaped_in FROM dataset"
SEEN = """
SELECT d.sha256, d.reports FROM document d
WHERE d.sha256 = ANY($1) AND d.reports <> '{}' AND NOT EXISTS (
    SELECT FROM unnest(d.reports) AS made(id)
    LEFT JOIN record r ON r.id = made.id AND r.until_release IS NULL
    WHERE r.doc IS NULL OR r.doc::jsonb #>> '{source,sha256}' IS DISTINCT FROM d.sha256)
"""
DIRECTORY = """
SELECT noun, id, version, from_release, doc, successor FROM record
WHERE until_release IS NULL AND noun IN ('organisations', 'plans')
"""
HELD = """
SELECT noun, id, version, from_release, doc, successor, commitment FROM record
WHERE until_release IS NULL AND noun IN ('commitments', 'milestones', 'reports', 'progress', 'assessments')
AND commitment = ANY($1)
"""
FACTS = "SELECT noun, id, doc, commitment FROM fact WHERE commitment = ANY($1)"
LIVE = "SELECT noun, id, version, doc FROM record WHERE until_release IS NULL AND doc IS NOT NULL"
RESHAPED = "UPDATE dataset SET shape = $1, shaped_in = $2"
# Releases in one statement, so that who is sure of what they change needs one round trip and one commit. A part reads from the part
# that it has to come after: everything from the lock on, what belongs to a release from that, new rows from the ended ones of their
# ids. A record that has several versions here is held in each until the next. By noun and id: an id that another noun has is then
# refused by the index `record_live`.
# All travels as JSON: asyncpg looks at each element of an array twice, which is more than half of what it does with a release.
PUBLISH = """
WITH locked AS MATERIALIZED (SELECT shape FROM dataset FOR UPDATE),
row AS MATERIALIZED (
    SELECT *, min(from_release) OVER same AS ends, lead(from_release) OVER same AS until_release
    FROM json_to_recordset($2::json) AS row(
        from_release bigint, noun text, id text, version int, change_kind text, changed_fields text[], reason text, successor text,
        doc text, sha256 text, csv text, plan text, commitment text, report text, milestone text, organisations text[],
        status text, timeliness text, period_end date, due_on date, sort_key text, words text, document text, line int)
    WINDOW same AS (PARTITION BY noun, id ORDER BY from_release)),
made AS (
    INSERT INTO release (number, made_at, cause, message, source, counts, changed)
    SELECT new.* FROM json_to_recordset($1::json) AS new(
        number bigint, made_at timestamptz, cause text, message text, source text, counts text, changed int), locked
    WHERE shape <= $6 AND (SELECT max(name) FROM migration) <= $7 RETURNING number),
ended AS (
    UPDATE record SET until_release = row.ends FROM made, row
    WHERE made.number = row.ends AND row.version > 1 AND record.until_release IS NULL
    AND record.noun = row.noun AND record.id = row.id
    RETURNING record.noun, record.status, record.timeliness, record.period_end, record.doc, record.until_release),
written AS (
    INSERT INTO record (
        from_release, until_release, noun, id, version, change_kind, changed_fields, reason, successor, doc, sha256, csv, plan,
        commitment, report, milestone, organisations, status, timeliness, period_end, due_on, sort_key, words, document, line)
    SELECT from_release, until_release, noun, id, version, change_kind, changed_fields, reason, successor, doc, sha256, csv, plan,
        commitment, report, milestone, organisations, status, timeliness, period_end, due_on, sort_key,
        to_tsvector('english', words), document, line
    FROM made, (SELECT count(*) FROM ended) AS before, row WHERE made.number = row.from_release),
change AS MATERIALIZED (
    SELECT noun, status, timeliness, period_end, number, sum(more) AS more FROM made JOIN (
        SELECT noun, status, timeliness, period_end, from_release AS release, 1 AS more FROM row WHERE doc IS NOT NULL
        UNION ALL SELECT noun, status, timeliness, period_end, until_release, -1 FROM row WHERE doc IS NOT NULL
        UNION ALL SELECT noun, status, timeliness, period_end, until_release, -1 FROM ended WHERE doc IS NOT NULL) AS one
        ON number = release
    GROUP BY noun, status, timeliness, period_end, number HAVING sum(more) <> 0),
counted AS (
    INSERT INTO tally (noun, status, timeliness, period_end, live)
    SELECT noun, status, timeliness, period_end, sum(more) FROM change GROUP BY noun, status, timeliness, period_end
    ON CONFLICT (noun, status, timeliness, period_end) DO UPDATE SET live = tally.live + excluded.live RETURNING *),
remembered AS (
    INSERT INTO tally_at (tally, release, live)
    SELECT counted.number, change.number, live - sum(more) OVER (PARTITION BY counted.number ORDER BY change.number DESC) + more
    FROM counted JOIN change ON change.noun = counted.noun AND change.status IS NOT DISTINCT FROM counted.status
        AND change.timeliness IS NOT DISTINCT FROM counted.timeliness
        AND change.period_end IS NOT DISTINCT FROM counted.period_end),
kept AS (
    INSERT INTO fact (id, noun, plan, commitment, doc, release)
    SELECT DISTINCT ON (id) id, noun, plan, commitment, doc, release
    FROM made JOIN json_to_recordset($3::json) AS new(
        id text, noun text, plan text, commitment text, doc text, release bigint) ON made.number = new.release
    ORDER BY id, release DESC
    ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, release = excluded.release),
filed AS (
    INSERT INTO document (sha256, name, media_type, bytes, release, reports, sheet, columns)
    SELECT DISTINCT ON (sha256) sha256, name, media_type, bytes, release, reports, sheet, columns
    FROM made JOIN json_to_recordset($4::json) AS new(
        sha256 text, name text, media_type text, bytes bigint, release bigint, reports text[], sheet text, columns text[])
        ON made.number = new.release
    ORDER BY sha256, release DESC
    ON CONFLICT (sha256) DO UPDATE SET release = excluded.release, reports = excluded.reports),
told AS (
    INSERT INTO audit (actor, address, action, subject, detail, release)
    SELECT actor, address, action, subject, detail, release
    FROM made JOIN json_to_recordset($5::json) AS new(
        actor text, address text, action text, subject text, detail text, release bigint) ON made.number = new.release
    ORDER BY release)
SELECT number, pg_notify('release', number::text) FROM made ORDER BY number
"""


async def head(connection: Connection) -> Head:
    """The newest release."""
    row = await connection.fetchrow(HEAD)
    if row is None:
        return Head(0, None, dict.fromkeys(NOUNS, 0))
    return Head(row["number"], row["made_at"], counted(row["counts"]))


def counted(counts: str) -> dict[str, int]:
    """Live records per noun from a release's own text; a noun that came later had none."""
    return dict.fromkeys(NOUNS, 0) | msgspec.json.decode(counts, type=dict[str, int])


async def dataset(connection: Connection) -> Dataset:
    row = await connection.fetchrow(DATASET)
    assert row is not None, "migrate() comes first"
    return Dataset(*row)


async def reshaped(connection: Connection, shape: int, since: int) -> None:
    """Every live record has this shape from a release on."""
    await connection.execute(RESHAPED, shape, since)


async def live(connection: Connection) -> list[tuple[str, str, int, str]]:
    """Noun, id, version and text of every live record."""
    return [(row[0], row[1], row[2], row[3]) for row in await connection.fetch(LIVE)]


async def lock(connection: Connection) -> Head:
    """Wait until this transaction is the only writer; the newest release then. Release order is commit order by this lock.

    Raises NewerProgram where one has changed the schema or the shape of the records.
    """
    row = await connection.fetchrow(LOCK)
    assert row is not None, "migrate() comes first"
    if row["shape"] > SHAPE or row["migration"] > migrate.newest():
        raise NewerProgram(
            "a newer program writes to this database; use that one, this one would lose what it does not know"
        )
    return await head(connection)


async def seen(connection: Connection, sha256s: Sequence[str]) -> dict[str, list[str]]:
    """Of these bytes those that made reports which are all live and still theirs, with the ids of these reports."""
    return {row["sha256"]: row["reports"] for row in await connection.fetch(SEEN, sha256s)}


async def directory(connection: Connection) -> Held:
    """All plans and organisations: what a document is resolved against before anything else is looked up."""
    return _held(await connection.fetch(DIRECTORY), [])


async def held(connection: Connection, commitments: Sequence[str]) -> dict[str, Held]:
    """Everything held of some commitments (ids), by commitment."""
    rows: dict[str, list[asyncpg.Record]] = {id: [] for id in commitments}
    facts: dict[str, list[asyncpg.Record]] = {id: [] for id in commitments}
    for row in await connection.fetch(HELD, commitments):
        rows[row["commitment"]].append(row)
    for fact in await connection.fetch(FACTS, commitments):
        facts[fact["commitment"]].append(fact)
    return {id: _held(rows[id], facts[id]) for id in commitments}


def _held(rows: list[asyncpg.Record], facts: list[asyncpg.Record]) -> Held:
    return Held(
        records={row["id"]: decode(row["noun"], row["doc"]) for row in rows if row["doc"] is not None},
        versions={row["id"]: row["version"] for row in rows},
        released={row["id"]: row["from_release"] for row in rows},
        withdrawn=frozenset(row["id"] for row in rows if row["doc"] is None),
        successors={row["id"]: row["successor"] for row in rows if row["successor"] is not None},
        facts={row["id"]: decode(row["noun"], row["doc"]) for row in facts},  # type: ignore[misc]
    )


def decode(noun: str, doc: str | bytes) -> Record:
    """The record that a stored text is."""
    record: Record = msgspec.json.decode(doc, type=NOUNS[noun])
    return record


async def publish(connection: Connection, made: Sequence[Prepared]) -> None:
    """Write releases whose numbers follow the head's, all or none, under the lock.

    Raises Overtaken where one of these numbers is another's by now, and Refused where an id is another record's.
    """
    parts = (
        [_told(one) for one in made],
        [row for one in made for row in one.rows],
        [_kept(fact, one.release.number) for one in made for fact in one.facts],
        [asdict(one.document) | {"release": one.release.number} for one in made if one.document is not None],
        [asdict(one.entry) | {"release": one.release.number} for one in made if one.entry is not None],
    )
    try:
        number = await connection.fetchval(
            PUBLISH, *(msgspec.json.encode(part).decode() for part in parts), SHAPE, migrate.newest()
        )
    except asyncpg.UniqueViolationError as error:
        if error.table_name == "release":
            raise Overtaken from error
        taken = re.search(r"\(id\)=\(([^)]*)\)", error.detail or "")
        raise Refused(f"the id {taken[1] if taken else ''} is another record's; nothing was changed") from error
    if number is None:
        raise Overtaken


def _told(one: Prepared) -> dict[str, Any]:
    """A release as its row."""
    counts = msgspec.json.encode(one.release.counts, order="sorted").decode()
    return asdict(one.release) | {"counts": counts, "changed": len(one.rows)}


def _kept(fact: Commitment | Milestone, release: int) -> dict[str, Any]:
    """A fact as its row."""
    noun, commitment = ("milestones", fact.commitment) if isinstance(fact, Milestone) else ("commitments", fact.id)
    doc = msgspec.json.encode(fact).decode()
    return {"id": fact.id, "noun": noun, "plan": fact.plan, "commitment": commitment, "doc": doc, "release": release}
