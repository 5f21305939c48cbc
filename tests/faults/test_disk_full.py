"""No room on a disk: of the database, of its log of changes, of finished files, of a backup, of a copy. What was there stays."""

import asyncio
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from copied import held
from database import executed
from embedded_tools import answers, ask
from faults.cluster import Cluster
from faults.stage import PROBLEM, Program, asking, lasting, mixed, serving, unforeseen, writing_as
from publishing import faults, planned
from serving import program as command
from test_importer import report

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
Figures = Callable[[str], None]
RECOVERY = 5.0


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[None]:
    """A file system of so many bytes (`1m`) at a directory. Needs root, as mount does."""
    if os.geteuid() != 0:
        pytest.skip("mount needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def resized(path: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", path], check=True)


def filled(path: Path) -> Path:
    """A file that takes all the room that a file system has."""
    file = path / "ballast"
    for part in (1 << 16, 1):
        with open(file, "ab", buffering=0) as out, suppress(OSError):
            while out.write(b"\0" * part) == part:
                pass
    return file


def large_report(number: int) -> str:
    """A report that fits into no gap that a table has."""
    rng = random.Random(number)
    texts = [" ".join("".join(rng.choices("aeioukmnprt", k=9)) for _ in range(150)) for _ in range(40)]
    milestones = [(str(n), text, "June 2018", "Underway") for n, text in enumerate(texts, 1)]
    return report(milestones, number=str(number))


@contextmanager
def tables_on(cluster: Cluster, dsn: str, disk: Path) -> Iterator[None]:
    """The table that holds the records stands on a disk of its own."""
    cluster.own(disk)
    asyncio.run(executed(dsn, f"CREATE TABLESPACE small LOCATION '{disk}'"))
    asyncio.run(executed(dsn, "ALTER TABLE record SET TABLESPACE small"))
    try:
        yield
    finally:
        asyncio.run(executed(dsn, "ALTER TABLE record SET TABLESPACE pg_default"))
        asyncio.run(executed(dsn, "DROP TABLESPACE small"))


@pytest.mark.usefixtures("well")
def test_full_disk_of_the_database_refuses_imports_and_reads_go_on(
    cluster: Cluster, dsn: str, program: Program, key: str, figures: Figures
) -> None:
    disk = cluster.home / "small"
    disk.mkdir()
    with small_disk(disk, "16m"), tables_on(cluster, dsn, disk), writing_as(program.url, key) as client:
        filled(disk)
        with asking(program.url, mixed, clients=8) as load:
            refused = [planned(client, large_report(number).encode()) for number in (101, 102)]
            told = refused[0].json()
            assert [(one.status_code, one.headers["content-type"]) for one in refused] == [(503, PROBLEM)] * 2
            assert "No space left on device" in told["detail"] and refused[0].headers["retry-after"] == "5"
        assert {one.status for one in load.got} == {200}
        resized(disk, "64m")
        number = published(client, large_report(101))
        assert client.get("/v1/commitments/nz-nap2-c101").status_code == 200
    assert asyncio.run(faults(dsn)) == []
    figures(f"imports 503 with the reason (53100), {len(load.got)} reads 200; with more room release {number} was made")


@pytest.mark.usefixtures("well")
def test_full_disk_of_the_write_ahead_log_loses_no_release(
    cluster: Cluster, dsn: str, program: Program, key: str, figures: Figures
) -> None:
    disk = cluster.home / "wal"
    disk.mkdir()
    with small_disk(disk, "200m"), writing_as(program.url, key) as client, moved(cluster, disk):
        program.ready_within(10)
        filled(disk)
        with asking(program.url, mixed, clients=8) as load:
            acknowledged = until_refused(client, dsn)
            time.sleep(lasting(1, 10))
            resized(disk, "400m")
            if not cluster.runs:
                cluster.start()
            took = program.ready_within(RECOVERY + 5)
        assert unforeseen(load.got) == []
        made = published(client, report(number="110", done=f"It met at {time.time_ns()}."))
        assert acknowledged == list(range(acknowledged[0], acknowledged[0] + len(acknowledged)))
        assert ask(dsn, "SELECT max(number) FROM release") == made == ask(dsn, "SELECT count(*) FROM release")
    assert asyncio.run(faults(dsn)) == []
    figures(
        f"{len(acknowledged)} releases before it was full, all there after it; "
        f"{sum(one.status == 503 for one in load.got)} of {len(load.got)} reads 503, none else; ready {took:.1f} s after"
    )


def until_refused(client: httpx.Client, dsn: str) -> list[int]:
    """Publish, and let the log of changes grow, until that fails; the releases that were acknowledged."""
    made = []
    while True:
        try:
            made.append(published(client, report(number="110", done=f"It met at {time.time_ns()}.")))
            ask(dsn, "SELECT pg_switch_wal()")
        except (Refusal, asyncpg.PostgresError, OSError):
            assert made
            return made


def back(cluster: Cluster, dsn: str) -> bool:
    """Whether the server answers; one that ended is started, as whatever watches it would."""
    if not cluster.runs:
        cluster.start()
    return answers(dsn)


@contextmanager
def moved(cluster: Cluster, disk: Path) -> Iterator[None]:
    """The write-ahead log stands on a disk of its own."""
    there, here = cluster.disk / "pg" / "pg_wal", disk / "pg_wal"
    cluster.stop()
    shutil.move(there, here)
    there.symlink_to(here)
    cluster.own(disk)
    cluster.start()
    try:
        yield
    finally:
        if cluster.runs:
            cluster.stop()
        there.unlink()
        shutil.move(here, there)
        cluster.own(there)
        cluster.start()


class Refusal(Exception):
    """A release was not made."""


def published(client: httpx.Client, text: str) -> int:
    """Hand a report in and apply it; the number of its release. Raises Refusal for 503; anything else fails."""
    plan = planned(client, text.encode())
    answers = [plan] if plan.status_code == 503 else [plan, client.post(urlsplit(plan.json()["links"]["apply"]).path)]
    if answers[-1].status_code == 503:
        assert answers[-1].headers["content-type"] == PROBLEM
        raise Refusal(answers[-1].json()["detail"])
    assert [one.status_code for one in answers] == [201, 200], answers[-1].text
    return int(answers[-1].json()["data"]["number"])


def test_full_disk_of_files_leaves_old_ones_and_every_row(dsn: str, tmp_path: Path, figures: Figures) -> None:
    """Finished files, figures and all else that is temporary stand on it."""
    disk = tmp_path / "small"
    disk.mkdir()
    with (
        small_disk(disk, "8m"),
        serving(dsn, tmp_path / "log", TMPDIR=str(disk), OGP_FILES_DIR=str(disk / "files"), OGP_CACHE_BYTES="0") as one,
    ):
        workers = one.workers()
        before = one.get("/v1/milestones.csv")
        ballast = filled(disk)
        old, new = one.get("/v1/milestones.csv"), one.get("/v1/progress.csv")
        assert (old.content, old.headers["repr-digest"]) == (before.content, before.headers["repr-digest"])
        assert new.status_code == 200 and new.content.count(b"\r\n") == int(new.headers["ogp-row-count"]) + 1
        no_room = [one.get(path) for path in ("/v1/progress.xlsx", "/dataset.zip")]
        assert [(answer.status_code, answer.headers["content-type"]) for answer in no_room] == [(503, PROBLEM)] * 2
        # Each address counts under a name of its own, and the counters stand in files there.
        statuses = {one.status(path) for path in PAGES for _ in range(4)}
        ballast.unlink()
        assert [one.status(path) for path in ("/v1/progress.xlsx", "/dataset.zip", "/metrics")] == [200] * 3
        assert one.workers() == workers, "no worker died of it"
        one.sound()
    # A page that tells of files, or a table of them, has none to tell of.
    assert statuses <= {200, 404, 503}
    figures("old files as they were, rows streamed without one, workbook and archive 503 until there was room")


PAGES = (
    *("/", "/search", "/commitments", "/releases", "/releases/1", "/use", "/docs", "/docs/errors", "/static/nothing"),
    *("/v1", "/v1/plans", "/v1/plans/nz-nap2", "/v1/plans/nz-nap2/versions", "/v1/releases", "/v1/changes?since=0"),
    *(
        "/feed.atom",
        "/feed.json",
        "/v1/changes.atom",
        "/schemas/v1/plans.json",
        "/openapi.json",
        "/data.json",
        "/nothing",
    ),
    *("/v1/plans.csv", "/v1/plans.ndjson", "/v1/plans.atom", "/robots.txt", "/.well-known/api-catalog", "/livez"),
)


def test_full_disk_keeps_the_old_export(dsn: str, program: Program, key: str, tmp_path: Path, figures: Figures) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    with small_disk(disk, "64m"), writing_as(program.url, key) as client:
        site = disk / "site"
        command("export", str(site), "--database-url", dsn)
        before = contents(site)
        published(client, large_report(130))
        ballast = filled(disk)
        # Room to begin with, so that it ends in the middle.
        os.truncate(ballast, ballast.stat().st_size - 2_000_000)
        told = command("export", str(site), "--database-url", dsn, expect=1).stderr
        assert "No space left on device; the export before, if there is one, stands" in told and "Traceback" not in told
        assert contents(site) == before and [one.name for one in disk.glob(".site-*")] == [os.readlink(site)]
    figures(f"it ends in words; {len(before)} files stand as they were, nothing is left of the new ones")


def contents(directory: Path) -> dict[Path, bytes]:
    """Every file, and what is in it."""
    return {one.relative_to(directory): one.read_bytes() for one in directory.rglob("*") if one.is_file()}


def test_full_disk_keeps_the_old_backup_and_the_old_copy(
    dsn: str, program: Program, key: str, tmp_path: Path, figures: Figures
) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    with small_disk(disk, "16m"), writing_as(program.url, key) as client:
        file, copy = disk / "ogp.backup", disk / "copy"
        command("backup", str(file), "--database-url", dsn)
        command("sync", program.url, "--into", str(copy))
        before = (file.read_bytes(), held(str(copy)))
        published(client, large_report(120))
        filled(disk)
        told = command("backup", str(file), "--database-url", dsn, expect=3).stderr
        assert "No space left on device" in told and "Traceback" not in told
        told = command("sync", program.url, "--into", str(copy), expect=1).stderr
        assert "No space left on device" in told and "Traceback" not in told
        assert (file.read_bytes(), held(str(copy))) == before
        (disk / "ballast").unlink()
        command("backup", str(file), "--database-url", dsn)
        command("sync", program.url, "--into", str(copy))
        command("sync", program.url, "--into", str(copy), "--verify")
        assert not [one.name for one in disk.iterdir() if one.name.startswith(".")]
    figures("backup and copy end in words; the old ones are as they were, and the next try works")
