"""Printed status words to the closed list of the records; a word that nobody knows stays unknown, never a guess."""

import re
from collections.abc import Mapping

from ogp_open_data.intake.dates import MONTH, YEAR, is_not_applicable

LONGEST = 300
_NOTE = re.compile(r"[(\[][^()\[\]]*[)\]]?")
_WHEN = re.compile(rf"\s(?:in|on|by|as at)\s(?:\d{{1,2}}\s)?(?:{MONTH}\s)?{YEAR}$")
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
    notes = " ".join(key(note.strip("()[]")) for note in _NOTE.findall(raw))
    word = key(_NOTE.sub(" ", raw))
    if word in _NOT_APPLICABLE:
        if _is_dropped(end_raw):
            return "withdrawn", None
        return ("not_started" if _BEGINS_LATER.search(notes) else "not_applicable"), None
    found = words.get(word) or words.get(_WHEN.sub("", word)) or _agreed(_NOTE.sub(" ", raw), words)
    return (found, None) if found else ("unknown", "status_unknown")


def _is_dropped(end_raw: str | None) -> bool:
    return is_not_applicable(end_raw) and "longer" in (end_raw or "").lower()


def _agreed(text: str, words: Mapping[str, str]) -> str | None:
    """The status of several words that all say the same: “Underway – on track”."""
    pieces = [key(piece) for piece in _PIECES.split(text) if piece.strip()]
    found = {words.get(piece) for piece in pieces}
    return found.pop() if len(found) == 1 else None
