"""What operators see: figures of all workers together, under few names, that promtool would read."""

import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ogp_open_data.web.edge import metrics
from serving import running


def figures(url: str) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics: its name and the values of its labels."""
    answer = httpx.get(f"{url}/metrics", timeout=20)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    families = text_string_to_metric_families(answer.text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_figures_of_several_workers_come_together(dsn: str) -> None:
    with running("--sample", "--workers", "2", "--database-url", dsn) as (_, url):
        head = httpx.get(f"{url}/v1", timeout=20).json()["data"]["release"]
        for _ in range(10):
            # A connection each, so that both workers are asked.
            assert httpx.get(f"{url}/v1/plans.json", timeout=20).status_code == 200
        httpx.get(f"{url}/v1/plans/none", timeout=20)
        until = time.monotonic() + 10
        while True:
            found = figures(url)
            # Each worker takes down where it stands twice a second.
            if (found[("ogp_release_number",)] == head and found[("ogp_cache_hits",)] >= 8) or time.monotonic() > until:
                break
            time.sleep(0.1)
        told = httpx.get(f"{url}/metrics", timeout=20).text
    assert 2 * 20e6 < found[("ogp_memory_bytes",)] < 2 * 300e6
    requests = {labels: value for labels, value in found.items() if labels[0] == "ogp_requests_total"}
    by_name = {tuple(sorted(labels[1:])): value for labels, value in requests.items()}
    assert by_name[("200", "GET", "lists")] == 10
    assert by_name[("404", "GET", "records")] == 1
    assert found[("ogp_release_number",)] == head and found[("ogp_database_up",)] == 1
    assert 8 <= found[("ogp_cache_hits",)] <= 10
    promtool("check", "metrics", said=told)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/plans.csv", "lists"),
        ("/v1/plans/nz-nap2.json", "records"),
        ("/v1/reports.atom", "feeds"),
        ("/feed.rss", "feeds"),
        ("/v1/changes.ndjson", "history"),
        ("/commitments/x", "pages"),
        ("/readyz", "health"),
        ("*", "other"),
    ],
)
def test_address_is_counted_by_its_family(path: str, name: str) -> None:
    assert metrics.family(path.encode()) == name


def test_every_figure_of_the_dashboard_and_the_alerts_is_one_that_is_counted(repository: Path) -> None:
    text = "".join(path.read_text() for path in (repository / "deploy").glob("prometheus/*"))
    assert not re.findall(r"\b(?:process|python)_[a-z_]+", text), "several workers tell nothing of a process"
    known = {sample.name for family in metrics.REGISTRY.collect() for sample in family.samples}
    known |= {f"{family.name}{end}" for family in metrics.REGISTRY.collect() for end in ("_total", "_bucket", "_count")}
    used = set(re.findall(r"\bogp_[a-z_]+", text))
    assert used and used <= known


def promtool(*arguments: str, said: str = "") -> None:
    """Let Prometheus' own tool look; it must have nothing to say."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is needed; install it with: apt-get install prometheus")
    done = subprocess.run(["promtool", *arguments], input=said, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not re.search("warning|lint", done.stdout + done.stderr), done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_not_before(repository: Path) -> None:
    rules, tests = repository / "deploy" / "prometheus" / "alerts.yaml", repository / "tests" / "alerts.test.yaml"
    promtool("check", "rules", str(rules))
    promtool("test", "rules", str(tests))
    fired = set(re.findall(r'alertname="(\w+)", alertstate="firing"', tests.read_text()))
    assert fired == set(re.findall(r"alert: (\w+)", rules.read_text())), "each has a test in which it fires"


async def test_of_a_long_path_only_its_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        pass

    seen: list[bytes] = []
    monkeypatch.setattr(metrics, "family", lambda path: str(seen.append(path)))
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/" + 30_000 * b"x",
        "headers": [],
        "state": {},
    }
    await metrics.Measured(nothing)(scope, nothing, nothing)
    assert [len(path) for path in seen] == [metrics.LONGEST_PATH]
