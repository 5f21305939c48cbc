"""PostgreSQL is restarted, killed piece by piece, or frozen: reads go on, or say when to come again."""

import random
import time
from collections.abc import Callable, Iterator

import pytest

from database import named
from embedded_tools import ask, eventually
from faults.cluster import Cluster
from faults.stage import (
    PROBLEM,
    Load,
    Program,
    asking,
    cached,
    lasting,
    mixed,
    slowest,
    uncached,
    unforeseen,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.usefixtures("well")]
Figures = Callable[[str], None]
# Seconds from the database's return to the first answer that needs it.
RECOVERY = 5.0
WARM = int(lasting(100, 500))
# What a read waits for a database that is away, and what a statement may take before it is given up, with room for a busy machine.
PATIENCE = 5.0 + 3.0
GIVEN_UP = 15.0 + 5.0 + 5.0
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ogp-open-data'"
OPEN = f"{OURS} AND state LIKE 'idle in transaction%'"
# Eight for reads, two for writes, and one each for the loops that watch the head.
MOST_CONNECTIONS = 2 * (8 + 2 + 2)


@pytest.mark.parametrize("paths", [cached, mixed], ids=["cached", "cached and not"])
def test_restart_gives_503_until_the_database_is_back_and_200_soon_after(
    cluster: Cluster, program: Program, paths: Callable[[], Iterator[str]], figures: Figures
) -> None:
    away = lasting(1.5, 8.0)
    with asking(program.url, paths) as load:
        # Each worker has a memory of its own: by then both have been asked for everything.
        eventually(lambda: len(load.got) > WARM, 60)
        cluster.stop()
        time.sleep(away)
        cluster.start()
        back = time.monotonic()
        eventually(lambda: answered(load, back), RECOVERY + 5)
        time.sleep(1)
    assert unforeseen(load.got) == []
    wanted = [one for one in load.since(back - away) if one.status == 200 and ("?q=" in one.path or paths is cached)]
    first = min(one.at + one.seconds for one in wanted)
    assert first - back < RECOVERY
    assert slowest(load.got) < PATIENCE
    refused = sum(one.status == 503 for one in load.got)
    if paths is cached:
        assert not refused
    figures(
        f"{len(load.got)} answers, {refused} of them 503, none else; slowest {slowest(load.got):.1f} s; "
        f"the first from the database {max(0, first - back):.2f} s after its return"
    )


def answered(load: Load, back: float) -> bool:
    """Whether somebody who asked since the return was answered."""
    return any(one.status == 200 for one in load.since(back))


def test_killed_back_ends_cost_less_than_one_answer_in_a_hundred(dsn: str, program: Program, figures: Figures) -> None:
    killed = 0
    until = time.monotonic() + lasting(4, 60)
    with asking(program.url, uncached) as load:
        while time.monotonic() < until:
            time.sleep(random.uniform(0.02, 0.2))
            killed += ask(named(dsn, "postgres"), KILL_ONE) or 0
    wrong = [one for one in load.got if one.status != 200]
    assert unforeseen(load.got) == []
    assert len(wrong) < len(load.got) / 100
    assert ask(dsn, OURS) <= MOST_CONNECTIONS
    eventually(lambda: ask(dsn, OPEN) == 0, 5)
    figures(f"{killed} back ends killed, {len(wrong)} of {len(load.got)} answers 503, none else")


KILL_ONE = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity WHERE application_name = 'ogp-open-data' ORDER BY random() LIMIT 1
) AS one
"""


def test_frozen_database_ends_in_503_within_the_time_out_and_goes_on_when_it_thaws(
    cluster: Cluster, program: Program, figures: Figures
) -> None:
    before = program.memory()
    with asking(program.url, mixed) as load:
        time.sleep(1)
        with cluster.frozen():
            time.sleep(1)
            began = time.monotonic()
            assert program.status("/livez") == 200
            ready = program.get("/readyz")
            assert (ready.status_code, ready.headers["content-type"]) == (503, PROBLEM)
            told = time.monotonic() - began
            time.sleep(lasting(1, 40))
            during = program.memory()
        back = time.monotonic()
        took = program.ready_within(RECOVERY)
        time.sleep(1)
    assert unforeseen(load.got) == []
    assert slowest(load.got) < GIVEN_UP
    grown = max(late - early for early, late in zip(before, during, strict=True))
    assert grown < 20
    assert any(one.status == 200 for one in load.since(back))
    figures(
        f"/readyz 503 after {told:.1f} s, slowest answer {slowest(load.got):.1f} s, "
        f"{sum(one.status == 503 for one in load.got)} of {len(load.got)} 503, none else; "
        f"memory grew by {grown:.1f} MB a worker; ready {took:.2f} s after the thaw"
    )
