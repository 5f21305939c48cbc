"""The daily release: what time alone causes, an empty one where that is nothing, and at most one a day."""

from datetime import date, datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from ogp_open_data.intake import hand
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.records import Milestone
from ogp_open_data.store import checks, history, releases
from ogp_open_data.store.doors import Connection, Store
from test_importer import KNOWN, imported, records, report

ZONE = ZoneInfo("Pacific/Auckland")


async def aged(store: Store, text: str) -> None:
    """Let the store be older than it is."""
    async with store.writing() as connection:
        await connection.execute(text)


async def next_day(store: Store) -> Outcome:
    """The daily release of the day after the last one. No release is made older for it: by its time a program that has seen one
    knows that the history still is the same."""
    last_daily = history.last_daily

    async def day_before(connection: Connection) -> datetime | None:
        last = await last_daily(connection)
        return last - timedelta(days=1) if last else None

    with patch.object(history, "last_daily", day_before):
        return await hand.daily(store, KNOWN, ZONE)


async def test_day_on_which_nothing_happens_makes_an_empty_release(store: Store) -> None:
    await imported(store, report())
    before = await store.reading(releases.head)
    outcome = await hand.daily(store, KNOWN, ZONE, "a quiet day")
    assert (outcome.release, outcome.edits) == (2, [])
    after = await store.reading(releases.head)
    assert after.counts == before.counts
    assert await store.reading(history.digests, 1) == await store.reading(history.digests, 2)
    assert (await hand.daily(store, KNOWN, ZONE)).release is None


async def test_next_day_has_a_daily_release_again(store: Store) -> None:
    await imported(store, report())
    await hand.daily(store, KNOWN, ZONE)
    assert (await next_day(store)).release == 3


async def test_milestone_that_became_due_and_overdue_overnight_changes_by_time_alone(store: Store) -> None:
    soon = date.today() + timedelta(days=20)
    far = date.today() + timedelta(days=400)
    text = report([("1", "Find tools", f"{far:%-d %B %Y}", "Underway"), ("2", "Tell", f"{far:%-d %B %Y}", "Completed")])
    await imported(store, text)
    # The due dates come nearer, as they do.
    for day, expected in [(soon, "due_soon"), (date.today() - timedelta(days=3), "overdue")]:
        await aged(
            store,
            f"UPDATE record SET due_on = '{day}', doc = replace(doc, '{far}', '{day}');"
            "UPDATE record SET sha256 = encode(sha256(convert_to(doc, 'UTF8')), 'hex');"
            "UPDATE release SET made_at = made_at - interval '1 day'",
        )
        outcome = await hand.daily(store, KNOWN, ZONE)
        kinds = {(edit.id, edit.change_kind) for edit in outcome.edits}
        assert ("nz-nap2-c5-m1", "time") in kinds and not any(id == "nz-nap2-c5-m2" for id, _ in kinds)
        one = (await records(store, "milestones"))["nz-nap2-c5-m1"]
        assert isinstance(one, Milestone) and one.timeliness == expected
        far = day


async def test_store_without_records_has_no_daily_release(store: Store) -> None:
    assert (await hand.daily(store, KNOWN, ZONE)).release is None
    assert (await store.reading(releases.head)).number == 0
    assert await store.reading(checks.faults) == []
