"""Which history this is and in which shape: after a restore old cursors end, and a newer program leaves old releases alone."""

import subprocess
from pathlib import Path

import httpx
import msgspec
import pytest

import embedded_tools
from database import executed
from embedded_tools import ask
from ogp_open_data import schemas
from ogp_open_data.errors import NewerProgram
from ogp_open_data.formats import to_csv
from ogp_open_data.intake import hand
from ogp_open_data.records import NOUNS, SHAPE, canonical, digest
from ogp_open_data.store import binaries, checks, history, listings, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from ogp_open_data.store.history import Since
from ogp_open_data.store.listings import Listing
from serving import program, running
from test_importer import imported, report

place = embedded_tools.place
# What the structs were in each shape: a digest of all schemas but their version. Another one needs another SHAPE, and a line here;
# a noun more does not, for no record of it was written before.
SHAPES = {1: "4c9d1aebf003c475385d2e2afbd4494b858389de81052760d5728fcddfdb5d99"}
AN_OLDER_SHAPE = "UPDATE record SET doc = $1, sha256 = $2, csv = $3 WHERE id = $4"


def test_every_change_of_the_structs_is_another_shape() -> None:
    assert SHAPES[SHAPE] == digest(b"".join(shape(noun) for noun in NOUNS)) and max(SHAPES) == SHAPE


def shape(noun: str) -> bytes:
    """The schema of a noun, whatever the version of the contract."""
    return msgspec.json.encode({**schemas.schema(noun), "version": None}, order="sorted")


def test_epoch_outlives_a_restart_and_ends_where_a_dump_was_restored(dsn: str, tmp_path: Path, place: Path) -> None:
    into = str(tmp_path / "copy")
    with running("--sample", "--database-url", dsn) as (_, url):
        program("sync", url, "--into", into)
        first = httpx.get(f"{url}/v1/releases").json()
    with running("--database-url", dsn) as (_, url):
        assert httpx.get(f"{url}/v1/releases").json()["meta"]["epoch"] == first["meta"]["epoch"]
    epoch = first["meta"]["epoch"]
    with Embedded(place / "data") as another:
        bin = binaries.find([]).bin
        dump = subprocess.run([bin / "pg_dump", "--no-owner", dsn], check=True, capture_output=True, timeout=60).stdout
        subprocess.run([bin / "psql", "-qX", "-v", "ON_ERROR_STOP=1", another.dsn], input=dump, check=True, timeout=60)
        with running("--database-url", another.dsn) as (_, url):
            new = httpx.get(f"{url}/v1/releases").json()
            assert new["meta"]["epoch"] != epoch
            assert [one["root"] for one in new["data"]] == [one["root"] for one in first["data"]]
            head = new["data"][0]["number"]
            gone = httpx.get(f"{url}/v1/changes?since={head}&epoch={epoch}")
            assert gone.status_code == 410 and gone.json()["resume_after"] == head
            # Whoever keeps a copy begins anew by itself, and ends equal.
            program("sync", url, "--into", into)
            program("sync", url, "--into", into, "--verify")
            assert msgspec.json.decode((tmp_path / "copy" / "state.json").read_bytes())["epoch"] == new["meta"]["epoch"]


def test_operator_who_goes_back_in_time_begins_another_epoch(dsn: str) -> None:
    program("migrate", "--database-url", dsn)
    epoch = ask(dsn, "SELECT epoch FROM dataset")
    program("migrate", "--database-url", dsn)
    assert ask(dsn, "SELECT epoch FROM dataset") == epoch
    assert "afresh" in program("migrate", "--new-epoch", "--database-url", dsn).stdout
    assert ask(dsn, "SELECT epoch FROM dataset") != epoch


async def written_by_an_older_program(store: Store) -> None:
    """Take the last field from every commitment, as if a program had written it whose struct had none."""
    async with store.writing() as connection:
        for noun, id, _, doc in await releases.live(connection):
            if noun == "commitments":
                old = msgspec.json.decode(doc)
                del old["source_url"]
                text = canonical(old)
                csv = to_csv.line(releases.decode(noun, doc)).rpartition(",")[0]
                await connection.execute(AN_OLDER_SHAPE, text.decode(), digest(text), csv, id)
        await releases.reshaped(connection, SHAPE - 1, 0)


async def test_newer_program_publishes_records_in_its_shape_and_leaves_old_releases_alone(store: Store) -> None:
    await imported(store, report())
    await written_by_an_older_program(store)
    before = await store.reading(history.digests, 1)
    assert await hand.reshape(store) == 2
    assert await hand.reshape(store) is None
    found, _, _ = await store.reading(history.changes, Since(since=1, until=2))
    assert [(one.noun, one.version, one.change_kind, one.changed_fields) for one in found] == [
        ("commitments", 2, "schema", ["source_url"])
    ]
    assert await store.reading(history.digests, 1) == before
    assert await store.reading(checks.faults) == []
    for row in await store.reading(listings.page, Listing(noun="commitments", release=2), ("doc", "csv")):
        assert row.csv == to_csv.line(releases.decode("commitments", row.doc))


async def test_table_of_an_old_release_has_all_columns(store: Store, dsn: str) -> None:
    await imported(store, report())
    await written_by_an_older_program(store)
    with running("--database-url", dsn) as (_, url):
        assert httpx.get(f"{url}/v1/releases").json()["data"][0]["cause"] in ("schema", "daily")
        for release in (1, 2):
            header, line = httpx.get(f"{url}/v1/commitments.csv?as_of={release}").text.splitlines()
            record = httpx.get(f"{url}/v1/commitments.ndjson?as_of={release}").content
            assert header == to_csv.header("commitments")
            assert line == to_csv.line(msgspec.json.decode(record, type=NOUNS["commitments"]))


async def test_older_program_does_not_write_over_a_newer_one(store: Store, dsn: str) -> None:
    await executed(dsn, f"UPDATE dataset SET shape = {SHAPE + 1}")
    with pytest.raises(NewerProgram, match="newer program"):
        await imported(store, report())
