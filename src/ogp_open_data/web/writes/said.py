"""What is said beside a change: the parameters of imports and corrections."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from ogp_open_data.intake.reading.characters import clean
from ogp_open_data.web.query import DAY, ID, PRINTABLE, Parameter, read_id

# As much as fits into an address, whatever the script.
LONGEST_REASON = 500
LONGEST_NAME = 255
MOST_ANSWERS = 1000


def _line(longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        line = " ".join(clean(text).split())
        if not 0 < len(line) <= longest:
            raise ValueError(f"give 1 to {longest} characters of text")
        return line

    return read


def _address(text: str) -> str:
    if not text.startswith(("https://", "http://")) or len(text) > 2000 or not text.isprintable() or " " in text:
        raise ValueError("give an address that begins with https:// or http://")
    return text


def _read(type: Any, example: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = msgspec.convert(text, type)
        except msgspec.ValidationError:
            raise ValueError(f"give it as {example}") from None
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"give it with a time zone, as {example}")
            return value.astimezone(UTC)
        return value

    return read


def answers(given: Any) -> dict[str, str]:
    """Answers to questions, by their keys. Raises ValueError."""
    try:
        found = msgspec.convert(given, dict[str, str])
    except msgspec.ValidationError:
        found = {"": ""}
    if len(found) > MOST_ANSWERS or not all(found) or not all(found.values()):
        raise ValueError('give an object of texts, for example {"4": "m3", "status:Going well": "underway"}')
    return found


def _answers(text: str) -> dict[str, str]:
    try:
        return answers(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        return answers(None)


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("give true or false")
    return text == "true"


TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_REASON, "pattern": PRINTABLE}
REASON = Parameter("reason", TEXT, "Why; it is published with the change.", _line(LONGEST_REASON))
IMPORT = {
    one.name: one
    for one in (
        Parameter("filename", {**TEXT, "maxLength": LONGEST_NAME}, "The document's name.", _line(LONGEST_NAME)),
        Parameter("plan", ID, "The plan, where the document names none that is known.", read_id),
        Parameter(
            "source_url",
            {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 2000},
            "Where the document was published.",
            _address,
        ),
        Parameter("published_on", DAY, "When it was published.", _read(date, "2018-01-31")),
        Parameter(
            "retrieved_at",
            {"type": "string", "format": "date-time"},
            "When it was fetched.",
            _read(datetime, "2026-11-24T09:00:00Z"),
        ),
        Parameter(
            "answers", {"type": "string", "maxLength": 2000}, "Answers to questions, as a JSON object.", _answers
        ),
        Parameter("reason", TEXT, "Why it corrects what was published.", _line(LONGEST_REASON)),
    )
}
DRY_RUN = Parameter("dry_run", {"type": "boolean"}, "Show what would happen, and do nothing.", _switch)
INTO = Parameter("into", ID, "The record that takes its place.", read_id)
NUMBER = Parameter("number", {**TEXT, "maxLength": 20}, "The printed number that it shall have.", _line(20))
MESSAGE = Parameter("message", TEXT, "What is said of the release.", _line(LONGEST_REASON))
