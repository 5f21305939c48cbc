"""What docs/syncing.md tells strangers to run: the commands that prove a copy, and the program in Python."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def commands(repository: Path) -> list[str]:
    """The indented blocks of the part that says how."""
    for tool in ("bash", "curl", "jq", "sort", "sha256sum"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    text = (repository / "docs" / "syncing.md").read_text().split("## Proving it equal")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    assert len(blocks) == 3 and all(ADDRESS in block or "plans.ndjson" in block for block in blocks)
    return blocks


def said(command: str, url: str, number: int, directory: Path) -> str:
    """What a command prints, on a publisher and a release of ours."""
    text = re.sub(r"/releases/1\b", f"/releases/{number}", command.replace(ADDRESS, url))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, cwd=directory, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


@pytest.mark.parametrize("newest", [False, True])
def test_commands_of_the_manual_give_the_digests_of_a_release(
    commands: list[str], served: str, tmp_path: Path, newest: bool
) -> None:
    number = httpx.get(f"{served}/v1").json()["data"]["release"] if newest else 1
    release = httpx.get(f"{served}/v1/releases/{number}").json()["data"]
    of_lines, of_copy, root = commands
    assert said(of_lines, served, number, tmp_path) == release["digests"]["plans"]
    tmp_path.joinpath("plans.ndjson").write_bytes(httpx.get(f"{served}/v1/plans.ndjson?as_of={number}").content)
    assert said(of_copy, served, number, tmp_path) == release["digests"]["plans"]
    assert said(root, served, number, tmp_path) == release["root"]


def test_test_vectors_of_the_manual_are_what_sha256sum_makes(repository: Path) -> None:
    text = (repository / "docs" / "syncing.md").read_text()
    line = "nz-psc\t" + "0" * 64 + "\n"
    for told in ("", line):
        done = subprocess.run(["sha256sum"], input=told, capture_output=True, text=True)
        assert f"`{done.stdout.split()[0]}`" in text


def test_python_of_the_manual_runs(repository: Path, served: str) -> None:
    text = (repository / "docs" / "syncing.md").read_text().split("## In Python")[1].split("\nRecords are")[0]
    program = "import asyncio\n\nasync def main():\n" + text + "\nasyncio.run(main())\n"
    program = (
        program.replace("https://data.publisher.example", served)
        .replace("as_of=12", "as_of=1")
        .replace("since=12", "since=1")
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "publish nz-nap2-c5" in done.stdout
