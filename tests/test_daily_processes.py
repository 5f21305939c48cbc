"""The daily release when several programs run on one database: whoever comes first makes it, and nobody makes a second."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from database import executed
from embedded_tools import eventually
from ogp_open_data.web import daily
from serving import DOCUMENTS, program, running, within

# Whatever the time of the day is, the hour of the daily release has come.
AT_ONCE = {"OGP_DAILY_AT": "00:00"}


def causes(url: str) -> list[str]:
    return [one["cause"] for one in httpx.get(f"{url}/v1/releases", timeout=60).json()["data"]]


def test_programs_that_start_together_make_one_release_of_the_day(dsn: str) -> None:
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        started = [pool.submit(stack.enter_context, running("--database-url", dsn, **AT_ONCE)) for _ in range(3)]
        urls = [one.result(60)[1] for one in started]
        for url in urls:
            eventually(lambda url=url: causes(url) == ["daily", "import"], 10)  # type: ignore[misc]
        # Also by hand, there is no second one.
        assert "nothing changes" in program("release", "--database-url", dsn).stdout
        assert causes(urls[0]) == ["daily", "import"]


def test_loops_of_programs_that_run_make_one_release_each_day(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    monkeypatch.setattr(daily, "GLANCE", 0.05)
    for day in (1, 2):
        with ExitStack() as stack:
            urls = [stack.enter_context(within(dsn, daily_at="00:00")) for _ in range(3)]
            eventually(lambda: causes(urls[0]).count("daily") == day, 20)  # noqa: B023
            time.sleep(0.5)
            assert [causes(url).count("daily") for url in urls] == [day] * 3
        asyncio.run(executed(dsn, "UPDATE release SET made_at = made_at - interval '1 day'"))
