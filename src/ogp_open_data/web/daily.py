"""The loop inside `serve` that makes the daily release. Every process runs it; the store lets only the first one make it."""

import asyncio
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ogp_open_data.errors import OpenDataError
from ogp_open_data.events import log
from ogp_open_data.intake import hand
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.settings import Settings
from ogp_open_data.store.doors import Store

GLANCE = 30.0


async def forever(store: Store, settings: Settings) -> None:
    """Make the release of each day once its hour has come; a store that is away is asked again."""
    zone, hour, known = (
        ZoneInfo(settings.time_zone),
        time.fromisoformat(settings.daily_at),
        vocabulary.load(settings.vocabulary),
    )
    done: date | None = None
    while True:
        await asyncio.sleep(GLANCE)
        now = datetime.now(zone)
        if now.time() < hour or now.date() == done:
            continue
        try:
            outcome = await hand.daily(store, known, zone)
        except OpenDataError as error:
            log("daily.failed", reason=error.detail)
            continue
        done = now.date()
        if outcome.release is not None:
            log("daily.made", release=outcome.release, records=len(outcome.edits))
