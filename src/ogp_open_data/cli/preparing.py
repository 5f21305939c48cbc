"""What `serve` does to the store before it answers; beside it, where the database is not there yet."""

from datetime import datetime, time
from threading import Thread
from time import sleep
from zoneinfo import ZoneInfo

from ogp_open_data.cli.migrated import run
from ogp_open_data.errors import OpenDataError, Refused, StoreUnavailable
from ogp_open_data.events import log
from ogp_open_data.intake import hand, importer, series
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.settings import Settings
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Store, waiting_helps

RETRY = 1.0


def prepare(chosen: Settings, sample: bool) -> None:
    """Migrate, import the sample into an empty store, make the day's release.

    Where the database is away, or may only be read, that is left to a thread, which goes on trying: readers get what there is
    meanwhile, or 503. Raises StoreUnavailable where trying again would not help.
    """
    try:
        run(chosen, lambda store: _prepared(store, chosen, sample))
    except StoreUnavailable as error:
        if not waiting_helps(error):
            raise
        log("serve.waits", reason=error.detail)
        Thread(target=_go_on, args=(chosen, sample, error.detail), name="prepare", daemon=True).start()


def _go_on(chosen: Settings, sample: bool, told: str) -> None:
    """Try until it is done; the log has each new reason why it is not."""
    while True:
        sleep(RETRY)
        try:
            run(chosen, lambda store: _prepared(store, chosen, sample))
        except OpenDataError as error:
            if error.detail != told:
                told = error.detail
                log("serve.waits", reason=told)
            continue
        log("serve.prepared")
        return


async def _prepared(store: Store, chosen: Settings, sample: bool) -> None:
    """Import the sample, where nothing is there yet, by the same door as everything else; make the day's release."""
    known, zone = vocabulary.load(chosen.vocabulary), ZoneInfo(chosen.time_zone)
    head = await store.reading(releases.head)
    async for outcome in series.import_all(store, importer.sample() if sample and head.number == 0 else (), known):
        if isinstance(outcome, Refused):
            raise outcome
    if datetime.now(zone).time() >= time.fromisoformat(chosen.daily_at):
        await hand.daily(store, known, zone)
