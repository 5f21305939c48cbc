"""Records by id, whether memory has room for all of them or for a few."""

import random
from asyncio import run
from contextlib import closing

import pytest

from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.publisher import digest_of
from ogp_open_data.records import digest


def rows(count: int) -> dict[str, bytes]:
    rng = random.Random(count)
    ids = [f"nz-nap{rng.randint(1, 3)}-c{n}" + rng.choice(["", "-m1", "0", "a"]) for n in range(count)]
    return {id: f'{{"id":"{id}","text":"{"ā" * rng.randint(0, 40)}"}}'.encode() for id in ids}


@pytest.mark.parametrize("room", [1, 2_000, 10**9])
def test_records_come_in_the_order_of_the_bytes_of_their_ids_however_few_fit_in_memory(room: int):
    given = rows(300)
    with closing(Ordered(room)) as ordered:
        for id, text in given.items():
            ordered.add(id, text)
        assert list(ordered) == [(id, given[id]) for id in sorted(given)]
        assert list(ordered) == list(ordered), "they can be read again"
        assert ordered.digest() == digest_of({id: digest(text) for id, text in given.items()})
        assert ordered.count == len(given)


@pytest.mark.parametrize("room", [1, 10**9])
def test_parts_are_the_records_as_lines(room: int):
    given = rows(600)

    async def parts(ordered: Ordered) -> list[bytes]:
        return [part async for part in ordered.parts()]

    with closing(Ordered(room)) as ordered:
        for id, text in given.items():
            ordered.add(id, text)
        found = run(parts(ordered))
    assert len(found) == 3
    assert b"".join(found) == b"".join(given[id] + b"\n" for id in sorted(given))


def test_no_records_have_the_digest_of_nothing():
    assert Ordered().digest() == digest(b"")
    assert list(Ordered()) == []
