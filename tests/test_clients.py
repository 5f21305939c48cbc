"""What others make of the contract: two linters find nothing, and clients that are generated from it work."""

import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ogp_open_data.records import NOUNS

TOOLS = Path(__file__).parent / "tools"
# The contract does not depend on which PostgreSQL is behind it, so one run of the two is enough.
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]


def ran(tool: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool that `make tools` installs; skips where it is missing."""
    command = TOOLS / "node_modules" / ".bin" / tool
    if not command.exists():
        pytest.skip(f"{tool} is missing; run: make tools")
    return subprocess.run([str(command), *arguments], capture_output=True, text=True, timeout=280, cwd=cwd)


@pytest.fixture(scope="module")
def contract_file(served: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract as it is served."""
    file = tmp_path_factory.mktemp("contract") / "openapi.json"
    file.write_bytes(httpx.get(f"{served}/openapi.json", timeout=20).content)
    return file


LATER = json.dumps(
    {
        "type": "https://data.example.org/docs/errors/quota-exceeded",
        "title": "Quota exceeded",
        "status": 429,
        "detail": "too many reads came from there",
        "instance": "urn:uuid:00000000-0000-0000-0000-000000000000",
    }
).encode()


@pytest.fixture(scope="module")
def crowded(served: str) -> Iterator[str]:
    """Address of a proxy before the program that answers every third request with 429."""
    asked = 0

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal asked
            asked += 1
            if asked % 3 == 0:
                self.answer(429, {"retry-after": "0", "content-type": "application/problem+json"}, LATER)
            else:
                answer = httpx.get(served + self.path, timeout=20)
                self.answer(answer.status_code, {"content-type": answer.headers["content-type"]}, answer.content)

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, text in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def everything(served: str) -> dict[str, list[str]]:
    """The ids of every record, read without a page."""
    found = {noun: httpx.get(f"{served}/v1/{noun}.ndjson", timeout=20).text.splitlines() for noun in NOUNS}
    return {noun: [json.loads(line)["id"] for line in lines] for noun, lines in found.items()}


def test_spectral_finds_nothing(contract_file: Path) -> None:
    done = ran("spectral", "lint", str(contract_file), "--ruleset=.spectral.yaml", "--fail-severity=hint", cwd=TOOLS)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_spectral_sees_what_is_wrong(tmp_path: Path) -> None:
    document = {"openapi": "3.1.0", "info": {}, "paths": {"/v1/x/": {"get": {"parameters": [{"name": "a"}]}}}}
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    done = ran("spectral", "lint", str(tmp_path / "openapi.json"), "--ruleset=.spectral.yaml", cwd=TOOLS)
    assert done.returncode == 1 and "operation-operationId" in done.stdout


def test_redocly_finds_nothing(contract_file: Path) -> None:
    done = ran("redocly", "lint", str(contract_file), "--config=redocly.yaml", cwd=TOOLS)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_client_of_openapi_typescript_walks_through_everything(
    served: str, crowded: str, contract_file: Path, tmp_path: Path
) -> None:
    made = ran("openapi-typescript", str(contract_file), "--output", str(tmp_path / "contract.d.ts"), cwd=TOOLS)
    assert made.returncode == 0, made.stderr
    (tmp_path / "walk.ts").write_bytes((TOOLS / "walk.ts").read_bytes())
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable"]
    compiled = ran("tsc", *options, "walk.ts", cwd=tmp_path)
    assert compiled.returncode == 0, compiled.stdout[-3000:]
    walked = subprocess.run(["node", "walk.js", crowded], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert walked.returncode == 0, walked.stderr[-3000:]
    told = json.loads(walked.stdout)
    assert told["found"] == everything(served)
    assert told["waited"] > 3 and told["missing"] == 404 and told["type"].endswith("/docs/errors/not-found")


def test_client_of_openapi_python_client_walks_through_everything(
    served: str, crowded: str, contract_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        str(Path(sys.executable).with_name("openapi-python-client")),
        "generate",
        "--meta=none",
    ]
    options = [
        f"--path={contract_file}",
        f"--output-path={tmp_path / 'made'}",
        f"--config={TOOLS / 'python_client.yml'}",
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    # It knows no body of a write but JSON and forms; whatever can be read it must know.
    assert "parsing GET" not in done.stdout + done.stderr, done.stdout[-3000:]
    monkeypatch.syspath_prepend(tmp_path)
    with importlib.import_module("made").Client(base_url=crowded) as client:
        assert {noun: walked(client, noun) for noun in NOUNS} == everything(served)
        missing = patient(client, "plans.get_plans_json", "nz-nap99")
    assert missing.status_code == 404 and missing.parsed.type_.endswith("/docs/errors/not-found")


def walked(client: Any, noun: str) -> list[str]:
    """The ids of a list, read page by page through its own function."""
    ids: list[str] = []
    place: dict[str, Any] | None = {}
    while place is not None:
        page = patient(client, f"{noun}.list_{noun}_json", limit=7, **place).parsed
        ids += [record.id for record in page.data]
        after = page.links.additional_properties.get("next")
        place = (
            {name: text for name, (text,) in parse_qs(urlsplit(after).query).items() if name != "limit"}
            if after
            else None
        )
    return ids


def patient(client: Any, operation: str, *path: str, **query: Any) -> Any:
    """Call an operation, again as long as it is told to wait."""
    for _ in range(5):
        answer = importlib.import_module(f"made.api.{operation}").sync_detailed(*path, client=client, **query)
        if answer.status_code != 429:
            return answer
        assert answer.headers["retry-after"] == "0" and answer.parsed.status == 429
    raise AssertionError("still 429")
