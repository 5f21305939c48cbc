"""Finished files of a release: whole, digested, in parts, built once for all workers, and no hindrance without room."""

import asyncio
import base64
import hashlib
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet
import pytest

from database import executed
from ogp_open_data.errors import RangeNotSatisfiable
from ogp_open_data.records import NOUNS
from ogp_open_data.web.edge import ranges
from ogp_open_data.web.reads import files
from ogp_open_data.web.reads.files import Files
from serving import running
from test_streams import filled

ROWS = 3000
# As it is, in no content coding.
PLAIN = {"Accept-Encoding": "identity"}
BULK = ["csv", "ndjson", "xlsx", "parquet"]


def sha256_of(field: str) -> str:
    """The hexadecimal of a Repr-Digest field."""
    assert field.startswith("sha-256=:") and field.endswith(":")
    return base64.b64decode(field[9:-1]).hex()


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("suffix", BULK)
def test_table_of_a_release_is_a_file_with_length_digest_and_ranges(
    client: httpx.Client, noun: str, suffix: str
) -> None:
    answer = client.get(f"/v1/{noun}.{suffix}", headers=PLAIN)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert sha256_of(answer.headers["repr-digest"]) == hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].strip('"') == hashlib.sha256(answer.content).hexdigest()[:32]
    part = client.get(f"/v1/{noun}.{suffix}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, answer.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(answer.content)}"
    assert part.headers["repr-digest"] == answer.headers["repr-digest"]
    for name in ("etag", "last-modified", "vary", "cache-control"):
        assert part.headers[name] == answer.headers[name]


def test_file_as_of_a_release_is_that_of_the_newest_while_nothing_changed(client: httpx.Client) -> None:
    release = client.get("/v1").json()["data"]["release"]
    now, then = client.get("/v1/plans.csv"), client.get(f"/v1/plans.csv?as_of={release}")
    assert now.content == then.content and now.headers["etag"] == then.headers["etag"]
    assert then.headers["cache-control"] == "max-age=86400"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-500", (0, 100)),
        # Several ranges, and what is none, are answered with the whole: nobody can make it more than that.
        ("bytes=0-9,20-29", None),
        ("bytes=" + ",".join(["0-"] * 1000), None),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        (None, None),
    ],
)
def test_one_range_is_honoured_and_anything_else_is_the_whole(
    field: str | None, expected: tuple[int, int] | None
) -> None:
    assert ranges.asked(field, None, '"tag"', 100) == expected


@pytest.mark.parametrize("field", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_range_behind_the_end_is_refused(client: httpx.Client, field: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        ranges.asked(field, None, '"tag"', 100)
    answer = client.get("/v1/plans.csv", headers={"Range": "bytes=999999-"})
    assert answer.status_code == 416 and answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-range"] == f"bytes */{len(client.get('/v1/plans.csv').content)}"


def test_range_of_another_version_gives_the_whole(client: httpx.Client) -> None:
    whole = client.get("/v1/plans.csv", headers=PLAIN)
    tag, date = whole.headers["etag"], whole.headers["last-modified"]
    for condition, status in [(tag, 206), ('"other"', 200), (f"W/{tag}", 200), (date, 200)]:
        answer = client.get("/v1/plans.csv", headers={"Range": "bytes=0-4", "If-Range": condition})
        assert answer.status_code == status
    still = client.get("/v1/plans.csv", headers={"Range": "bytes=0-4", "If-None-Match": tag})
    assert still.status_code == 304


def test_pages_and_filters_are_no_files(client: httpx.Client) -> None:
    for query in ("limit=3", "plan=nz-nap2", "fields=id,title"):
        answer = client.get(f"/v1/commitments.csv?{query}", headers={"Range": "bytes=0-4"})
        assert answer.status_code == 200 and "accept-ranges" not in answer.headers


@pytest.fixture
def large(dsn: str, tmp_path: Path) -> Iterator[str]:
    asyncio.run(executed(dsn, filled(ROWS)))
    with running("--database-url", dsn, "--workers", "2", OGP_FILES_DIR=str(tmp_path)) as (_, url):
        yield url


def test_large_table_is_built_once_for_all_workers_and_asked_for_in_parts(large: str, tmp_path: Path) -> None:
    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=60) as client:
            return await asyncio.gather(*(client.get(f"{large}/v1/progress.csv") for _ in range(6)))

    answers = asyncio.run(ask())
    whole = answers[0].content
    assert all(one.content == whole for one in answers) and whole.count(b"\r\n") == ROWS + 1
    kept = [one for one in tmp_path.iterdir() if one.is_file() and not one.is_symlink() and one.stat().st_size]
    assert [one.name for one in kept] == [hashlib.sha256(whole).hexdigest()]
    middle = len(whole) // 2
    parts = [
        httpx.get(f"{large}/v1/progress.csv", headers={"Range": part, "If-Range": answers[0].headers["etag"]}).content
        for part in (f"bytes=0-{middle - 1}", f"bytes={middle}-")
    ]
    assert b"".join(parts) == whole


def test_large_table_is_built_by_a_process_of_its_own(large: str) -> None:
    body = httpx.get(f"{large}/v1/progress.parquet", timeout=90)
    assert pyarrow.parquet.read_table(io.BytesIO(body.content)).num_rows == ROWS
    assert httpx.get(f"{large}/v1/progress.parquet?status=unknown", timeout=90).headers["accept-ranges"] == "bytes"
    # These rows are no whole records, which a workbook notices: nothing is served, and the reason is told in the log.
    failed = httpx.get(f"{large}/v1/progress.xlsx", timeout=90)
    assert failed.status_code == 500 and "CSV" in failed.json()["detail"]


def test_without_room_a_table_streams_and_what_must_be_built_says_so(dsn: str, tmp_path: Path) -> None:
    asyncio.run(executed(dsn, filled(ROWS)))
    directory = tmp_path / "gone"
    with running("--database-url", dsn, OGP_FILES_DIR=str(directory)) as (_, url):
        assert httpx.get(f"{url}/readyz", timeout=20).status_code == 200
        directory.rmdir()
        answer = httpx.get(f"{url}/v1/progress.csv", timeout=60)
        assert answer.status_code == 200 and answer.content.count(b"\r\n") == ROWS + 1
        assert answer.headers["ogp-row-count"] == str(ROWS) and "content-length" not in answer.headers
        built = httpx.get(f"{url}/v1/progress.parquet", timeout=60)
        assert built.status_code == 503 and "CSV" in built.json()["detail"]


def test_oldest_files_make_room_and_those_just_asked_for_stay(tmp_path: Path) -> None:
    shelf = Files(tmp_path, room=25)

    async def write(path: Path) -> None:
        path.write_bytes(os.urandom(10))

    async def fill() -> None:
        for name in "abc":
            file = await shelf.get(name, "joined", write)
            past = time.time() - 1000 + ord(name)
            os.utime(file.path, (past, past))
        await shelf.get("d", "joined", write)

    asyncio.run(fill())
    assert [shelf.find(name) is not None for name in "abcd"] == [False, False, True, True]
    assert not any(one.is_symlink() and not one.exists() for one in tmp_path.iterdir())


def test_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    shelf = Files(tmp_path, room=1000)

    async def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        asyncio.run(shelf.get("a", "joined", fail))
    assert shelf.find("a") is None and [one.name for one in tmp_path.iterdir()] == ["joined.lock"]


def test_file_that_ends_early_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")

    async def read() -> bytes:
        return b"".join([chunk async for chunk in files.part_of(tmp_path / "file", 0, 10)])

    with pytest.raises(EOFError):
        asyncio.run(read())


def test_digest_of_an_encoded_answer_is_of_what_is_sent(client: httpx.Client) -> None:
    for coding in ("identity", "gzip", "br", "zstd"):
        request = client.build_request("GET", "/v1/commitments.csv", headers={"Accept-Encoding": coding})
        answer = client.send(request, stream=True)
        sent = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding", "identity") == coding
        assert sha256_of(answer.headers["repr-digest"]) == hashlib.sha256(sent).hexdigest()
