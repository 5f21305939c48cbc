"""Redaction, the only rewrite: the versions that are rewritten, and what is told of it under each release that they are in."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.store.doors import Connection

# Every version of a record and, where it is of a commitment, of everything else of that: texts are carried along there.
VERSIONS = """
SELECT r.noun, r.id, r.version, r.from_release, r.until_release IS NULL AS live, r.doc, r.sha256 FROM record r
WHERE r.doc IS NOT NULL AND (r.id = $1
    OR r.commitment = (SELECT one.commitment FROM record one WHERE one.id = $1 ORDER BY one.version DESC LIMIT 1))
ORDER BY r.noun, r.id, r.version
"""
FACTS = """
SELECT id, doc FROM fact WHERE id = $1
OR commitment = (SELECT one.commitment FROM record one WHERE one.id = $1 ORDER BY one.version DESC LIMIT 1)
"""
REWRITE = """
UPDATE record SET doc = new.doc, sha256 = new.sha256, csv = new.csv, words = to_tsvector('english', new.words)
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS new(noun, id, version, doc, sha256, csv, words)
WHERE record.noun = new.noun AND record.id = new.id AND record.version = new.version
"""
REWRITE_FACTS = """
UPDATE fact SET doc = new.doc FROM unnest($1::text[], $2::text[]) AS new(id, doc) WHERE fact.id = new.id
"""
INSERT = """
INSERT INTO redaction (noun, id, version, release, fields, sha256_before, sha256_after)
SELECT noun, id, version, $1, string_to_array(fields, ' '), sha256_before, sha256_after
FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[])
    AS row(noun, id, version, fields, sha256_before, sha256_after)
"""
# Those that a release made, and those of versions that held at it.
OF_RELEASE = """
SELECT one.noun, one.id, one.version, one.release, one.fields, release.message AS reason, one.sha256_before, one.sha256_after
FROM redaction one JOIN release ON release.number = one.release
JOIN record r ON r.noun = one.noun AND r.id = one.id AND r.version = one.version
WHERE one.release = $1 OR (r.from_release <= $1 AND (r.until_release IS NULL OR r.until_release > $1))
ORDER BY one.noun, one.id, one.version, one.release
"""


class Published(NamedTuple):
    """A version as it is published."""

    noun: str
    id: str
    version: int
    release: int
    live: bool
    doc: str
    sha256: str


class Rewritten(Struct, frozen=True):
    """A version as it will be, and which of its fields were redacted."""

    noun: str
    id: str
    version: int
    fields: list[str]
    doc: str
    csv: str
    words: str
    sha256_before: str
    sha256: str


class Redaction(NamedTuple):
    """What is told of a rewritten version: the release that redacted it and why, and its digest before and after."""

    noun: str
    id: str
    version: int
    release: int
    fields: list[str]
    reason: str | None
    sha256_before: str
    sha256_after: str


async def versions(connection: Connection, id: str) -> list[Published]:
    """Every published version of a record, and of the others of its commitment."""
    return [Published(*row) for row in await connection.fetch(VERSIONS, id)]


async def facts(connection: Connection, id: str) -> list[tuple[str, str]]:
    """Id and text of what the plan says of a record's commitment."""
    return [(row[0], row[1]) for row in await connection.fetch(FACTS, id)]


async def rewrite(connection: Connection, rows: Sequence[Rewritten], grounds: Sequence[tuple[str, str]]) -> None:
    """Put redacted versions, and redacted facts (id and text), in the place of those that were published."""
    names = ("noun", "id", "version", "doc", "sha256", "csv", "words")
    await connection.execute(REWRITE, *([getattr(row, name) for row in rows] for name in names))
    await connection.execute(REWRITE_FACTS, [id for id, _ in grounds], [doc for _, doc in grounds])


async def record(connection: Connection, release: int, rows: Sequence[Rewritten]) -> None:
    """Keep what a release redacted."""
    names = ("noun", "id", "version", "fields", "sha256_before", "sha256")
    columns = [[getattr(row, name) for row in rows] for name in names]
    columns[3] = [" ".join(fields) for fields in columns[3]]
    await connection.execute(INSERT, release, *columns)


async def of_release(connection: Connection, release: int) -> list[Redaction]:
    """What a release redacted, and what was redacted in it since."""
    return [Redaction(*row) for row in await connection.fetch(OF_RELEASE, release)]
