"""Where each version of a record was read: document, address, line or sheet and cell; and the history of one field."""

from typing import NamedTuple

from ogp_open_data.store.doors import Connection
from ogp_open_data.store.history import Version

# $3 a field, whose value (JSON) each version then has.
VERSIONS = """
SELECT r.version, r.from_release, release.made_at, release.cause, r.change_kind, r.changed_fields, r.reason, r.successor,
    r.sha256, r.doc IS NULL AS withdrawn, (r.doc::jsonb -> $3::text)::text AS value,
    r.document, document.name, document.media_type,
    coalesce(r.doc::jsonb #>> '{source,url}', r.doc::jsonb ->> 'source_url', release.source) AS url,
    r.line, document.sheet, document.columns
FROM record r JOIN release ON release.number = r.from_release LEFT JOIN document ON document.sha256 = r.document
WHERE r.noun = $1 AND r.id = $2 ORDER BY r.version
"""


class Told(NamedTuple):
    """One version of a record, the value of the field asked for (JSON), and where it was read.

    `document` is the SHA-256 of the document, None where a person, the day or a newer program made the version. `columns` are
    those of a table, in their order.
    """

    version: Version
    value: str | None
    document: str | None
    name: str | None
    media_type: str | None
    url: str | None
    line: int | None
    sheet: str | None
    columns: list[str] | None


async def versions(connection: Connection, noun: str, id: str, field: str | None = None) -> list[Told]:
    """Every version of a record, the first one first."""
    return [Told(Version(*row[:10]), *row[10:]) for row in await connection.fetch(VERSIONS, noun, id, field)]
