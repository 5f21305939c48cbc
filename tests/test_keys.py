"""Keys: told once, kept as digests, revocable; and the audit trail that says who did what."""

import random
import statistics
import time
from pathlib import Path

import asyncpg
import msgspec
import pytest

from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.intake import hand
from ogp_open_data.intake.importer import Document, import_document
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.terms import Actor, Terms
from ogp_open_data.store import audit, keys
from ogp_open_data.store.doors import Store
from serving import DOCUMENTS, program

KNOWN = vocabulary.load()
TWIN = Document(name="twin.txt", body=(DOCUMENTS / "twin.txt").read_bytes())


@pytest.mark.anyio
async def test_key_is_found_by_its_text_alone_and_kept_as_a_digest(store: Store) -> None:
    async with store.writing() as connection:
        text = await keys.create(connection, "ssc", ["nz-psc"], ["import"])
        kept = str(await connection.fetch("SELECT * FROM api_key"))
    assert keys.FORM.fullmatch(text) and text not in kept and text.rpartition("_")[2] not in kept
    found = await store.reading(keys.find, text)
    assert found is not None and (found.name, found.organisations, found.actions) == ("ssc", ["nz-psc"], ["import"])
    assert found.permits("import") and not found.permits("correct") and found.last_used_at is None
    for wrong in (text[:-1] + ("A" if text[-1] != "A" else "B"), text.upper(), "", "ogp_", text + "x"):
        assert await store.reading(keys.find, wrong) is None


@pytest.mark.anyio
async def test_revoked_key_is_as_unknown_and_its_name_is_free_again(store: Store) -> None:
    async with store.writing() as connection:
        text = await keys.create(connection, "ssc", [], ["admin"])
        with pytest.raises(Refused, match="there is a key ssc"):
            async with connection.transaction():
                await keys.create(connection, "ssc", [], ["admin"])
        assert await keys.revoke(connection, "ssc") == keys.prefix_of(text)
        with pytest.raises(NotFound, match="no key ssc"):
            await keys.revoke(connection, "ssc")
        await keys.create(connection, "ssc", [], ["admin"])
    assert await store.reading(keys.find, text) is None


@pytest.mark.anyio
async def test_last_use_is_written_once_a_minute(store: Store) -> None:
    async with store.writing() as connection:
        text = await keys.create(connection, "ssc", [], ["admin"])
    found = await store.reading(keys.find, text)
    assert found is not None and not keys.is_fresh(found)
    async with store.writing() as connection:
        await keys.used(connection, found)
    again = await store.reading(keys.find, text)
    assert again is not None and again.last_used_at is not None and keys.is_fresh(again)
    async with store.writing() as connection:
        await keys.used(connection, found)
    assert await store.reading(keys.find, text) == again


def test_time_to_compare_does_not_tell_how_much_of_a_key_is_right() -> None:
    """Medians of interleaved rounds: within a tenth of each other, where a comparison that stops early differs by its length."""
    right = "ogp_abcdefghij_" + "x" * 43
    sha256 = keys.digest(right.encode())
    near, far = right[:-1] + "y", "ogp_zzzzzzzzzz_" + "y" * 43
    took: dict[str, list[int]] = {near: [], far: []}
    order = [near, far] * 5_000
    random.Random(1).shuffle(order)
    for given in order:
        began = time.perf_counter_ns()
        assert not keys.matches(given, sha256)
        took[given].append(time.perf_counter_ns() - began)
    one, other = (statistics.median(times) for times in took.values())
    assert abs(one - other) < 0.1 * max(one, other)
    assert keys.matches(right, sha256)


@pytest.mark.anyio
async def test_each_release_says_in_its_own_transaction_who_made_it(store: Store) -> None:
    by = Actor("key ssc", "192.0.2.7")
    await import_document(store, TWIN, KNOWN, dry_run=True, terms=Terms(by=by))
    assert await store.reading(audit.since, None, 10) == [], "what was rolled back was not done"
    await import_document(store, TWIN, KNOWN, terms=Terms(by=by))
    await hand.correct(store, KNOWN, "nz-psc", {"website": "https://example.org"}, "it moved", terms=Terms(by=by))
    made = await store.reading(audit.since, None, 10)
    assert [(one.actor, one.address, one.action, one.subject, one.detail, one.release) for one in made] == [
        ("key ssc", "192.0.2.7", "import", "twin.txt", None, 1),
        ("key ssc", "192.0.2.7", "correction", "nz-psc", "it moved", 2),
    ]


def test_keys_and_log_by_command(dsn: str, tmp_path: Path) -> None:
    store = ("--database-url", dsn)
    made = program("keys", "create", "ssc", "--organisation", "nz-psc", "--action", "import", *store)
    text = made.stdout.splitlines()[-1]
    assert keys.FORM.fullmatch(text) and text not in made.stderr
    listed = program("keys", "list", *store)
    assert "ssc" in listed.stdout and text not in listed.stdout
    (told,) = msgspec.json.decode(program("keys", "list", "--json", *store).stdout)
    assert (told["name"], told["actions"], told["revoked_at"]) == ("ssc", ["import"], None)
    wrong = program("keys", "create", "other", "--organisation", "nz-pcs", *store, expect=1)
    assert "did you mean nz-psc?" in wrong.stderr
    program("import", str(DOCUMENTS / "twin.txt"), *store)
    program("keys", "revoke", "ssc", *store)
    done = msgspec.json.decode(program("log", "--json", *store).stdout)
    assert [one["action"] for one in done] == ["key created", "import", "key revoked"]
    assert [one["release"] for one in done] == [None, 1, None] and done[0]["actor"].startswith("user ")
    assert "twin.txt" in program("log", *store).stdout
    assert program("log", "--since", "2200-01-01", "--json", *store).stdout.strip() == "[]"
    program("log", "--since", "yesterday", *store, expect=2)


@pytest.mark.anyio
async def test_a_trail_entry_is_of_a_release_that_is_there(store: Store) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        connection = await asyncpg.connect(store.dsn)
        try:
            await audit.write(connection, audit.Entry("user x", None, "import"), 99)
        finally:
            await connection.close()
