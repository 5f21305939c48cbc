"""A list page over ever more rows: the first, one in the middle and the last, filtered and with a total, now and as it was.

The same questions go in turns to tables of 10 thousand, of a tenth of `--rows`, and of `--rows`, through the store's own
functions, so that nothing dilutes what the database adds. Rows are those of `many`, without words, and with the indexes that these
pages could use.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from typing import NamedTuple

import asyncpg
from msgspec.structs import replace

from benchmarks import many
from benchmarks.figures import Figure, Place, database
from ogp_open_data.records import Filter
from ogp_open_data.store import listings, tallies
from ogp_open_data.store.doors import Store
from ogp_open_data.store.listings import Listing

SMALL = 10_000
REQUESTS = 600
# What the pages could be read by; the others, of which each takes a minute for ten million rows, are not made.
INDEXES = (
    "record_sort",
    "record_release",
    "record_status",
    "record_timeliness",
    "record_period",
    "record_by_period",
    "record_by_due",
)
# Of the pages in the middle; each is asked for as often as the others, so all are warm.
PLACES = 50
PLANS = "SELECT sort_key FROM record WHERE noun = 'plans' AND from_release <= $1 AND version = 1 ORDER BY sort_key"
DELAYED = Filter(status=("delayed",))
FILTERS = {
    "delayed lines": ("progress", DELAYED),
    "delayed and completed lines": ("progress", Filter(status=("delayed", "completed"))),
    "lines of a quarter": ("progress", Filter(period_from=date(2016, 4, 1), period_to=date(2016, 6, 30))),
    "overdue delayed milestones": ("milestones", Filter(status=("delayed",), timeliness=("overdue",))),
}


class Table(NamedTuple):
    """A filled database, and the places of its plans in the order of lists, as of the releases that are asked for by name."""

    store: Store
    releases: dict[str, int]
    plans: dict[str, list[str]]


class Question(NamedTuple):
    """A page: of what, as of which release, how far through the list (0 first page, 1 last), and whether with a total."""

    noun: str
    filter: Filter
    release: str
    through: float
    counted: bool = False


def questions() -> dict[str, Question]:
    """By what each is called in the table."""
    pages = {"first page": 0.0, "page in the middle": 0.5, "last page": 1.0}
    asked = {
        f"{page} of all lines, {release}": Question("progress", Filter(), release, through)
        for release in RELEASES
        for page, through in pages.items()
    }
    for what, (noun, filter) in FILTERS.items():
        # As of an early release the small table has no page of these milestones.
        for release in ("now", "as of an early release") if noun == "progress" else ("now",):
            asked[f"first page of {what} and their total, {release}"] = Question(
                noun, filter, release, 0.0, counted=True
            )
        asked[f"page in the middle of {what}, now"] = Question(noun, filter, "now", 0.5)
    return asked


# By name: which of so many releases. The first has the same records in every table.
RELEASES: dict[str, Callable[[int], int]] = {
    "now": lambda newest: newest,
    "as of an early release": lambda newest: max(1, newest // 8),
    "as of the first release": lambda newest: 1,
}


def figures(place: Place) -> Iterator[Figure]:
    sizes = sorted({SMALL, max(2 * SMALL, place.asked.rows // 10), max(2 * SMALL, place.asked.rows)})
    with ExitStack() as stack, asyncio.Runner() as runner:
        tables = [runner.run(filled(stack.enter_context(database(place.dsn, f"bench_{n}")), n)) for n in sizes]
        for work, question in questions().items():
            few, *more = runner.run(asked(tables, question))
            named = f"{work}, among {{:,}} rows, ms, {{}}"
            for size, times in zip(sizes[1:], more, strict=True):
                yield Figure(named.format(size, "p99"), f"among {SMALL:,}", p99(times), p99(few), "≤ 1.3")
            medians = statistics.median(more[-1]), statistics.median(few)
            yield Figure(named.format(sizes[-1], "median"), f"among {SMALL:,}", *medians)
        for table in tables:
            runner.run(table.store.close())


async def filled(dsn: str, rows: int) -> Table:
    newest = await many.load(dsn, rows, only=INDEXES)
    store = Store(dsn)
    await store.open()
    releases = {name: of(newest) for name, of in RELEASES.items()}
    connection = await asyncpg.connect(dsn)
    await by_index(connection)
    plans = {name: [row[0] for row in await connection.fetch(PLANS, release)] for name, release in releases.items()}
    await connection.close()
    return Table(store, releases, plans)


async def asked(tables: Sequence[Table], question: Question) -> list[list[float]]:
    """By table the milliseconds of each request, made in turns so that a slow moment is everybody's."""
    found: list[list[float]] = [[] for _ in tables]
    for n in range(-PLACES, REQUESTS):
        for table, times in zip(tables, found, strict=True):
            listing = listing_of(table, question, n % PLACES)
            known = await table.store.reading(tallies.at, listing)
            began = time.perf_counter()
            if question.counted:
                # What the program remembers of a release, it has to ask for once.
                known = await table.store.reading(tallies.at, listing)
                tallies.total(tallies.matching(known, listing.filter))
            listing = replace(listing, by=tallies.values(known, listing.filter))
            await table.store.reading(listings.page, listing)
            if n >= 0:
                times.append((time.perf_counter() - began) * 1000)
    return found


def listing_of(table: Table, question: Question, n: int) -> Listing:
    """The question to a table; pages in the middle and at the end begin after the nth of some commitments there."""
    plans, limit, after = table.plans[question.release], 101, None
    # Commitments before the page; each has 20 lines, so the last five have a page.
    commitments = len(plans) * 20
    if question.through:
        number = int(commitments * question.through) + n % (commitments // 8)
        if question.through == 1:
            # The cursor knows how many are left.
            number, limit = commitments - 1 - n % 5, 20 * (n % 5 + 1)
        key = f"{plans[number // 20]}-c{number % 20 + 1:010}"
        after = (key, key)
    release = table.releases[question.release]
    return Listing(noun=question.noun, filter=question.filter, release=release, limit=limit, after=after)


def p99(times: Sequence[float]) -> float:
    return sorted(times)[len(times) * 99 // 100]


async def by_index(connection: asyncpg.Connection) -> None:
    """Raises where a page, in whatever order, is not read in order from an index."""
    for sort, (_, kind) in listings.SORTS.items():
        place = {"text": "xx-p0000500000", "bigint": 1, "date": date(2018, 1, 1)}[kind]
        after = (place, "xx-p0000500000")
        listing = Listing(noun="progress", release=2**40, sort=sort, limit=101, after=after)
        text, arguments = listings.page_text(listing, ["doc"], counted=False)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {text}", *arguments))
        if "Seq Scan" in plan or "Sort" in plan:
            raise RuntimeError(f"a page by {sort} is not read from an index:\n{plan}")
