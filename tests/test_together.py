"""Questions that come at the same time are asked as one."""

import asyncio
from collections.abc import Sequence

import pytest

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store.together import MOST, Together

pytestmark = pytest.mark.anyio


class Asked:
    """Answers with squares, of what is above zero; remembers what it was asked, and waits to be let go where that is wanted."""

    def __init__(self) -> None:
        self.questions: list[list[int]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, numbers: Sequence[int]) -> dict[int, int]:
        self.questions.append(list(numbers))
        await self.free.wait()
        if 13 in numbers:
            raise StoreUnavailable("the database does not answer")
        return {one: one * one for one in numbers if one > 0}


async def test_what_comes_in_one_turn_is_asked_as_one_and_told_to_each() -> None:
    asked = Asked()
    squares = Together(asked)
    assert await asyncio.gather(*map(squares.of, (3, 0, 4, 3))) == [9, None, 16, 9]
    assert await squares.of(5) == 25
    assert asked.questions == [[3, 0, 4, 3], [5]]


async def test_more_than_a_statement_takes_go_in_several() -> None:
    asked = Asked()
    squares = Together(asked)
    numbers = range(100, 100 + 2 * MOST + 1)
    assert await asyncio.gather(*map(squares.of, numbers)) == [one * one for one in numbers]
    assert [len(one) for one in asked.questions] == [MOST, MOST, 1]


async def test_failure_is_told_to_all_who_asked_and_to_nobody_after_them() -> None:
    squares = Together(Asked())
    told = await asyncio.gather(squares.of(13), squares.of(2), return_exceptions=True)
    assert [type(one) for one in told] == [StoreUnavailable, StoreUnavailable]
    assert await squares.of(2) == 4


async def test_whoever_hangs_up_takes_the_answer_from_nobody_else() -> None:
    asked = Asked()
    asked.free.clear()
    squares = Together(asked)
    first, second = (asyncio.create_task(squares.of(one)) for one in (6, 7))
    await asyncio.sleep(0.01)
    first.cancel()
    asked.free.set()
    assert await second == 49
    assert first.cancelled()
