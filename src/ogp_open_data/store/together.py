"""Questions for one thing each that come at the same time are asked as one: the way to the database costs more than a look-up."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked", bound=Hashable)
Found = TypeVar("Found")
# In one statement; the next ones go to another connection meanwhile.
MOST = 32


class Together(Generic[Asked, Found]):
    """Gathers what is asked in one turn of the event loop; nobody waits for a question that is yet to come.

    `answered` gives what is known of several askings, by the asking; what it leaves out is None.
    """

    def __init__(self, answered: Callable[[Sequence[Asked]], Awaitable[dict[Asked, Found]]]) -> None:
        self.answered = answered
        self._waiting: list[tuple[Asked, asyncio.Future[Found | None]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def of(self, asked: Asked) -> Found | None:
        """The answer to one question. Raises what `answered` raises."""
        if len(self._waiting) % MOST == 0:
            # It begins in the next turn. A task of its own: who asked first may hang up, and the others still wait.
            task = asyncio.create_task(self._tell())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        future: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        return await future

    async def _tell(self) -> None:
        """Ask for those who have waited longest, and tell them."""
        asked, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        failure, found = None, {}
        try:
            found = await self.answered([one for one, _ in asked])
        except Exception as error:
            failure = error
        for one, future in asked:
            if future.done():
                # Whoever hung up meanwhile is told nothing.
                continue
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(found.get(one))
