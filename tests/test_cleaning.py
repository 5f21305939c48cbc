"""What is kept for a time only goes by itself; no key fills the disk, and no workers the server."""

import pytest

from ogp_open_data.store import audit, checks, replays
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.doors import Store
from ogp_open_data.web import cleaning

pytestmark = pytest.mark.anyio
KEY = "INSERT INTO api_key (prefix, name, sha256, organisations, actions) VALUES ('p', 'p', '', '{}', '{import}')"
OLD = """
INSERT INTO pending_import (key, expires_at, head, said, body, planned)
    SELECT 'p', now() - make_interval(hours => hours), 0, '{}', 'x', '{"a": 1}' FROM unnest(ARRAY[-1, 1, 169]) AS hours;
INSERT INTO replay (key, idempotency_key, request, made_at, status)
    SELECT 'p', hours::text, '', now() - make_interval(hours => hours), status
    FROM (VALUES (1, 200), (25, 200), (2, NULL)) AS row(hours, status);
INSERT INTO audit (actor, action, at, refused)
    SELECT 'key p', 'import', now() - make_interval(days => days), refused
    FROM (VALUES (1, 'forbidden'), (91, 'forbidden'), (400, NULL)) AS row(days, refused);
INSERT INTO audit (actor, action, at) SELECT 'key p', 'plan', now() - make_interval(days => days) FROM unnest(ARRAY[2, 91]) AS days;
"""
LEFT = """
SELECT (SELECT array_agg(body IS NULL ORDER BY expires_at) FROM pending_import) AS emptied,
    (SELECT array_agg(idempotency_key) FROM replay) AS answers,
    (SELECT array_agg(concat_ws(' ', action, refused) ORDER BY at) FROM audit) AS trail
"""


async def test_what_was_kept_for_its_time_goes_and_what_was_done_stays(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(KEY)
        await connection.execute(OLD)
    await cleaning.clean(store)
    (left,) = await store.reading(lambda connection: connection.fetch(LEFT))
    assert dict(left) == {"emptied": [True, False], "answers": ["1"], "trail": ["import", "plan", "import forbidden"]}


async def test_answers_of_a_key_are_bounded_and_the_oldest_make_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MOST_KEPT", 3)
    async with store.writing() as connection:
        await connection.execute(KEY)
    for number in range(6):
        async with store.writing() as connection:
            assert await replays.claim(connection, "p", str(number), "same") is None
            await replays.keep(connection, "p", str(number), 200, "{}", b"")
    async with store.writing() as connection:
        kept = [number for number in range(6) if await replays.claim(connection, "p", str(number), "same")]
    assert kept == [3, 4, 5]


async def test_plans_and_refusals_of_a_key_are_bounded_and_those_of_others_are_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_NOTES", 5)
    for number in range(9):
        async with store.writing() as connection:
            await audit.note(connection, Entry("key a", "203.0.113.1", "import", detail=f"{number}\0"), "forbidden")
            await audit.note(connection, Entry("key a", "203.0.113.1", audit.PLAN, detail=f"plan {number}"))
    async with store.writing() as connection:
        await audit.note(connection, Entry("key b", None, "import"), "forbidden")
        await audit.write(connection, Entry("key a", None, "import"))
    lines = await store.reading(audit.since, None, 100)
    told = [one.detail for one in lines if one.actor == "key a"]
    assert told == [*(text for number in range(5) for text in (str(number), f"plan {number}")), None]
    assert [one.actor for one in lines][-2:] == ["key b", "key a"]


async def test_connections_of_all_workers_are_held_against_what_the_server_takes(store: Store) -> None:
    assert store.most_connections == 8 + 2 + 1, "for reads, for writes, and to listen"
    told = [await store.reading(checks.doubts, store.most_connections, workers, True) for workers in (1, 2000)]
    assert not [one for one in told[0] if "max_connections" in one]
    assert [one for one in told[1] if "22000 with 2000 workers" in one]
