"""Every event once: name, level and help. An event is a name in the past tense and facts, one JSON line on standard error."""

import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

EVENTS = {
    "serve.started": ("info", "The program answers requests."),
    "serve.stopped": ("info", "The program ended in order."),
    "embedded.started": ("info", "The embedded PostgreSQL was started or found running."),
    "embedded.failed": ("error", "The embedded PostgreSQL could not be started again; the next try follows."),
    "serve.waits": ("warning", "The database cannot be prepared yet; it is tried again each second."),
    "serve.prepared": ("info", "The database is prepared, after it had been waited for."),
    "database.away": ("error", "The database does not answer this worker; what is in memory is served on."),
    "history.parted": (
        "error",
        "The primary lacks a release that was published: no other is read or made until a person decides (docs/operating.md).",
    ),
    "database.back": ("info", "The database answers this worker again."),
    "daily.made": ("info", "The release of the day was made."),
    "daily.failed": ("error", "The release of the day could not be made; the next try follows."),
    "figures.apart": (
        "warning",
        "There is no room for figures of all workers: /metrics tells of the one that answers.",
    ),
    "request.slow": ("warning", "A request took longer than a second."),
    "key.refused": ("warning", "A request had a key that is not known, or not any more."),
    "request.failed": ("error", "A request ended in an unexpected error."),
    "loop.failed": ("error", "A loop of the server ended in an unexpected error; it begins anew."),
    "file.failed": ("error", "A file of a release could not be built."),
    "receiver.failed": ("warning", "A webhook or hub did not take a message; it is tried again."),
    "receiver.ended": ("error", "A webhook or hub was given up; what it has not got waits for `webhooks resume`."),
    "feed.entry.skipped": ("warning", "A record could not be written as a feed entry."),
}


def log(event: str, **facts: Any) -> None:
    """Write one event of the table above with its facts (strings, numbers, lists)."""
    level, _ = EVENTS[event]
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = msgspec.json.encode({"at": at, "level": level, "event": event, **facts})
    sys.stderr.write(line.decode() + "\n")
