"""The contract is true: validators accept it, and schemathesis finds no answer that it does not describe."""

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
    assert page.count("<form") >= len(NOUNS) * (len(FORMATS) + 1)
    assert "default-src 'none'" in client.get("/docs").headers["content-security-policy"]


# Four minutes; the answers do not depend on which PostgreSQL is behind them, so one run of the two is enough.
@pytest.mark.embedded
@pytest.mark.timeout(900)
def test_schemathesis_finds_nothing(served: str, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
        "run",
        f"{served}/openapi.json",
        f"--url={served}",
        "--checks=all",
        "--max-examples=8",
        "--seed=1",
        "--workers=2",
        "--no-color",
        "--generation-database=none",
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=840,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
