"""The program as its users run it: commands, exit codes, and two of them on one data directory."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from serving import DOCUMENTS, program, running

TWIN = str(DOCUMENTS / "twin.txt")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A data directory that any account can reach."""
    parent = Path(tempfile.mkdtemp(prefix="ogp-program-"))
    parent.chmod(0o755)
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


def refused(*arguments: str, code: int = 1) -> str:
    """What a command says on standard error when it ends with that code; never a traceback."""
    said = program(*arguments, expect=code).stderr
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("module", "left"),
    [
        ("cli.serving", {"asyncio", "asyncpg", "litestar", "ogp_open_data.intake", "rich", "uvicorn"}),
        ("web.app", {"docx", "feedgen", "httpx", "jinja2", "lxml", "openpyxl", "pydantic", "rich", "websockets"}),
    ],
)
def test_start_does_not_load_what_it_does_not_need(module: str, left: set[str]) -> None:
    """Before PostgreSQL is begun, and before the program answers: a start is what is loaded."""
    text = f"import sys, ogp_open_data.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True).stdout
    assert module in loaded and left.isdisjoint(loaded.split())


@pytest.mark.embedded
def test_import_while_serving_is_there_as_json_csv_and_atom(directory: Path) -> None:
    with running("--sample", "--data-dir", str(directory)) as (process, url):
        before = httpx.get(f"{url}/v1").json()["data"]["release"]
        said = program("import", TWIN, "--data-dir", str(directory)).stdout
        assert f"release {before + 1}" in said
        report = httpx.get(f"{url}/v1/reports/nz-nap2-c5-r2017-09-2017-11.json").json()["data"]
        assert report["release"] == before + 1 and report["sections"]
        for path in ["commitments/nz-nap2-c5", "milestones/nz-nap2-c5-m1", "organisations/nz-psc"]:
            for suffix in ("json", "csv", "atom"):
                answer = httpx.get(f"{url}/v1/{path}.{suffix}")
                assert answer.status_code == 200 and path.rpartition("/")[2] in answer.text
        assert "nothing changes" in program("import", TWIN, "--data-dir", str(directory)).stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert program("check", "--data-dir", str(directory)).stdout == "The store is sound.\n"


@pytest.mark.embedded
def test_serve_takes_over_from_a_serve_that_was_killed_while_reads_wait(directory: Path) -> None:
    with (
        running("--sample", "--data-dir", str(directory)) as (owner, _),
        running("--data-dir", str(directory)) as (_, url),
    ):
        assert httpx.get(f"{url}/v1/plans").status_code == 200
        owner.kill()
        owner.wait(5)
        began = time.monotonic()
        assert httpx.get(f"{url}/v1/plans?limit=7", timeout=10).status_code == 200
        assert time.monotonic() - began < 5


@pytest.mark.embedded
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_several_workers_answer_and_end_with_0(directory: Path, end: signal.Signals) -> None:
    with running("--workers", "2", "--data-dir", str(directory)) as (process, url):
        for _ in range(100):
            try:
                assert httpx.get(f"{url}/readyz", timeout=10).status_code == 200
                break
            except httpx.TransportError:
                time.sleep(0.1)
        process.send_signal(end)
        assert process.wait(20) == 0


def test_workers_end_when_their_parent_is_killed_and_leave_the_address_free(dsn: str) -> None:
    with running("--workers", "2", "--database-url", dsn) as (process, url):
        assert httpx.get(f"{url}/livez", timeout=20).status_code == 200
        process.kill()
        process.wait(5)
        address = httpx.URL(url)
        assert address.port is not None
        for _ in range(100):
            try:
                socket.create_server((address.host, address.port)).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError("the address is still taken")


def test_one_worker_ends_with_0_on_sigint(dsn: str) -> None:
    with running("--database-url", dsn) as (process, url):
        assert httpx.get(f"{url}/livez").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_address_that_is_taken_is_refused_in_words(dsn: str) -> None:
    with running("--database-url", dsn) as (_, url):
        port = url.rpartition(":")[2]
        assert "--port" in refused("serve", "--port", port, "--database-url", dsn)


def test_parse_prints_the_shape_of_the_contract_and_touches_no_store() -> None:
    found = msgspec.json.decode(
        program("parse", TWIN, "--json", OGP_DATABASE_URL="postgresql://nowhere.invalid/x").stdout
    )
    assert (found["kind"], found["commitment_number"], found["period_start"]) == ("report", "5", "2017-09-01")
    fields = ["number", "text", "start_raw", "start", "end_raw", "end", "ongoing", "status_raw", "status"]
    assert list(found["milestones"][0]) == fields
    assert {"code", "field", "raw", "line", "message"} == set(found["findings"][0])
    several = msgspec.json.decode(program("parse", TWIN, TWIN, "--json").stdout)
    assert [one["kind"] for one in several] == ["report", "report"]


def test_parse_of_what_is_no_report_is_unrecognised_and_exits_0(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam")
    found = msgspec.json.decode(program("parse", str(letter), "--json").stdout)
    assert found["kind"] == "unrecognised" and found["reason"]


def test_dry_run_as_json_tells_what_would_change(dsn: str) -> None:
    done = program("import", TWIN, "--dry-run", "--json", "--database-url", dsn)
    told = msgspec.json.decode(done.stdout)
    assert (told["release"], told["dry_run"]) == (1, True)
    assert {change["noun"] for change in told["changes"]} >= {
        "plans",
        "commitments",
        "milestones",
        "reports",
        "progress",
    }
    assert told["changes"][0]["before"] is None and told["changes"][0]["after"]["id"] == "nz-nap2"
    assert msgspec.json.decode(program("import", TWIN, "--json", "--database-url", dsn).stdout)["release"] == 1


def test_what_cannot_be_imported_is_refused_and_the_rest_imported(dsn: str, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam")
    said = refused("import", str(letter), TWIN, str(tmp_path / "missing.txt"), "--database-url", dsn)
    assert "missing.txt" in said
    said = refused("import", str(letter), TWIN, "--database-url", dsn)
    assert "letter.txt: " in said and "1 of 2" in said
    assert "nothing changes" in program("import", TWIN, "--database-url", dsn).stdout
    assert "is no file" in refused("import", str(tmp_path), "/dev/zero", "--database-url", dsn)
    assert "would be refused" in refused("import", str(letter), TWIN, "--dry-run", "--database-url", dsn)


def test_parse_tells_what_it_could_read_beside_what_it_could_not(tmp_path: Path) -> None:
    broken = tmp_path / "broken.docx"
    broken.write_bytes(b"PK")
    done = program("parse", TWIN, str(broken), "--json", expect=1)
    assert [one["kind"] for one in msgspec.json.decode(done.stdout)] == ["report", "unreadable"]


def test_answer_that_names_nothing_is_refused_in_words(dsn: str) -> None:
    program("import", TWIN, "--database-url", dsn)
    for answer in ("2=m99", "2=nz-psc", "77=m1"):
        assert f"--map {answer}" in refused("import", TWIN, "--map", answer, "--database-url", dsn)


def test_usage_is_2_and_a_store_out_of_reach_is_3() -> None:
    assert "--map" in refused("import", TWIN, "--map", "4", code=2)
    assert "2018-01-31" in refused("import", TWIN, "--published-on", "yesterday", code=2)
    refused("no-such-command", code=2)
    refused("import", code=2)
    said = refused("check", "--database-url", "postgresql://nobody@127.0.0.1:1/none", code=3)
    assert "cannot be reached" in said
    assert "postgresql://" in refused("check", "--database-url", "postgresql://x@localhost:notaport/x")


def test_module_and_help_work() -> None:
    assert "serve" in program("--help").stdout
    assert program("--version").stdout.strip().endswith("0.1.0")


def test_schemas_are_written_and_checked(tmp_path: Path) -> None:
    program("schemas", str(tmp_path))
    program("schemas", "--check", str(tmp_path))
    (tmp_path / "v1" / "plans.json").write_text("{}")
    assert "out of date for plans" in refused("schemas", "--check", str(tmp_path))


def test_secrets_of_the_address_are_not_told() -> None:
    said = refused("check", "--database-url", "postgresql://nobody:hunter2@127.0.0.1:1/none", code=3)
    assert "hunter2" not in said
