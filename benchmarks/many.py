"""Millions of rows in minutes: a small country that came the real way, copied under other plans by statements of SQL.

What a copy says is well formed: ids, addresses, documents, digests, CSV lines and order follow from its plan's number. Each copy is
a release; the last release corrects every tenth record. The numbers of plans are spread, so that each release's lie among all.
"""

import asyncio

import asyncpg

from benchmarks import country
from ogp_open_data.store.doors import Store
from ogp_open_data.store.migrate import migrations

# Two plans of 20 commitments, each 601 rows with 5 milestones and 4 lines for each.
COMMITMENTS = 40
# Multiplying by one and taking the rest by the other gives each copy another number, in no order.
SPREAD, PRIME = 7919, 1_000_003
# Gone while rows are written; made again after them, which is several times as fast. Nothing refers to a table that is not logged.
LEAN = """
ALTER TABLE redaction DROP CONSTRAINT redaction_noun_id_version_fkey;
ALTER TABLE record DROP CONSTRAINT record_from_release_fkey, DROP CONSTRAINT record_pkey, SET (autovacuum_enabled = off);
ALTER TABLE record SET UNLOGGED;
CREATE TABLE one AS SELECT *, row_number() OVER (ORDER BY noun, id) % 10 = 0 AS corrected FROM record WHERE plan IS NOT NULL;
ALTER TABLE one ADD PRIMARY KEY (noun, id);
DELETE FROM record WHERE plan IS NOT NULL;
TRUNCATE tally, tally_at, release CASCADE;
"""
KEY = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'record_pkey'"
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'record' AND indexname <> 'record_pkey' ORDER BY indexname
"""
RELEASES = """
INSERT INTO release (number, made_at, cause, changed, counts)
SELECT n, timestamptz '2020-01-01' + n * interval '1 hour', 'import', CASE WHEN n <= $1 THEN rows ELSE corrected * $1 END, (
    SELECT json_object_agg(noun, live * CASE WHEN noun = 'organisations' THEN 1 ELSE least(n, $1) END)::text FROM (
        SELECT noun, count(*) AS live FROM one GROUP BY noun UNION ALL SELECT noun, count(*) FROM record GROUP BY noun) AS row)
FROM generate_series(1, $1::int + 1) AS n, (SELECT count(*) AS rows, count(*) FILTER (WHERE corrected) AS corrected FROM one) AS one
"""
# $1 copies, of which $2 to $3 are written; $4 and $5 spread them; $6 with the words that are searched.
COPY = """
INSERT INTO record (noun, id, version, from_release, until_release, change_kind, changed_fields, doc, sha256, csv, plan, commitment,
    report, milestone, organisations, status, timeliness, period_end, due_on, sort_key, words)
SELECT noun, replace(id, plan, named), nth, since, until, 'data', '{}', text, encode(sha256(convert_to(text, 'UTF8')), 'hex'),
    regexp_replace(replace(csv, plan, named), ',1,1,', format(',%s,%s,', nth, since)), named, replace(commitment, plan, named),
    replace(report, plan, named), replace(milestone, plan, named), organisations, status, timeliness, period_end, due_on,
    replace(sort_key, 'xx-p' || lpad(number::text, 10, '0'), 'xx-p' || lpad(spread::text, 10, '0')),
    CASE WHEN $6 THEN words ELSE '' END
FROM generate_series($2::int, $3::int) AS copy,
LATERAL (SELECT *, substr(plan, 5)::int AS number FROM one) AS one,
LATERAL (SELECT 2 * (copy::bigint * $4::int % $5::int) + number AS spread) AS placed,
LATERAL (SELECT 'xx-p' || spread AS named) AS told,
LATERAL (
    SELECT 1 AS nth, copy AS since, CASE WHEN corrected THEN $1::int + 1 END AS until
    UNION ALL SELECT 2, $1::int + 1, NULL WHERE corrected) AS versions,
LATERAL (SELECT replace(replace(replace(doc, plan, named), '"release":1', '"release":' || since), '"version":1',
    '"version":' || nth) AS text) AS written
"""
STEP = 100


async def load(dsn: str, rows: int, only: tuple[str, ...] | None = None) -> int:
    """Fill a migrated, empty database with about so many rows of `record`; gives its newest release.

    With all indexes, or with its key and some only; where that of words is not there, no record has any. The table is not logged,
    and nobody vacuums it later.
    """
    store = Store(dsn)
    await store.open()
    await country.load(store, COMMITMENTS, milestones=5, lines=4)
    await store.close()
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    indexes, key = dict(await connection.fetch(INDEXES)), await connection.fetchval(KEY)
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute(LEAN)
    await connection.execute("".join(f"DROP INDEX {name};" for name in indexes))
    copies = max(1, round(rows / 1.1 / await connection.fetchval("SELECT count(*) FROM one")))
    await connection.execute(RELEASES, copies)
    kept = [name for name in indexes if only is None or name in only]
    await asyncio.gather(*(copied(dsn, copies, half, "record_words" in kept) for half in (0, 1)))
    await connection.execute(f"ALTER TABLE record ADD CONSTRAINT record_pkey {key}")
    for name in kept:
        await connection.execute(indexes[name])
    # As a database is counted that comes from an older program.
    await connection.execute("".join(dict(migrations())["0007_tallies.sql"].partition("WITH change")[1:]))
    await connection.execute("DROP TABLE one")
    for table in ("record", "release", "tally", "tally_at"):
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    await connection.close()
    return copies + 1


async def copied(dsn: str, copies: int, half: int, words: bool) -> None:
    """Write every second hundred of the copies, so that two processes of the server have work."""
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    for first in range(1 + half * STEP, copies + 1, 2 * STEP):
        await connection.execute(COPY, copies, first, min(first + STEP - 1, copies), SPREAD, PRIME, words)
    await connection.close()
