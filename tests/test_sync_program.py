"""The nightly copy against the real program: first copy, a quiet night, changes, damage, and what the readers' client sees."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import msgspec

from ogp_open_data import Client
from ogp_open_data.records import NOUNS
from serving import DOCUMENTS, program, running


def test_copy_is_equal_stays_equal_and_is_repaired(dsn: str, tmp_path: Path) -> None:
    into = str(tmp_path / "copy")
    with running("--sample", "--database-url", dsn) as (_, url):
        program("sync", url, "--into", into)
        for noun in NOUNS:
            assert (tmp_path / "copy" / f"{noun}.ndjson").read_bytes().splitlines() == sorted(
                httpx.get(f"{url}/v1/{noun}.ndjson").content.splitlines(),
                key=lambda line: line.split(b'"id":"')[1].split(b'"')[0],
            )
        program("sync", url, "--into", into, "--verify")
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
        program("withdraw", "nz-nap2-c5-r2017-12-2018-02", "--reason", "test", "--database-url", dsn)
        program("sync", url, "--into", into)
        program("sync", url, "--into", into, "--verify")
        state = msgspec.json.decode((tmp_path / "copy" / "state.json").read_bytes())
        assert state["release"] == httpx.get(f"{url}/v1").json()["data"]["release"]
        damaged = tmp_path / "copy" / "plans.ndjson"
        damaged.write_bytes(damaged.read_bytes().replace(b"Pacific/Auckland", b"Pacific/Pitcairn"))
        assert "nz-nap2" in program("sync", url, "--into", into, "--verify", expect=1).stdout
        program("sync", url, "--into", into)
        program("sync", url, "--into", into, "--verify")
        reports = (tmp_path / "copy" / "reports.ndjson").read_text()
        assert "nz-nap2-c5-r2017-12-2018-02" not in reports.replace('"latest_report":"nz-nap2-c5-r2017-12-2018-02"', "")


def test_client_reads_lists_changes_and_the_past(served: str, repository: Path) -> None:
    async def read() -> tuple[list[str], list[str], int]:
        async with Client(served) as client:
            now = [one.id async for one in client.milestones(commitment="nz-nap2-c5")]
            then = [one.id async for one in client.reports(as_of=1)]
            return now, then, sum([1 async for _ in client.changes(since=0)])

    now, then, changes = asyncio.run(read())
    assert (now, then) == (["nz-nap2-c5-m1", "nz-nap2-c5-m2", "nz-nap2-c5-m3"], []) and changes > 100
    example = [sys.executable, str(repository / "examples" / "overdue.py"), served, "nz-nap2", "1"]
    done = subprocess.run(example, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "nz-nap2-c5-m1" in done.stdout, done.stderr
