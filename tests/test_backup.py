"""A backup is taken while the program runs, everything is lost, and the backup brings it back: the drill."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest

from database import executed, named
from ogp_open_data.store import backup
from serving import DOCUMENTS, program, running


@pytest.fixture
def empty(server: str) -> str:
    """The address of a database without any table."""
    name = f"ogp_empty_{os.getpid()}"
    asyncio.run(executed(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    asyncio.run(executed(server, f'CREATE DATABASE "{name}"'))
    return named(server, name)


def test_backup_brings_back_every_byte_and_says_that_the_history_begins_anew(
    dsn: str, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "ogp.backup"
    with running("--sample", "--database-url", dsn) as (_, url):
        before = httpx.get(f"{url}/v1/releases").json()
        said = program("backup", str(file), "--database-url", dsn).stdout
        assert f"up to release {before['meta']['release']}, made " in said
        # What comes after the backup is what is lost.
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    assert "The store is sound, at release" in program("recover", str(file), "--database-url", empty).stdout
    with running("--database-url", empty) as (_, url):
        after = httpx.get(f"{url}/v1/releases").json()
        assert [one["root"] for one in after["data"]] == [one["root"] for one in before["data"]]
        assert after["meta"]["epoch"] != before["meta"]["epoch"]
        old = httpx.get(f"{url}/v1/changes", params={"since": 1, "epoch": before["meta"]["epoch"]})
        assert old.status_code == 410
    assert [path.name for path in tmp_path.iterdir()] == ["ogp.backup"]


def test_nothing_is_overwritten_by_a_recovery(dsn: str, empty: str, tmp_path: Path) -> None:
    file = tmp_path / "ogp.backup"
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    program("backup", str(file), "--database-url", dsn)
    assert "into an empty one" in program("recover", str(file), "--database-url", dsn, expect=1).stderr
    (tmp_path / "other").write_text("not a dump")
    assert "is no backup" in program("recover", str(tmp_path / "other"), "--database-url", empty, expect=1).stderr
    nowhere = str(tmp_path / "none" / "ogp.backup")
    assert "cannot be written" in program("backup", nowhere, "--database-url", dsn, expect=1).stderr


def test_password_is_taken_out_of_what_a_list_of_processes_shows() -> None:
    assert backup._apart("postgresql://ogp:s%40fe@db:5433/ogp?sslmode=require") == (
        "postgresql://ogp@db:5433/ogp?sslmode=require",
        "s@fe",
    )
    assert backup._apart("postgresql://ogp@/postgres?host=/run/x") == ("postgresql://ogp@/postgres?host=/run/x", None)
