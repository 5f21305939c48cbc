"""Traces: spans of what happens, by the SDK's own exporters; nothing secret in them, and nothing loaded where they are off."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ogp_open_data import tracing
from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.publishing import outbox
from ogp_open_data.publishing.outbox import Office
from ogp_open_data.settings import Settings
from ogp_open_data.store import receivers
from ogp_open_data.store.doors import Store
from ogp_open_data.web.app import create
from ogp_open_data.web.frozen import alive
from test_assessments import KNOWN

pytestmark = pytest.mark.anyio
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    with tracing.kept(SimpleSpanProcessor(exporter)):
        yield exporter
    assert tracing.span("after") is tracing.OFF


def named(exporter: InMemorySpanExporter, name: str) -> list[Any]:
    return [one for one in exporter.get_finished_spans() if one.name == name]


async def test_request_and_its_queries_are_in_the_trace_of_the_caller_without_a_secret(
    dsn: str, spans: InMemorySpanExporter
) -> None:
    key = "ogp_aaaaaaaaaa_" + 43 * "s"
    app = create(Settings(database_url=dsn, public_url="http://data.example.org"))
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "authorization": f"Bearer {key}", "cookie": "a=hidden"}
    transport = httpx.ASGITransport(app)
    async with alive(app), httpx.AsyncClient(transport=transport, base_url="http://data.example.org") as client:
        read = await client.get("/v1/plans?q=quiet", headers=headers)
        wrong = await client.post("/v1/imports", headers=headers, content=b"secret body")
    assert (read.status_code, wrong.status_code) == (200, 401)
    first, second = named(spans, "request")
    assert f"{first.context.trace_id:032x}" == TRACE and f"{first.parent.span_id:016x}" == CALLER
    assert first.attributes["status"] == "200" and first.attributes["request_id"] == read.headers["request-id"]
    assert (second.attributes["method"], second.attributes["status"]) == ("POST", "401")
    inside = [one for one in named(spans, "query") if one.parent and one.parent.span_id == first.context.span_id]
    assert "first_page" in {one.attributes["name"] for one in inside}
    whole = "".join(one.to_json() for one in spans.get_finished_spans())
    assert not any(hidden in whole for hidden in (key[15:], "hidden", "quiet", "secret body", "postgresql://"))


async def test_import_release_and_webhook_are_spans(store: Store, spans: InMemorySpanExporter) -> None:
    async with store.writing() as connection:
        await receivers.add(connection, "http://127.0.0.1:9/hook?token=hidden", "whsec_aGlkZGVu")
    await import_document(store, next(iter(sample())), KNOWN)
    (taken,), (made,) = named(spans, "import"), named(spans, "release")
    assert made.parent.span_id == taken.context.span_id
    assert made.attributes["number"] == 1 and made.attributes["records"] > 0
    async with outbox.caller() as client:
        await outbox.emptied(store, Office("http://data.example.org", [], frozenset({"127.0.0.1:9"})), client)
    (sent,) = named(spans, "webhook")
    assert sent.attributes == {"release": 1} and "hidden" not in sent.to_json()


def test_collector_is_told_over_http() -> None:
    got: list[tuple[str, str]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, self.headers["content-type"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with tracing.told(f"http://127.0.0.1:{server.server_port}/"), tracing.span("release", number=1):
            pass
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
    assert got == [("/v1/traces", "application/x-protobuf")]


def test_nothing_is_loaded_where_traces_are_off() -> None:
    text = "import sys, ogp_open_data.web.app; print(any(name.startswith('opentelemetry') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
    assert tracing.span("query", name="x") is tracing.request([]) is tracing.OFF


def test_missing_extra_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(tracing.Refused, match=r"ogp-open-data\[otel\]"), tracing.told("http://127.0.0.1:1"):
        pass
