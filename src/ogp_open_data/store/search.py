"""Searching all nouns at once: the best hits of each, and how many records every narrower question would find."""

from collections.abc import Sequence
from typing import NamedTuple

from ogp_open_data.records import Filter
from ogp_open_data.store.doors import Connection

# The best hits of each noun: $1 release, $2 words, $3 nouns, $4 how many of each; then plan, agency, statuses, timeliness.
HITS = """
SELECT noun, doc FROM (
    SELECT one.noun, one.doc,
        row_number() OVER (PARTITION BY one.noun ORDER BY ts_rank(one.words, asked) DESC, one.sort_key) AS place
    FROM websearch_to_tsquery('english', $2) AS asked, record one LEFT JOIN record lead
        ON one.noun = 'milestones' AND lead.noun = 'commitments' AND lead.id = one.commitment
        AND lead.from_release <= $1 AND (lead.until_release IS NULL OR lead.until_release > $1)
    WHERE one.words @@ asked AND one.noun = ANY($3)
    AND one.doc IS NOT NULL AND one.from_release <= $1 AND (one.until_release IS NULL OR one.until_release > $1)
    AND ($5::text IS NULL OR one.plan = $5)
    AND ($6::text IS NULL OR coalesce(lead.organisations, one.organisations) @> ARRAY[$6])
    AND ($7::text[] IS NULL OR one.status = ANY($7)) AND ($8::text[] IS NULL OR one.timeliness = ANY($8))
) AS ranked
WHERE place <= $4 ORDER BY array_position($3, noun), place
"""
# A facet counts what each of its values would find with all other filters as they are. Milestones are led by whom their
# commitment is led by.
FACETS = """
WITH hit AS MATERIALIZED (
    SELECT one.noun, one.plan, one.status, one.timeliness, coalesce(lead.organisations, one.organisations) AS agencies,
        $4::text IS NULL OR one.plan = $4 AS in_plan,
        $5::text IS NULL OR coalesce(lead.organisations, one.organisations) @> ARRAY[$5] AS of_agency,
        $6::text[] IS NULL OR one.status = ANY($6) AS has_status,
        $7::text[] IS NULL OR one.timeliness = ANY($7) AS has_timeliness
    FROM record one LEFT JOIN record lead
        ON one.noun = 'milestones' AND lead.noun = 'commitments' AND lead.id = one.commitment
        AND lead.from_release <= $1 AND (lead.until_release IS NULL OR lead.until_release > $1)
    WHERE one.noun = ANY($2) AND ($3::text IS NULL OR one.words @@ websearch_to_tsquery('english', $3))
    AND one.doc IS NOT NULL AND one.from_release <= $1 AND (one.until_release IS NULL OR one.until_release > $1)
    AND ($8::text IS NULL OR one.commitment = $8)
    AND ($9::date IS NULL OR one.period_end >= $9) AND ($10::date IS NULL OR one.period_end <= $10)
)
SELECT 'noun' AS facet, noun AS value, count(*) FROM hit
    WHERE in_plan AND of_agency AND has_status AND has_timeliness GROUP BY noun
UNION ALL SELECT 'plan', plan, count(*) FROM hit
    WHERE of_agency AND has_status AND has_timeliness AND plan IS NOT NULL GROUP BY plan
UNION ALL SELECT 'status', status, count(*) FROM hit
    WHERE in_plan AND of_agency AND has_timeliness AND status IS NOT NULL GROUP BY status
UNION ALL SELECT 'timeliness', timeliness, count(*) FROM hit
    WHERE in_plan AND of_agency AND has_status AND timeliness IS NOT NULL GROUP BY timeliness
UNION ALL SELECT 'organisation', agency, count(*) FROM hit, unnest(agencies) AS agency
    WHERE in_plan AND has_status AND has_timeliness AND noun <> 'organisations' GROUP BY agency
ORDER BY 1, 3 DESC, 2
"""


class Count(NamedTuple):
    """How many records a value of a facet would find."""

    facet: str
    value: str
    number: int


async def hits(
    connection: Connection, release: int, nouns: Sequence[str], asked: Filter, most: int
) -> list[tuple[str, str]]:
    """Noun and text of the best hits of each noun."""
    narrowed = (asked.plan, asked.organisation, asked.status, asked.timeliness)
    rows = await connection.fetch(HITS, release, asked.q, nouns, most, *narrowed)
    return [(row[0], row[1]) for row in rows]


async def facets(connection: Connection, release: int, nouns: Sequence[str], asked: Filter) -> list[Count]:
    """The counts of every facet; the most frequent values first."""
    rows = await connection.fetch(
        FACETS,
        release,
        nouns,
        asked.q,
        asked.plan,
        asked.organisation,
        asked.status,
        asked.timeliness,
        asked.commitment,
        asked.period_from,
        asked.period_to,
    )
    return [Count(*row) for row in rows]
