"""What a read costs the database: a page by an index at any depth and release, and as many statements however many rows."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from database import copied_database
from ogp_open_data.records import Filter
from ogp_open_data.settings import Settings
from ogp_open_data.store import doors, history, listings, single
from ogp_open_data.store.listings import Listing
from ogp_open_data.web.app import create
from ogp_open_data.web.frozen import alive
from serving import DOCUMENTS, program

pytestmark = pytest.mark.anyio
ROWS = 10_000
# So many lines in ten releases, the odd ones changed once; every value that a filter or an order can ask for. Whether a plan is by
# an index does not depend on what the texts say.
FILLED = f"""
INSERT INTO release (number, made_at, cause, counts)
SELECT n, timestamptz '2026-01-01' + n * interval '1 day', 'test', '{{}}' FROM generate_series(1, 10) n;
INSERT INTO record (noun, id, version, from_release, until_release, change_kind, changed_fields, doc, sha256, csv, plan,
    commitment, organisations, status, timeliness, period_end, due_on, sort_key, words)
SELECT noun, left(noun, 1) || n, 1, 1 + n % 5, CASE WHEN n % 2 = 1 THEN 8 END, 'new', '{{}}', '{{}}', 'x', 'x', 'p' || n % 100,
    'c' || n % 1000, ARRAY['o' || n % 200], (ARRAY['delayed', 'completed', 'underway'])[1 + n % 3],
    (ARRAY['overdue', 'on_time'])[1 + n % 2], date '2016-01-01' + n % 3000, date '2016-01-01' + n % 3000,
    lpad(n::text, 8, '0'), to_tsvector('english', 'word' || n % 500)
FROM generate_series(1, {ROWS}) n, unnest(ARRAY['milestones', 'progress']) noun;
INSERT INTO record (noun, id, version, from_release, change_kind, changed_fields, doc, sha256, csv, organisations, sort_key, words)
SELECT noun, id, 2, 8, 'correction', '{{}}', '{{}}', 'x', 'x', '{{}}', sort_key, words FROM record WHERE until_release = 8;
ANALYZE
"""


@pytest.fixture(scope="module")
def filled(server: str, template: str) -> Iterator[str]:
    """The address of a database with many rows."""
    with copied_database(server, template) as dsn:
        asyncio.run(_filled(dsn))
        yield dsn


async def _filled(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(FILLED)
    # So that it is known which pages of the table need not be looked at.
    await connection.execute("VACUUM record")
    await connection.close()


@pytest.fixture
async def connection(filled: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(filled, server_settings={"plan_cache_mode": "force_custom_plan", "jit": "off"})
    yield opened
    await opened.close()


async def nodes(connection: asyncpg.Connection, text: str, *arguments: Any) -> list[dict[str, Any]]:
    """Every node of a statement's plan, as it was carried out."""
    told = msgspec.json.decode(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *arguments))
    found, left = [], [told[0]["Plan"]]
    while left:
        one = left.pop()
        found.append(one)
        left += one.get("Plans", [])
    return found


def indexes(found: list[dict[str, Any]]) -> set[str]:
    return {one["Index Name"] for one in found if "Index Name" in one}


def sorted_rows(found: list[dict[str, Any]]) -> int:
    """How many rows the largest sort of a plan was given."""
    sorts = [one for one in found if "Sort" in one["Node Type"]]
    return max((int(below["Actual Rows"]) for one in sorts for below in one["Plans"]), default=0)


def scans_all(found: list[dict[str, Any]]) -> bool:
    return any(one["Node Type"].endswith("Seq Scan") and one["Relation Name"] == "record" for one in found)


FILTERS = {
    "all": Filter(),
    "plan": Filter(plan="p7"),
    "commitment": Filter(commitment="c77"),
    "organisation": Filter(organisation="o7"),
    "status": Filter(status=("delayed",)),
    "timeliness": Filter(timeliness=("overdue", "on_time")),
    "period": Filter(period_from=date(2017, 1, 1), period_to=date(2018, 1, 1)),
    "id": Filter(id=("m7", "m77")),
    "search": Filter(q="word77"),
    "several": Filter(plan="p7", status=("delayed",)),
}
PAGE = 101


@pytest.mark.parametrize("release", [10, 5], ids=["present", "past"])
@pytest.mark.parametrize("place", [None, f"{ROWS - 300:08}"], ids=["first", "deep"])
@pytest.mark.parametrize("filter", FILTERS.values(), ids=FILTERS)
async def test_page_is_read_by_an_index_and_nothing_is_sorted_but_what_few_rows_match(
    connection: asyncpg.Connection, filter: Filter, place: str | None, release: int
) -> None:
    after = None if place is None else (place, place)
    listing = Listing(noun="milestones", release=release, filter=filter, limit=PAGE, after=after)
    text, arguments = listings.page_text(listing, texts=["doc"], counted=False)
    found = await nodes(connection, text, *arguments)
    assert indexes(found) and not scans_all(found)
    # A filter that few rows pass may have them sorted: at most 100 of an agency here, of 10,000.
    assert sorted_rows(found) <= 100
    if filter.q is not None:
        assert "record_words" in indexes(found)


@pytest.mark.parametrize("sort", listings.SORTS)
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
async def test_every_order_is_an_index_from_the_first_page_to_the_last(
    connection: asyncpg.Connection, sort: str, descending: bool
) -> None:
    middle = {"text": f"{ROWS // 2:08}", "bigint": 3, "date": date(2020, 1, 1)}[listings.SORTS[sort][1]]
    for after in (None, (middle, f"{ROWS // 2:08}")):
        listing = Listing(noun="milestones", release=10, sort=sort, descending=descending, limit=PAGE, after=after)
        text, arguments = listings.page_text(listing, texts=["doc"], counted=False)
        found = await nodes(connection, text, *arguments)
        assert indexes(found) and not scans_all(found) and sorted_rows(found) == 0


BY = {
    "status": Filter(status=("delayed", "completed")),
    "timeliness": Filter(timeliness=("overdue",)),
    "period_end": Filter(period_from=date(2016, 1, 1), period_to=date(2016, 1, 3)),
}
VALUES = {
    "status": ("delayed", "completed"),
    "timeliness": ("overdue",),
    "period_end": (date(2016, 1, 1), date(2016, 1, 2), date(2016, 1, 3)),
}
INDEX = {"status": "record_status", "timeliness": "record_timeliness", "period_end": "record_period"}


@pytest.mark.parametrize("release", [10, 5], ids=["present", "past"])
@pytest.mark.parametrize("place", [None, f"{ROWS // 2:08}"], ids=["first", "deep"])
@pytest.mark.parametrize("name", BY)
async def test_page_by_known_values_reads_a_page_of_each_in_its_order(
    connection: asyncpg.Connection, name: str, place: str | None, release: int
) -> None:
    by, after = (name, VALUES[name]), None if place is None else (place, place)
    listing = Listing(noun="milestones", release=release, filter=BY[name], limit=PAGE, after=after, by=by)
    text, arguments = listings.page_text(listing, ("doc",), counted=False)
    found = await nodes(connection, text, *arguments)
    (scan,) = [one for one in found if one.get("Relation Name") == "record"]
    assert scan["Index Name"] == INDEX[name]
    assert scan["Actual Loops"] == len(VALUES[name]) and scan["Actual Rows"] <= PAGE
    assert sorted_rows(found) <= PAGE * len(VALUES[name])


def test_only_pages_that_one_plan_is_good_for_are_planned_once() -> None:
    def plain(**asked: Any) -> bool:
        return listings.plain(Listing(noun="progress", release=1, filter=Filter(**asked)))

    assert plain() and plain(plan="p7") and plain(plan="p7", organisation="o7")
    assert not plain(q="a") and not plain(id=("a",)) and not plain(period_to=date(2016, 1, 1))
    assert not plain(plan="p7", status=("delayed",))
    assert listings.plain(Listing(noun="progress", release=1, filter=BY["status"], by=("status", VALUES["status"])))


@pytest.mark.parametrize("release", [10, 5], ids=["present", "past"])
async def test_digests_are_read_from_the_index_of_the_key_alone(connection: asyncpg.Connection, release: int) -> None:
    # Rows without texts are shorter than their keys, and would be read whole: what is asked is whether they need not be.
    for way in ("seqscan", "bitmapscan"):
        await connection.execute(f"SET enable_{way} = off")
    asked = ((history.DIGESTS, [release]), (history.PLAN_DIGESTS, [release]), (history.LINES, ["milestones", release]))
    for text, arguments in asked:
        found = await nodes(connection, text, *arguments)
        (scan,) = [one for one in found if "Relation Name" in one]
        assert (scan["Node Type"], scan["Index Name"], scan["Heap Fetches"]) == ("Index Only Scan", "record_pkey", 0)


async def test_record_and_changes_are_read_by_an_index(connection: asyncpg.Connection) -> None:
    item = await nodes(connection, single.ITEM, "milestones", "m77", 10)
    assert indexes(item) == {"record_pkey"} and not scans_all(item)
    asked = [(noun, f"{noun[0]}{n}", 10) for n in range(1, 33) for noun in ("milestones", "progress")]
    several = await nodes(connection, single.ITEMS, *zip(*asked, strict=True))
    assert "record_pkey" in indexes(several) and not scans_all(several)
    cut = await nodes(connection, history.CUT, 7, 10, None, None, 100)
    assert indexes(cut) and not scans_all(cut)
    changes = await nodes(connection, history.CHANGES, 8, 10, None, None, True)
    assert indexes(changes) and not scans_all(changes) and sorted_rows(changes) == 0


@pytest.fixture
async def asked(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """The statements that reads send, as they come."""
    found: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        monkeypatch.setattr(doors.Stateless, name, counting(getattr(doors.Stateless, name), found))
    yield found


def counting(method: Any, found: list[str]) -> Any:
    async def counted(self: Any, text: str, *arguments: Any, **options: Any) -> Any:
        found.append(text)
        return await method(self, text, *arguments, **options)

    return counted


READS = {
    "/v1/commitments/nz-nap2-c5.json": 1,
    "/v1/commitments/nz-nap2-c5.json?include=milestones,reports,progress": 2,
    "/v1/milestones.json": 1,
    "/v1/milestones.json?status=completed": 1,
    "/v1/milestones.json?limit=2": 1,
    "/v1/milestones.json?limit=2&include=plans,commitments,progress": 2,
    "/v1/milestones.json?limit=1000&include=plans,commitments,progress": 2,
    "/v1/milestones.json?q=report": 1,
    "/v1/milestones.json?as_of=1": 1,
    "/v1/milestones.atom": 1,
    "/v1/changes.json?since=0": 2,
}


async def test_statements_of_a_read_do_not_grow_with_its_rows(dsn: str, asked: list[str]) -> None:
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    application = create(Settings(database_url=dsn, public_url="https://data.example.org", cache_bytes=0))
    sent = {}
    async with alive(application), httpx.AsyncClient(transport=httpx.ASGITransport(application)) as client:
        for path in READS:
            for _ in range(2):
                # The second time: what the program learns once of a release, it knows.
                asked.clear()
                assert (await client.get(f"https://data.example.org{path}")).status_code == 200
                sent[path] = len([text for text in asked if "record" in text])
        asked.clear()
        paths = [f"/v1/milestones/nz-nap2-c5-m{n}.json" for n in (1, 2, 3)]
        for answer in await asyncio.gather(*(client.get(f"https://data.example.org{path}") for path in paths)):
            assert answer.status_code == 200 and answer.json()["data"]["id"] in answer.request.url.path
    assert sent == READS
    assert len(asked) == 1, "records that are asked for at the same time"
