"""What is shipped to run the program: held by the tools that will read it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ogp_open_data.settings import Settings
from ogp_open_data.store.doors import SILENCE
from ogp_open_data.web.edge.server import GRACE
from ogp_open_data.web.writes.walk import LARGEST_DOCUMENT, LONGEST

# Of 10; what is left is that a server speaks to the network and has a public address.
MOST_EXPOSED = 15


def test_systemd_unit_is_hardened(repository: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = repository / "deploy" / "ogp-open-data.service"
    command = [analyze, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unknown" not in done.stderr, "every line of the unit is one that systemd knows"


def test_containers_may_do_no_more_than_they_must(repository: Path) -> None:
    whole = yaml.safe_load((repository / "deploy" / "compose.yaml").read_text())
    for name, service in whole["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service, name
        assert {*service.get("secrets", [])} <= {*whole["secrets"]}, name
        # Every secret comes from a file; none stands in the environment.
        assert not [value for value in service.get("environment", {}).values() if "://" in str(value).split(":?")[0]]
    assert whole["services"]["web"]["network_mode"] == "service:app", "nginx.conf finds the program at 127.0.0.1"


def test_every_variable_of_the_unit_is_a_setting(repository: Path) -> None:
    text = "".join(path.read_text() for path in (repository / "deploy").iterdir() if path.is_file())
    known = {f"OGP_{name.upper()}" for name in Settings.__struct_fields__}
    assert set(re.findall(r"OGP_[A-Z_]+?(?=_FILE\b|[^A-Z_])", text)) <= known


def test_time_to_stop_and_to_answer_is_given_by_whoever_stops_and_waits(repository: Path) -> None:
    deploy = repository / "deploy"
    unit, nginx = (deploy / "ogp-open-data.service").read_text(), (deploy / "nginx.conf").read_text()
    app = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]["app"]
    stops = [
        (int(found(r"OGP_DRAIN_SECONDS=(\d+)", unit)), int(found(r"TimeoutStopSec=(\d+)$", unit))),
        (app["environment"]["OGP_DRAIN_SECONDS"], int(app["stop_grace_period"].removesuffix("s"))),
    ]
    for drain, patience in stops:
        # Three seconds for the processes to end, besides what is under way.
        assert drain >= 2 and drain + GRACE + 3 <= patience
    assert int(found(r"proxy_read_timeout (\d+)s;", nginx)) > max(LONGEST, Settings().statement_timeout + SILENCE)
    assert int(found(r"client_max_body_size (\d+)m;", nginx)) * 1024**2 >= LARGEST_DOCUMENT


def found(pattern: str, text: str) -> str:
    """What stands there, once."""
    (one,) = re.findall(pattern, text, re.MULTILINE)
    return str(one)


def test_compose_file_is_one_by_its_specification(repository: Path) -> None:
    tool = repository / "tests" / "tools" / "node_modules" / ".bin" / "dclint"
    if not tool.exists():
        pytest.skip("dclint is needed; install it with: make tools")
    done = subprocess.run(
        [tool, "--formatter", "json", "--max-warnings", "1000", repository / "deploy" / "compose.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    (told,) = json.loads(done.stdout)
    # What it says of the order of keys is a matter of taste; a port is open to all because readers are everywhere.
    kinds = {one["rule"] for one in told["messages"] if one["type"] == "error" or one["severity"] == "critical"}
    assert kinds == {"no-unbound-port-interfaces"}, done.stdout


def test_bill_of_materials_lists_what_is_locked_and_nothing_of_a_machine(repository: Path) -> None:
    """`make sbom` writes it; this fails where the lock is newer."""
    text = (repository / "deploy" / "sbom.json").read_text()
    bill = json.loads(text)
    listed = {(one["name"], one["version"]) for one in bill["components"]}
    locked = re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", (repository / "requirements.lock").read_text(), re.MULTILINE)
    assert bill["bomFormat"] == "CycloneDX" and len(locked) > 20 and listed == set(locked)
    assert set(re.findall(r'[a-z]+:/[^"]*', text)) == {bill["$schema"]} and str(repository) not in text


def test_dashboard_is_json_with_a_query_in_every_panel(repository: Path) -> None:
    board = json.loads((repository / "deploy" / "prometheus" / "dashboard.json").read_text())
    panels = [one for one in board["panels"] if one["type"] != "row"]
    assert panels and all(target["expr"] for one in panels for target in one["targets"])
