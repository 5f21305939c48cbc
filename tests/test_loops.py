"""The loops of `serve`: one that ends by an error begins anew, and the log tells of it."""

import asyncio

import pytest

from ogp_open_data.web import loops


async def test_loop_that_fails_begins_anew_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loops, "PAUSE", 0.0)
    begun, again = 0, asyncio.Event()

    async def failing() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise LookupError("what nobody foresaw")
        again.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(loops.kept_up("outbox", failing))
    await asyncio.wait_for(again.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = capsys.readouterr().err
    assert begun == 2 and '"event":"loop.failed","loop":"outbox"' in told and "what nobody foresaw" in told
