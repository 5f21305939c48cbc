"""Answers too large for memory: counted beforehand, streamed, and cut off where they cannot be finished."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest
from msgspec.structs import replace

from database import executed
from ogp_open_data.records import Filter
from ogp_open_data.store import exports, listings
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.listings import Listing
from serving import running

ROWS = 60_000


def filled(rows: int) -> str:
    """Statements that make a release of so many progress lines."""
    return f"""
INSERT INTO release (number, made_at, cause, counts) VALUES (1, now(), 'import',
    '{{"plans":0,"commitments":0,"milestones":0,"reports":0,"progress":{rows},"organisations":0}}');
INSERT INTO record (noun, id, version, from_release, change_kind, changed_fields, doc, sha256, csv, organisations, sort_key,
    words, status)
SELECT 'progress', 'xx-' || n, 1, 1, 'data', '{{}}', '{{"id":"xx-' || n || '","text":"' || repeat('x', 300) || '"}}',
    encode(sha256(n::text::bytea), 'hex'), 'xx-' || n || ',' || repeat('x', 300), '{{}}', lpad(n::text, 9, '0'), '', 'unknown'
FROM generate_series(1, {rows}) AS n
"""


# Texts with everything that a line can have in it, and places that are null.
ODD = """
INSERT INTO release (number, made_at, cause, counts) VALUES (1, now(), 'import', '{}');
INSERT INTO record (noun, id, version, from_release, change_kind, changed_fields, doc, sha256, csv, organisations, sort_key,
    words, due_on)
SELECT 'milestones', 'xx-' || n, 1, 1, 'data', '{}', '{"id":"xx-' || n || '","text":"a\\\\b\\n\\"c\\u2028ā"}',
    encode(sha256(n::text::bytea), 'hex'), 'xx-' || n || E',"a\\n""b"",\\r\\nc\\\\"', '{}', lpad(n::text, 9, '0'), '',
    CASE WHEN n % 3 > 0 THEN date '2018-01-01' + n % 7 END
FROM generate_series(1, 700) AS n
"""


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["id", "release", "due_on"])
async def test_export_has_the_rows_of_the_pages_in_their_order(
    store: Store, dsn: str, sort: str, descending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "SIZE", 100)
    await executed(dsn, ODD)

    async def texts(listing: Listing, column: str, of: Listing | None = None) -> list[bytes]:
        ends = await store.reading(exports.places, of or listing)
        return [lines async for lines in exports.everything(store, listing, column, ends)]

    listing = Listing(noun="milestones", release=1, sort=sort, descending=descending, limit=1000)
    rows = await store.reading(listings.page, listing, ("doc", "csv"))
    assert len(rows) == 700
    whole = replace(listing, limit=None)
    docs = await texts(whole, "doc")
    assert len(docs) >= 7 and b"".join(docs) == "".join(f"{row.doc}\n" for row in rows).encode()
    assert b"".join(await texts(whole, "csv")) == "".join(f"{row.csv}\r\n" for row in rows).encode()
    some = replace(whole, filter=Filter(id=[row.id for row in rows[100:400]]))
    for of in (some, whole):
        assert b"".join(await texts(some, "doc", of)) == "".join(f"{row.doc}\n" for row in rows[100:400]).encode()
    assert await texts(replace(whole, filter=Filter(plan="xx")), "csv") == []


async def test_batches_are_read_in_the_order_of_an_index_and_not_sorted(store: Store, dsn: str) -> None:
    await executed(dsn, filled(30_000))
    await executed(dsn, "ANALYZE record")
    listing = Listing(noun="progress", release=1, filter=Filter(status=["unknown"]))
    ends = await store.reading(exports.places, listing)
    assert len(ends) == 30_000 // exports.SIZE

    async def plan(connection: Connection) -> str:
        text, arguments = exports.batch_text(listing, "doc", ends[0], ends[1])
        # As a COPY has them: the numbers themselves, which the planner knows then.
        literal = text.replace(f"${len(arguments)}::bigint", str(exports.SIZE))
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {literal}", *arguments[:-1]))

    said = await store.reading(plan)
    assert "Index Scan using" in said and "Sort" not in said


@pytest.fixture
def large(dsn: str) -> Iterator[str]:
    asyncio.run(executed(dsn, filled(ROWS)))
    with running("--database-url", dsn) as (_, url):
        yield url


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_many_rows_of_a_filter_stream_whole_with_their_count_up_front(large: str, suffix: str) -> None:
    path = f"{large}/v1/progress.{suffix}?status=unknown"
    with httpx.stream("GET", path, timeout=60) as answer:
        assert answer.headers["ogp-row-count"] == str(ROWS)
        assert "content-length" not in answer.headers
        lines = sum(chunk.count(b"\n") for chunk in answer.iter_bytes())
    assert lines == ROWS + (suffix == "csv")
    assert httpx.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    other = httpx.head(f"{large}/v1/progress.{suffix}?status=unknown,delayed")
    assert other.headers["etag"] != answer.headers["etag"] and other.headers["ogp-row-count"] == str(ROWS)


def test_stream_that_cannot_be_finished_is_cut_off_and_never_a_short_200(large: str, dsn: str) -> None:
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("GET", f"{large}/v1/progress.csv?status=unknown", timeout=60) as answer,
    ):
        assert answer.status_code == 200
        for number, _ in enumerate(answer.iter_bytes(65536)):
            if number == 3:
                asyncio.run(executed(dsn, "ALTER TABLE record RENAME TO gone"))
    # The program is none the worse for it.
    assert httpx.get(f"{large}/livez").status_code == 200


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_cut_stream_has_no_last_chunk_on_the_wire(large: str, dsn: str, suffix: str) -> None:
    address = httpx.URL(large)
    with socket.create_connection((address.host, address.port), timeout=30) as one:
        one.sendall(f"GET /v1/progress.{suffix}?status=unknown HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = one.recv(65536)
        asyncio.run(executed(dsn, "ALTER TABLE record RENAME TO gone"))
        end = b""
        while chunk := one.recv(1 << 20):
            end = (end + chunk)[-100:]
    assert head.startswith(b"HTTP/1.1 200 ") and b"transfer-encoding: chunked" in head
    assert not (head + end).endswith(b"0\r\n\r\n")


def test_reader_that_hangs_up_leaves_no_connection_behind(large: str, dsn: str) -> None:
    for _ in range(20):
        with httpx.stream("GET", f"{large}/v1/progress.ndjson?status=unknown", timeout=60) as answer:
            next(answer.iter_bytes(1024))
    assert httpx.get(f"{large}/v1/progress?limit=1", timeout=10).status_code == 200
