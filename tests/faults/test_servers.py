"""An address of several servers: each gets its time, and the one that fits is found, wherever it stands."""

import time
from collections.abc import Iterator

import asyncpg
import pytest

from faults.cluster import Cluster
from faults.silence import Silence
from ogp_open_data.store import servers

pytestmark = [pytest.mark.faults, pytest.mark.anyio]


@pytest.mark.parametrize(
    ("dsn", "each"),
    [
        ("postgresql://a:b@one:1,two/db?x=y", ["postgresql://a:b@one:1/db?x=y", "postgresql://a:b@two/db?x=y"]),
        ("postgres://[::1]:5,127.0.0.1:6/db", ["postgres://[::1]:5/db", "postgres://127.0.0.1:6/db"]),
        ("postgresql://a@/db?host=/run", ["postgresql://a@/db?host=/run"]),
    ],
)
def test_each_server_has_an_address_with_all_that_the_whole_one_says(dsn: str, each: list[str]) -> None:
    assert servers.each(dsn) == each


@pytest.fixture
def silent(cluster: Cluster) -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with Silence(cluster.port).listening() as way, way.silent():
        yield way.port


def both(cluster: Cluster, silent: int) -> str:
    """An address of both, the silent one first."""
    return cluster.dsn().replace(f"127.0.0.1:{cluster.port}", f"127.0.0.1:{silent},127.0.0.1:{cluster.port}")


@pytest.mark.parametrize("wanted", ["read-write", "prefer-standby"])
async def test_server_that_never_answers_keeps_nobody_from_the_next(cluster: Cluster, silent: int, wanted: str) -> None:
    several = both(cluster, silent)
    began = time.monotonic()
    # No standby is there: then the silent one is asked a second time.
    connection = await servers.connect(f"{several}?target_session_attrs={wanted}", timeout=1.0)
    took = time.monotonic() - began
    assert connection.get_server_pid() > 0 and servers.LEAST < took < 4 * servers.LEAST
    await connection.close()


async def test_what_fits_nowhere_is_told_in_time(cluster: Cluster, silent: int) -> None:
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await servers.connect(f"{both(cluster, silent)}?target_session_attrs=standby", timeout=1.0)
