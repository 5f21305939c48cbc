"""A dump, by pg_dump and psql, into a new cluster: old cursors are gone, and copies are taken afresh by themselves."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from copied import held
from ogp_open_data.records import NOUNS
from ogp_open_data.store import backup
from ogp_open_data.store.embedded import Embedded
from serving import DOCUMENTS, program, running


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of an empty database in a cluster of its own."""
    directory = Path(tempfile.mkdtemp(prefix="ogp-else-"))
    directory.chmod(0o755)
    try:
        with Embedded(directory / "data") as other:
            yield other.dsn
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def dumped(dsn: str, elsewhere: str) -> None:
    """pg_dump | psql, with the tools of one PostgreSQL that is at least as new as both servers."""
    place = backup._place("pg_dump", 18).parent
    dump = subprocess.Popen([place / "pg_dump", "--no-owner", f"--dbname={dsn}"], stdout=subprocess.PIPE)
    command = [place / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--dbname={elsewhere}"]
    done = subprocess.run(command, stdin=dump.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert dump.stdout is not None
    dump.stdout.close()
    assert (dump.wait(), done.returncode) == (0, 0), done.stderr


def test_after_dump_and_restore_old_cursors_are_gone_and_copies_are_taken_afresh(
    dsn: str, elsewhere: str, tmp_path: Path
) -> None:
    copies = [str(tmp_path / "copy"), f"sqlite:///{tmp_path}/copy.db"]
    with running("--sample", "--database-url", dsn) as (_, url), asking(url) as client:
        dumped(dsn, elsewhere)
        told = client.get("/v1/releases").json()
        page = client.get("/v1/commitments?limit=2").json()["links"]["next"].removeprefix(url)
        # What only the lost cluster had: the copies have it too.
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
        for into in copies:
            program("sync", url, "--into", into)
    with running("--database-url", elsewhere) as (_, url), asking(url) as client:
        after = client.get("/v1/releases").json()
        assert [one["root"] for one in after["data"]] == [one["root"] for one in told["data"]]
        epoch = after["meta"]["epoch"]
        assert epoch != told["meta"]["epoch"]
        for since in (0, 1, told["meta"]["release"]):
            gone = client.get(f"/v1/changes?since={since}&epoch={told['meta']['epoch']}")
            assert gone.status_code == 410 and gone.json()["type"].endswith("/cursor-gone")
            assert client.get(f"/v1/changes?since={since}&epoch={epoch}").status_code == 200
        assert client.get(page).status_code == 410
        now = {noun: sorted(client.get(f"/v1/{noun}.ndjson").content.splitlines()) for noun in NOUNS}
        for into in copies:
            assert "; whole copy, " in program("sync", url, "--into", into).stdout
            assert {noun: sorted(rows.values()) for noun, rows in held(into).items()} == now
            assert "; 1 request, " in program("sync", url, "--into", into).stdout
            program("sync", url, "--into", into, "--verify")


def asking(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=60)
