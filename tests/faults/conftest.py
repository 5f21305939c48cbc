"""One cluster for all tests of faults, and one program on it that goes through them all; what was measured is said at the end."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from database import executed
from embedded_tools import eventually, open_directory
from faults.cluster import Cluster
from faults.stage import Program, asking, cached, key_of, serving
from growing import KNOWN, opened
from ogp_open_data.intake.importer import import_document, sample
from serving import program as command

NUMBERS = count(1)
# Requests by which every worker has been asked for everything that is to be in memory.
WARM = 160


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A server that no other test needs."""
    directory = open_directory()
    one = Cluster(directory)
    try:
        one.create()
        yield one
    finally:
        one.end()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def original(cluster: Cluster) -> str:
    """The name of a database with the sample in it."""
    asyncio.run(executed(cluster.dsn(), "CREATE DATABASE original"))
    command("migrate", "--database-url", cluster.dsn("original"))
    asyncio.run(_imported(cluster.dsn("original")))
    return "original"


async def _imported(dsn: str) -> None:
    async with opened(dsn) as store:
        for document in sample():
            await import_document(store, document, KNOWN)


@pytest.fixture(scope="session")
def dsn(cluster: Cluster, original: str) -> Iterator[str]:
    """The address of a copy of it."""
    name = f"faults_{next(NUMBERS)}"
    asyncio.run(executed(cluster.dsn(), f"CREATE DATABASE {name} TEMPLATE {original}"))
    yield cluster.dsn(name)
    asyncio.run(executed(cluster.dsn(), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def key(dsn: str) -> str:
    return key_of(dsn)


@pytest.fixture(scope="session")
def program(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """`serve` with two workers; that one and the same goes through every fault is the point."""
    with serving(dsn, tmp_path_factory.mktemp("serve") / "log") as one:
        yield one


@pytest.fixture
def well(program: Program) -> Iterator[None]:
    """A fault meets a program that is well, with answers in memory, and leaves it so."""
    program.ready_within(10)
    # Each worker has a memory of its own, and one connection after another may all come to the same one.
    with asking(program.url, cached, clients=8) as load:
        eventually(lambda: len(load.got) > WARM, 30)
    assert {one.status for one in load.got} == {200}
    yield
    program.ready_within(10)
    program.sound()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes what was measured, which is said again at the end."""
    return lambda text: request.node.user_properties.append(("figures", text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, text in report.user_properties if report.when == "call" else ():
            if name == "figures":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {text}")
