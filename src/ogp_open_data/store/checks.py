"""The store's self-check: what must hold of any sequence of releases, asked of the database itself."""

from ogp_open_data.store.doors import Connection

CHECKS = {
    "a record is not what its digest says": """
SELECT noun || ' ' || id || ' version ' || version FROM record
WHERE doc IS NOT NULL AND sha256 <> encode(sha256(convert_to(doc, 'UTF8')), 'hex')""",
    "versions of a record do not follow each other": """
SELECT noun || ' ' || id FROM record GROUP BY noun, id HAVING max(version) <> count(*)""",
    "a version does not end where the next begins": """
SELECT noun || ' ' || id || ' version ' || version FROM (
    SELECT noun, id, version, until_release,
    lead(from_release) OVER (PARTITION BY noun, id ORDER BY version) AS next FROM record) AS row
WHERE until_release IS DISTINCT FROM next""",
    "a redacted version is not what its redaction says": """
SELECT one.noun || ' ' || one.id || ' version ' || one.version FROM redaction one JOIN record r USING (noun, id, version)
WHERE r.sha256 <> one.sha256_after AND NOT EXISTS (
    SELECT FROM redaction later WHERE (later.noun, later.id, later.version) = (one.noun, one.id, one.version)
    AND later.release > one.release)""",
    "release numbers have a hole": "SELECT 'after ' || count(*) FROM release HAVING count(*) <> coalesce(max(number), 0)",
    "the time of a release goes back": """
SELECT 'release ' || number FROM (
    SELECT number, made_at, lag(made_at) OVER (ORDER BY number) AS before FROM release) AS row
WHERE made_at < before""",
    "the newest release counts other records than there are": """
SELECT noun || ': ' || live || ' live' FROM (
    SELECT noun, count(*) FILTER (WHERE until_release IS NULL AND doc IS NOT NULL) AS live FROM record GROUP BY noun) AS row
WHERE live <> (SELECT coalesce((counts::jsonb ->> noun)::bigint, 0) FROM release ORDER BY number DESC LIMIT 1)""",
    "a tally is not how many records have its values": """
WITH counted AS (
    SELECT noun, status, timeliness, period_end, count(*) AS live FROM record WHERE until_release IS NULL AND doc IS NOT NULL
    GROUP BY noun, status, timeliness, period_end),
told AS (
    SELECT noun, status, timeliness, period_end, live FROM tally WHERE live <> 0
    UNION SELECT noun, status, timeliness, period_end, last.live FROM tally, LATERAL (
        SELECT live FROM tally_at WHERE tally = tally.number ORDER BY release DESC LIMIT 1) AS last WHERE last.live <> 0)
SELECT concat_ws(' ', noun, status, timeliness, period_end) || ': ' || live FROM (
    (TABLE counted EXCEPT TABLE told) UNION ALL (TABLE told EXCEPT TABLE counted)) AS row""",
}
MOST = 20
# What a server must keep to lose nothing that was acknowledged, and what we need of it: the remark where it does not hold.
DURABLE = """
SELECT name || ' is off: a crash of the server can lose releases that readers have seen' FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
UNION ALL SELECT format('max_connections is %s, fewer than this program may open (%s with %s workers)', setting, $1::int, $3::int)
FROM pg_settings
WHERE name = 'max_connections' AND setting::int < $1::int
UNION ALL SELECT 'the account ' || current_user || ' is a superuser; give the program one of its own'
FROM pg_roles WHERE rolname = current_user AND rolsuper AND NOT $2::boolean
"""


async def doubts(connection: Connection, connections: int, workers: int, embedded: bool) -> list[str]:
    """What of the server's own settings will hurt; `connections` is how many each of the workers may open."""
    return [row[0] for row in await connection.fetch(DURABLE, workers * connections, embedded, workers)]


async def faults(connection: Connection) -> list[str]:
    """A sentence for each fault, at most MOST of each kind; empty where the store is sound."""
    return [
        f"{what}: {row[0]}" for what, text in CHECKS.items() for row in await connection.fetch(f"{text} LIMIT {MOST}")
    ]
