"""Printed status words to the closed list of the records; a word that nobody knows stays unknown, never a guess."""

import re
from collections.abc import Mapping

from ogp_open_data.intake.reading.dates import MONTH, YEAR, is_not_applicable

LONGEST = 300
_NOTE = re.compile(r"[(\[][^()\[\]]*[)\]]?")
_WHEN = re.compile(
    rf"[\s,–—]+(?:(?:in|on|by|as at)\s)?(?:\d{{1,2}}\s)?(?:{MONTH}\s)?{YEAR}$|\s(?:due to|because of|owing to)\s.+$"
)
# What follows “N/A” after a dash is a note, as if in brackets; so is what follows a status that is a sentence.
_NA_NOTE = re.compile(r"(n/?a|not applicable)\s*[–—,;:-]\s*([^()]+)", re.IGNORECASE)
_NOTE_BEGINS = re.compile(r"[.;]\s+(?=[A-ZĀĒĪŌŪ])|\s+[–—-]+\s+")
_BEGINS_LATER = re.compile(
    r"\b(?:scheduled|due|planned|expected|not yet|yet|will|to)\b.*\b(?:start|begin|commence|started|begun)\b"
)
_NOT_APPLICABLE = frozenset(("na", "n/a", "not applicable"))
_MARKS = re.compile(r"[\s_\-‐‑]+")
_PIECES = re.compile(r"\s+[–—-]+\s+|[–—;,]")


def key(text: str) -> str:
    """A status for comparison: lower case, single spaces, hyphens as spaces, without what ends a sentence."""
    return _MARKS.sub(" ", text.casefold()).strip(" .:;!")


def read_status(raw: str | None, words: Mapping[str, str], end_raw: str | None = None) -> tuple[str, str | None]:
    """Status and, for a word that `words` (keys as `key` makes them) does not have, the finding code `status_unknown`.

    Brackets are notes: “N/A (Scheduled to start in April 2019)” has not started. Where the date (`end_raw`) says “No
    longer applicable”, “NA” or silence is withdrawn. No status at all is `unknown` without a code.
    """
    if raw is None or not raw.strip():
        return ("withdrawn" if _is_dropped(end_raw) else "unknown"), None
    if len(raw) > LONGEST:
        return "unknown", "status_unknown"
    raw = _NA_NOTE.sub(r"\1 (\2)", raw.strip())
    notes = " ".join(key(note.strip("()[]")) for note in _NOTE.findall(raw))
    word = key(_NOTE.sub(" ", raw))
    if word in _NOT_APPLICABLE:
        if _is_dropped(end_raw):
            return "withdrawn", None
        return ("not_started" if _BEGINS_LATER.search(notes) else "not_applicable"), None
    text = _NOTE.sub(" ", raw)
    found = words.get(word) or words.get(_WHEN.sub("", word)) or _agreed(text, words) or _first(text, words)
    return (found, None) if found else ("unknown", "status_unknown")


def _is_dropped(end_raw: str | None) -> bool:
    return is_not_applicable(end_raw) and "longer" in (end_raw or "").lower()


def _first(text: str, words: Mapping[str, str]) -> str | None:
    """The status before a note, in which no other status is named: “Underway – see below”."""
    first, *others = [key(piece) for piece in _NOTE_BEGINS.split(text)]
    found = words.get(first) if others else None
    named = {word for other in others for word in re.findall(r"\w+", other) if len(word) > 2} if found else set()
    return found if {words.get(word, found) for word in named} <= {found} else None


def _agreed(text: str, words: Mapping[str, str]) -> str | None:
    """The status of several words that all say the same: “Underway – on track”."""
    pieces = [key(piece) for piece in _PIECES.split(text) if piece.strip()]
    found = {words.get(piece) for piece in pieces}
    return found.pop() if len(found) == 1 else None
