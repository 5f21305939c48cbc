"""Totals that are added up: they are what counting gives, at every release, and a page found by them is the page."""

from collections.abc import AsyncIterator, Iterable
from datetime import date

import pytest
from msgspec.structs import replace

from ogp_open_data.intake import hand
from ogp_open_data.intake.importer import Document
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.intake.series import import_all
from ogp_open_data.records import NOUNS, Filter
from ogp_open_data.store import listings, tallies
from ogp_open_data.store.doors import Store
from ogp_open_data.store.listings import Listing
from ogp_open_data.store.migrate import migrations
from test_importer import KNOWN, imported, report

pytestmark = pytest.mark.anyio
PERIODS = ("June to August 2017", "September to November 2017", "December 2017 to February 2018")
RELEASES = range(1, 7)
LINE = "nz-nap2-c5-r2017-09-2017-11"
FILTERS = {
    "none": Filter(),
    "status": Filter(status=("delayed",)),
    "statuses": Filter(status=("underway", "completed", "withdrawn")),
    "timeliness": Filter(timeliness=("overdue", "done")),
    "from": Filter(period_from=date(2017, 11, 30)),
    "to": Filter(period_to=date(2017, 11, 29)),
    "several": Filter(status=("delayed", "underway"), period_from=date(2017, 9, 1), period_to=date(2018, 1, 1)),
    "nothing": Filter(status=("not_applicable",)),
}


@pytest.fixture
async def past(store: Store) -> AsyncIterator[Store]:
    """Three reports, of which one was corrected, withdrawn and restored: six releases."""
    for period in PERIODS:
        await imported(store, report(period=period))
    await hand.correct(store, KNOWN, f"{LINE}-m1", {"status": "delayed"}, "misprinted")
    await hand.withdraw(store, KNOWN, LINE, "by mistake")
    await hand.restore(store, KNOWN, LINE, "it was right")
    yield store


def questions(releases: Iterable[int] = RELEASES) -> list[Listing]:
    return [
        Listing(noun=noun, release=release, filter=filter, limit=2)
        for noun in NOUNS
        for release in releases
        for filter in FILTERS.values()
    ]


async def test_total_by_tallies_is_what_counting_gives_at_every_release(past: Store) -> None:
    totals = []
    for listing in questions():
        known = tallies.matching(await past.reading(tallies.at, listing), listing.filter)
        totals.append(tallies.total(known))
        assert totals[-1] == await past.reading(listings.count, listing), listing
    assert len(set(totals)) > 5


async def test_releases_that_one_statement_writes_leave_tallies_each(store: Store) -> None:
    texts = [
        report([("1", "Talk with the public", "June 2018", status)], period)
        for period in PERIODS
        for status in ("Underway", "Delayed", "Completed", "Delayed")
    ]
    documents = [Document(name=f"{n}.txt", body=text.encode()) for n, text in enumerate(texts)]
    numbers = [one.release async for one in import_all(store, documents, KNOWN) if isinstance(one, Outcome)]
    assert numbers == list(range(1, len(texts) + 1))
    for listing in questions(numbers):  # type: ignore[arg-type]
        known = tallies.matching(await store.reading(tallies.at, listing), listing.filter)
        assert tallies.total(known) == await store.reading(listings.count, listing), listing


async def test_page_value_by_value_is_the_page(past: Store) -> None:
    seen = set()
    for listing in questions():
        by = tallies.values(await past.reading(tallies.at, listing), listing.filter)
        while by is not None:
            seen.add((by[0], len(by[1])))
            plain = await past.reading(listings.page, listing)
            assert await past.reading(listings.page, replace(listing, by=by)) == plain, listing
            if len(plain) < 2:
                break
            listing = replace(listing, after=plain[-1].place)
    assert {("status", 1), ("status", 2), ("timeliness", 1), ("period_end", 1), ("period_end", 2)} <= seen


async def test_tallies_of_an_older_database_are_those_that_releases_would_have_left(past: Store) -> None:
    text = """
SELECT noun, status, timeliness, period_end, tally.live AS now, release, tally_at.live FROM tally JOIN tally_at ON tally = number
ORDER BY noun, status, timeliness, period_end, release"""
    counting = "".join(dict(migrations())["0007_tallies.sql"].partition("WITH change")[1:])
    async with past.writing() as connection:
        left = await connection.fetch(text)
        await connection.execute("TRUNCATE tally, tally_at")
        await connection.execute(counting)
        counted = await connection.fetch(text)
    # Of what is not there any more a release leaves a tally of none, and so does counting.
    assert left == counted and len(left) > 20 and min(row["live"] for row in left) == 0


def test_only_what_tallies_hold_is_told_by_them() -> None:
    assert all(tallies.told(filter) for filter in FILTERS.values())
    for asked in ({"plan": "nz-nap2"}, {"q": "budget"}, {"id": ("nz-nap2-c5",)}, {"organisation": "nz-psc"}):
        assert not tallies.told(Filter(status=("delayed",), **asked))  # type: ignore[arg-type]


def test_many_values_are_not_asked_for_one_by_one() -> None:
    known = [tallies.Tally("underway", None, date(2016, 1, day), 5) for day in range(1, 12)]
    assert tallies.values(known, Filter(period_from=date(2016, 1, 5))) == (
        "period_end",
        tuple(date(2016, 1, day) for day in range(5, 12)),
    )
    assert tallies.values(known, Filter(period_from=date(2016, 1, 2))) is None
    assert tallies.values(known, Filter()) is None
