"""Keeps the loops of `serve` up: one that meets what nobody foresaw is told of in the log, and begins anew."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from ogp_open_data.events import log

# Seconds, so that a loop that fails at once each time fills neither the log nor a core.
PAUSE = 5.0


async def kept_up(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop until it is cancelled: nobody notices a task that ends by an exception, and no release would be told of again."""
    while True:
        try:
            await loop()
        except Exception as error:
            log("loop.failed", loop=name, trace="".join(traceback.format_exception(error)))
        await asyncio.sleep(PAUSE)
