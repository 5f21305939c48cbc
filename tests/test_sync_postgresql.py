"""A copy in somebody's PostgreSQL: whole, then followed, mended and taken anew, like the others."""

import asyncio

import asyncpg
import pytest

from copied import edit, run
from ogp_open_data.client.sync import shown
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.records import NOUNS
from publisher import Publisher


def asked(dsn: str, text: str) -> list[asyncpg.Record]:
    async def inside() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetch(text)
        finally:
            await connection.close()

    return asyncio.run(inside())


def held(dsn: str) -> dict[str, dict[str, bytes]]:
    return {
        noun: {row["id"]: row["doc"].encode() for row in asked(dsn, f"SELECT id, doc FROM ogp_copy.{noun}")}
        for noun in NOUNS
    }


def test_a_copy_in_postgresql_follows_its_publisher(publisher: Publisher, dsn: str):
    assert run(publisher, dsn).whole
    assert held(dsn) == publisher.held[-1]
    edit(publisher)
    publisher.release(gone={"nz-nap2-c5-m8": "milestones"})
    assert (run(publisher, dsn).withdrawn, held(dsn)) == (1, publisher.held[-1])
    assert run(publisher, dsn).requests == 1
    assert run(publisher, dsn, verify_only=True).exit_code == 0


def test_a_row_changed_by_hand_is_named_and_mended(publisher: Publisher, dsn: str):
    run(publisher, dsn)
    asked(dsn, "UPDATE ogp_copy.plans SET doc = replace(doc, 'A plan', 'No plan')")
    asked(dsn, "DELETE FROM ogp_copy.milestones WHERE id = 'nz-nap2-c5-m3'")
    told = run(publisher, dsn, verify_only=True)
    assert {(one.id, one.kind) for one in told.differences} == {("nz-nap2", "changed"), ("nz-nap2-c5-m3", "missing")}
    assert run(publisher, dsn).mended == 2
    assert held(dsn) == publisher.held[-1]


def test_views_on_the_copy_survive_a_whole_copy(publisher: Publisher, dsn: str):
    run(publisher, dsn)
    asked(dsn, "CREATE VIEW overdue AS SELECT doc::jsonb->>'id' AS id FROM ogp_copy.milestones")
    publisher.epoch = "another"
    assert run(publisher, dsn).whole
    assert len(asked(dsn, "SELECT id FROM overdue")) == 60


def test_a_password_is_never_told(publisher: Publisher):
    assert shown("postgresql://me:secret@db.example/x?sslpassword=secret") == "postgresql://db.example/x"
    with pytest.raises(StoreUnavailable) as caught:
        run(publisher, "postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)
