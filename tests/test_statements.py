"""Every statement of the store is proved by the database itself, and the row it writes by the struct."""

import re
from datetime import date
from importlib import import_module
from pkgutil import iter_modules

import asyncpg
import pytest
from msgspec.structs import replace

from ogp_open_data import store
from ogp_open_data.records import NOUNS, Filter
from ogp_open_data.store import exports, listings
from ogp_open_data.store.doors import Store
from ogp_open_data.store.listings import Listing
from ogp_open_data.store.releases import Row

pytestmark = pytest.mark.anyio
# What is put into a text makes it a part of statements.
PART = re.compile(r"\{[a-z]+\}")
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE TABLE IF)\b")


def statements() -> list[tuple[str, str]]:
    """Every SQL text under a capital name in the store, but for parts of statements, which are proved put together below."""
    found = []
    for module in iter_modules(store.__path__, "ogp_open_data.store."):
        for name, value in vars(import_module(module.name)).items():
            texts = value.items() if isinstance(value, dict) and name.isupper() else [("", value)]
            found += [
                (f"{module.name}.{name} {key}", text)
                for key, text in texts
                if name.isupper() and isinstance(text, str) and STATEMENT.match(text) and not PART.search(text)
            ]
    return found


async def test_every_statement_is_one_that_the_database_can_plan(store: Store) -> None:
    found = statements()
    assert len(found) >= 20
    async with store.writing() as connection:
        for name, text in found:
            if "CREATE" not in text:
                try:
                    await connection.prepare(text)
                except asyncpg.PostgresError as error:
                    raise AssertionError(f"{name}: {error}") from error


async def test_columns_of_record_are_the_fields_of_row(store: Store) -> None:
    text = "SELECT column_name FROM information_schema.columns WHERE table_name = 'record' ORDER BY ordinal_position"
    async with store.writing() as connection:
        columns = {row[0] for row in await connection.fetch(text)}
    assert columns == {*Row.__struct_fields__, "until_release"}


async def test_reading_door_refuses_to_write(store: Store) -> None:
    async def write(connection: asyncpg.Connection) -> None:
        await connection.execute("UPDATE dataset SET tag_authority = 'evil.example'")

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await store.reading(write)


# One value for each field of a filter.
ASKED = {
    "plan": "nz-nap2",
    "commitment": "nz-nap2-c5",
    "organisation": "nz-psc",
    "status": ("delayed", "completed"),
    "timeliness": ("overdue",),
    "period_from": date(2017, 1, 1),
    "period_to": date(2018, 1, 1),
    "q": "budget",
    "id": ("nz-nap2-c5",),
}


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_filter_order_and_place_makes_a_statement_that_the_database_can_plan(
    store: Store, noun: str
) -> None:
    assert set(ASKED) == set(Filter.__struct_fields__) == set(listings.FILTERS)
    filters = [Filter(), *(Filter(**{name: value}) for name, value in ASKED.items()), Filter(**ASKED)]
    places = {"text": "2", "bigint": 3, "date": date(2018, 6, 30)}
    for filter in filters:
        for sort, (_, kind) in listings.SORTS.items():
            for descending in (False, True):
                one = Listing(noun=noun, release=1, filter=filter, sort=sort, descending=descending, limit=7)
                assert await store.reading(listings.page, one) == []
                assert await store.reading(listings.page, replace(one, after=(places[kind], "k"))) == []
            place = (places[kind], "k")
            assert await store.reading(exports.batch, one, "csv", place, place) == []
            assert await store.reading(exports.places, one) == ()
        assert await store.reading(listings.count, one) == 0
        assert (await store.reading(exports.summary, one))[0] == 0
