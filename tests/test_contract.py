"""The contract is true: validators accept it, and schemathesis finds no answer that it does not describe."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import openapi_spec_validator
import pytest

from ogp_open_data.formats import FORMATS
from ogp_open_data.records import NOUNS
from publishing import faults, office


def test_openapi_document_is_valid(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)


def test_every_operation_has_an_id_of_its_own(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    ids = [operation["operationId"] for item in paths.values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 2 * len(NOUNS) * 2 * (len(FORMATS) + 1)


def test_contract_names_the_version_that_answers_do(client: httpx.Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.json()["info"]["version"] == answer.headers["api-version"]


def test_docs_page_asks_no_other_host(client: httpx.Client) -> None:
    page = client.get("/docs").text
    loaded = re.findall(r'(?:src|<link rel="(?:stylesheet|icon)" href)="([^"]*)"', page)
    assert len(loaded) == 3 and all(address.startswith("/static/") for address in loaded)
    assert page.count('<form class="try"') >= len(NOUNS)
    assert all(f'formaction="/v1/{noun}.{suffix}"' in page for noun in NOUNS for suffix in FORMATS)
    assert "default-src 'none'" in client.get("/docs").headers["content-security-policy"]


# How many examples of every operation, which takes long; the suite asks a few of GET, and of two nouns, for those of the others
# are made by the same lines. HEAD is held against GET by the matrix.
EXAMPLES = os.environ.get("OGP_TEST_EXAMPLES")
FEW = [
    "--max-examples=5",
    "--exclude-method=HEAD",
    "--exclude-path-regex=^/v1/(plans|commitments|milestones|organisations|assess)",
]


# The answers do not depend on which PostgreSQL is behind them, so one run of the two is enough.
@pytest.mark.embedded
@pytest.mark.timeout(3600 if EXAMPLES else 900)
def test_schemathesis_finds_nothing(served: str, tmp_path: Path) -> None:
    many = [f"--max-examples={EXAMPLES}"] if EXAMPLES else FEW
    found = schemathesis(served, tmp_path, *many, "--workers=2", "--exclude-tag=publishing")
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]


# One of each kind of write: those of the other nouns are made by the same lines.
WRITES = (
    "(plan|apply|get)_import|make_release|(correct|withdraw|restore|merge|redact)_organisations|renumber_milestones"
)


@pytest.mark.embedded
@pytest.mark.timeout(600)
@pytest.mark.parametrize("key", [None, "office"])
def test_schemathesis_finds_nothing_in_writes(dsn: str, tmp_path: Path, key: str | None) -> None:
    with office(dsn) as one:
        sent = ["-H", f"Authorization: Bearer {one.keys[key]}"] if key else []
        # Two workers of it at once crash in CPython 3.11 on schemas of bodies.
        which = (f"--include-operation-id-regex=^({WRITES})$", "--max-examples=3", "--workers=1")
        found = schemathesis(one.url, tmp_path, *which, *sent)
        assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
        assert asyncio.run(faults(dsn)) == []


def schemathesis(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
        "run",
        f"{url}/openapi.json",
        f"--url={url}",
        "--checks=all",
        "--seed=1",
        "--no-color",
        "--generation-database=none",
        *arguments,
    ]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=3500 if EXAMPLES else 840, cwd=folder, env=environ
    )
