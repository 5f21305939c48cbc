"""Eight publish by HTTP and four follow while PostgreSQL loses back ends and restarts; a judge compares what they were told."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from database import named
from embedded_tools import ask
from faults.cluster import Cluster
from faults.stage import Program, lasting, writing_as
from publishing import planned
from test_importer import report

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.usefixtures("well")]
WRITERS, READERS = 8, 4
MARK = re.compile(r"w[0-9]+n[0-9]+")
KILL_TWO = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity WHERE application_name = 'ogp-open-data' ORDER BY random() LIMIT 2
) AS two
"""


class Write(NamedTuple):
    """What a publisher did and was told: `ok` with the release, `fail` (nothing can have happened), or `unknown`."""

    mark: str
    began: float
    ended: float
    came: str
    release: int | None = None


class Seen(NamedTuple):
    """A change as a follower was told of it; `mark` is what the text of a report carries."""

    release: int
    noun: str
    id: str
    version: int
    mark: str | None


def judged(writes: list[Write], followed: list[list[Seen]]) -> dict[str, list[Any]]:
    """Every way in which the histories do not fit together, with what shows it."""
    whole = followed[0]
    seen = Counter(one.mark for one in whole if one.mark)
    at = {one.mark: one.release for one in whole if one.mark}
    done = sorted((one for one in writes if one.came == "ok"), key=lambda one: one.ended)
    versions: dict[tuple[str, str], list[int]] = {}
    for one in whole:
        versions.setdefault((one.noun, one.id), []).append(one.version)
    return {
        "lost": [one for one in done if seen[one.mark] != 1 or at[one.mark] != one.release],
        "though it failed": [one for one in writes if one.came == "fail" and seen[one.mark]],
        "twice": [mark for mark, times in seen.items() if times > 1],
        "phantom": sorted(set(seen) - {one.mark for one in writes}),
        "versions": [id for id, numbers in versions.items() if numbers != sorted(set(numbers))],
        "order": [(a, b) for a in done for b in done if a.ended < b.began and (a.release or 0) >= (b.release or 0)],
        "back": [one for one in followed if [change.release for change in one] != sorted(c.release for c in one)],
        "differ": [number for number, one in enumerate(followed) if one != whole],
    }


def writing(url: str, key: str, number: int, over: threading.Event) -> list[Write]:
    """One report after another about one commitment, each with a text of its own."""
    done, turn = [], 0
    with writing_as(url, key) as client:
        while not over.is_set():
            turn += 1
            done.append(
                _written(client, f"w{number}n{turn}", report(number=str(200 + number), done=f"w{number}n{turn}"))
            )
    return done


def _written(client: httpx.Client, mark: str, text: str) -> Write:
    began = time.monotonic()
    try:
        plan = planned(client, text.encode())
    except httpx.HTTPError:
        return Write(mark, began, time.monotonic(), "fail")
    if plan.status_code != 201:
        assert plan.status_code == 503, plan.text
        return Write(mark, began, time.monotonic(), "fail")
    try:
        applied = client.post(httpx.URL(plan.json()["links"]["apply"]).path)
    except httpx.HTTPError:
        return Write(mark, began, time.monotonic(), "unknown")
    assert applied.status_code in (200, 409, 503), applied.text
    came = {200: "ok", 503: "unknown"}.get(applied.status_code, "fail")
    return Write(mark, began, time.monotonic(), came, applied.json()["data"]["number"] if came == "ok" else None)


def following(url: str, since: int, over: threading.Event) -> list[Seen]:
    """Every change after a release, until the writers are done and nothing is left."""
    told: list[Seen] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        while True:
            last = over.is_set()
            answer = client.get(f"/v1/changes?since={since}&history=full&limit=50")
            if answer.status_code == 200:
                page = answer.json()
                told += [_seen(one) for one in page["data"]]
                since = page["meta"]["next_since"]
                if last and page["meta"]["up_to_date"]:
                    return told
            else:
                assert answer.status_code == 503, answer.text
            time.sleep(0.05)


def _seen(change: dict[str, Any]) -> Seen:
    found = MARK.search(msgspec.json.encode(change["record"]).decode()) if change["noun"] == "reports" else None
    return Seen(change["release"], change["noun"], change["id"], change["version"], found[0] if found else None)


def test_nothing_is_lost_or_told_twice_while_the_database_comes_and_goes(
    cluster: Cluster, dsn: str, program: Program, key: str, figures: Callable[[str], None]
) -> None:
    over, done = threading.Event(), threading.Event()
    before = program.get("/v1").json()["data"]["release"]
    until, killed, restarts = time.monotonic() + lasting(4, 90), 0, 0
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        writers = [pool.submit(writing, program.url, key, number, over) for number in range(WRITERS)]
        readers = [pool.submit(following, program.url, before, done) for _ in range(READERS)]
        try:
            while time.monotonic() < until or not restarts:
                time.sleep(0.3)
                killed += ask(named(dsn, "postgres"), KILL_TWO)
                if time.monotonic() > until - lasting(2, 80) + restarts * 20 and restarts < lasting(1, 4):
                    cluster.stop()
                    cluster.start()
                    restarts += 1
            program.ready_within(10)
            time.sleep(lasting(1, 5))
        finally:
            over.set()
            writes = [one for writer in writers for one in writer.result(120)]
            done.set()
        followed = [reader.result(60) for reader in readers]
    came = Counter(one.came for one in writes)
    figures(
        f"{restarts} restarts, {killed} back ends killed: of {len(writes)} imports {came['ok']} ok, {came['unknown']} unknown, "
        f"{came['fail']} failed; {READERS} followers saw {len(followed[0])} changes alike, none lost, twice or out of order"
    )
    assert {name: found for name, found in judged(writes, followed).items() if found} == {}
    assert came["ok"] > 3


def test_judge_sees_what_is_lost_told_twice_or_out_of_order() -> None:
    writes = [Write("w1n1", 0, 1, "ok", 1), Write("w1n2", 2, 3, "ok", 2), Write("w2n1", 4, 5, "fail")]
    right = [Seen(1, "reports", "r", 1, "w1n1"), Seen(2, "reports", "r", 2, "w1n2")]
    assert not any(judged(writes, [right, right]).values())
    extra = Seen(3, "reports", "q", 1, "w2n1")
    for wrong, name in (
        (right[:1], "lost"),
        ([*right, right[1]], "twice"),
        ([*right, extra], "though it failed"),
        ([*right, extra._replace(mark="w9n9")], "phantom"),
        ([right[0], right[1]._replace(version=1)], "versions"),
        (right[::-1], "back"),
    ):
        assert judged(writes, [wrong, wrong])[name], name
    assert judged(writes, [right, right[:1]])["differ"] == [1]
    assert judged([writes[0]._replace(release=2), writes[1]._replace(release=1)], [right])["order"]
