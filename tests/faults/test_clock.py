"""The clock of a running program jumps a day on, and two back: releases stay in order, and no time that was told goes back."""

import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import feedparser
import httpx
import pytest

from faults.stage import serving, writing_as
from publishing import planned
from test_importer import report

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
JUMPS = ("+0", "+1d", "-1d", "+0")
ITEM = "/v1/commitments/nz-nap2-c90"


def faked(clock: Path) -> dict[str, str]:
    """The environment of a program whose wall clock is off by what a file says; how long something takes is told by another."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not shutil.which("faketime") or not found:
        pytest.skip("faketime is not installed")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def moment(told: str) -> datetime:
    return datetime.fromisoformat(told.replace("Z", "+00:00"))


def test_clock_that_jumps_leaves_order_and_etags_and_no_time_goes_back(
    dsn: str, key: str, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(JUMPS[0])
    numbers, dates, modified, tags = [], [], [], set()
    with serving(dsn, tmp_path / "log", **faked(clock)) as one, writing_as(one.url, key) as client:
        for turn, jump in enumerate(JUMPS):
            clock.write_text(jump)
            time.sleep(1.2)
            plan = planned(client, report(number="90", done=f"The panel met {turn} times.").encode())
            assert plan.status_code == 201, plan.text
            applied = client.post(httpx.URL(plan.json()["links"]["apply"]).path)
            assert applied.status_code == 200, applied.text
            numbers.append(applied.json()["data"]["number"])
            modified.append(parsedate_to_datetime(client.get(f"{ITEM}/versions").headers["last-modified"]))
            # The server makes this header anew each second.
            dates.append(parsedate_to_datetime(client.get("/livez").headers["date"]))
            tags.add(client.get("/v1/plans/nz-nap2").headers["etag"])
        releases = [client.get(f"/v1/releases/{number}").json()["data"]["made_at"] for number in numbers]
        entries = feedparser.parse(client.get("/feed.atom").content).entries
        one.sound()
    assert dates[1] - dates[0] > timedelta(hours=23) and dates[1] - dates[2] > timedelta(hours=47), "the clock jumped"
    assert numbers == list(range(numbers[0], numbers[0] + len(JUMPS)))
    made = [moment(told) for told in releases]
    assert made == sorted(set(made)) and modified == sorted(modified)
    assert len(tags) == 1
    updated = [moment(entry.updated) for entry in entries]
    assert updated == sorted(updated, reverse=True)
    figures(
        f"releases {numbers} in the order of their times; ETag of what did not change the same at {', '.join(JUMPS)}"
    )
