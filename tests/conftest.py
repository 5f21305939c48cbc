"""What every test shares: the database fixtures, the shared samples, and OGP_TEST_ALL, which forbids skipping."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

pytest_plugins = ["database", "serving", "copied", "browser"]

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("OGP_SHARED") or ROOT.parent / "shared").absolute()
MUST_RUN = os.environ.get("OGP_TEST_ALL") == "1"

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The directory of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of the samples that several projects share; its `reports` have their truth beside them."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared samples in {SHARED}; name their directory in OGP_SHARED")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, marker in (("shared", "samples"), ("server", "database")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return run_or_failed((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return run_or_failed((yield))


def run_or_failed(report: R) -> R:
    """The report; under OGP_TEST_ALL=1 a skip counts as a failure, so that no check is left out unseen."""
    if MUST_RUN and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"OGP_TEST_ALL=1 lets nothing be skipped: {reason}"
    return report
