"""Printed dates, ranges and periods: partial ISO dates at the precision that was printed, and never a guess.

Rules: a range's start takes the end's year, or the year before where it wraps; an impossible day becomes its month; an
open end is `ongoing`; numbers like 3/4/2018, which have two readings, are not read at all.
"""

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

from msgspec import Struct

# fmt: off
MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]
# fmt: on
ABBREVIATED = [month[:3] for month in MONTHS]
MONTH_NUMBERS = {name: n for names in (MONTHS, ABBREVIATED) for n, name in enumerate(names, 1)} | {"sept": 9}
MONTH = "(?:" + "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True)) + r")(?![a-z])"
YEAR = r"(?:19|20)\d\d"
# Longer texts are prose; it also bounds the work on a hostile line.
LONGEST = 200

_MODIFIER = r"(?:(?:by|before|until|between|in|on|from|circa|around|about|the|end|early|mid|late|of)\b[\s-]*)*"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,?\s*)?"
_DATE = re.compile(
    rf"{_MODIFIER}{_WEEKDAY}(?:the\s+)?(?:"
    rf"(?:(?P<day>\d{{1,2}})\s*(?:st|nd|rd|th)?\s*(?:of\s+)?[\s-]*)?(?P<month>{MONTH})\.?[\s,-]*(?P<year>{YEAR})?"
    rf"|(?P<us_month>{MONTH})\.?\s*(?P<us_day>\d{{1,2}})(?:st|nd|rd|th)?\s*,\s*(?P<us_year>{YEAR})"
    rf"|(?P<iso_year>{YEAR})-(?P<iso_month>\d\d)(?:-(?P<iso_day>\d\d))?"
    rf"|(?P<first>\d{{1,2}})[/.](?P<second>\d{{1,2}})[/.](?P<number_year>{YEAR})"
    rf"|(?P<fiscal>{YEAR})/(?P<fiscal_end>\d\d)"
    rf"|(?P<bare_year>{YEAR})"
    rf"|(?P<bare_day>\d{{1,2}})(?:st|nd|rd|th)?"
    r")(?P<rest>\s*[.,;]*\s*(?:\([^()]*\))?\s*[.,;]*)",
    re.IGNORECASE,
)
_ONGOING = re.compile(
    r"\(?\s*(?:on[\s\-‐‑]?going|continuing|continuous|open[\s-]?ended|onwards?|present|no end(?: date)?)\b"
    r"[^()]{0,80}\)?[\s.]*",
    re.IGNORECASE,
)
_NOT_APPLICABLE = re.compile(r"(?:no\s+longer\s+applicable|not\s+applicable|n\s*/?\s*a)[\s.]*", re.IGNORECASE)
_OPEN_TAIL = re.compile(r"\s*(\(\s*on[\s\-‐‑]?going\s*\)|\bon[\s\-‐‑]?going\b|\bonwards?\b)[\s.]*$", re.IGNORECASE)
_BEFORE_TAIL = " \u00a0-–—‐‑,"
_BETWEEN = re.compile(r"(?P<left>between\b.+)\band\b(?P<right>.+)", re.IGNORECASE | re.DOTALL)
_SEPARATOR = re.compile(
    r"\s+(?:to|until|till|through)\s+|\s*[–—−‒‐‑]\s*|\s+-+\s*|-+\s+|-+|(?<!\d)/|(?:(?<=\d{4})|(?<=\d{4}-\d\d)|(?<=\d{4}-\d\d-\d\d))/|\s+/\s*|/(?!\d)",
    re.IGNORECASE,
)
# A range of which one side is left out.
_HALF = re.compile(r"(?:(?P<after>[-–—]\s*)|(?P<from>from\b))?(?P<date>[^–—]+?)(?P<before>\s*[-–—])?", re.IGNORECASE)
# What may stand around a reporting period, and its months where they are listed one by one.
_LEAD_IN = re.compile(
    r"(?:the\s+)?(?:reporting\s+)?(?:period|quarter)\b\s*(?P<end>end(?:ed|ing)\b)?\s*:?\s*(?=\S)", re.IGNORECASE
)
_QUARTER = re.compile(r"\s+quarter\.?$", re.IGNORECASE)
_LISTED = re.compile(
    rf"(?P<first>{MONTH}(?:\s+{YEAR})?)(?:\s*,\s*{MONTH})*(?:\s*,|(?:\s*,)?\s+and\b|\s*&)\s*(?P<last>{MONTH}\s+{YEAR})\.?",
    re.IGNORECASE,
)
_END_ONLY = re.compile(r"\s*(?:up\s+)?to\s+", re.IGNORECASE)


class DateRead(Struct, frozen=True):
    """One date: `value` is a partial ISO date or None; `ongoing` where the text says that there is no end."""

    value: str | None = None
    ongoing: bool = False
    codes: tuple[str, ...] = ()


class RangeRead(Struct, frozen=True):
    """The two sides of a range as printed and as read; a single date is the end."""

    start_raw: str | None = None
    start: str | None = None
    end_raw: str | None = None
    end: str | None = None
    ongoing: bool = False
    codes: tuple[str, ...] = ()


class Period(NamedTuple):
    """First and last day, inclusive; no start where only an end is printed, no end where nothing could be read."""

    start: date | None
    end: date | None
    codes: tuple[str, ...] = ()


class _Parts(NamedTuple):
    """What one side of a range prints; a fiscal year is known by both of its years."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    fiscal: bool = False


def first_day(partial: str) -> date:
    """The day on which a year, month or day begins."""
    year, month, day = [int(part) for part in (partial + "-01-01")[:10].split("-")]
    return date(year, month, day)


def last_day(partial: str) -> date:
    """The day on which a year, month or day ends."""
    parts = [int(part) for part in partial.split("-")]
    month = parts[1] if len(parts) > 1 else 12
    return date(parts[0], month, parts[2] if len(parts) > 2 else monthrange(parts[0], month)[1])


def read_date(raw: str, start: bool = False) -> DateRead:
    """One date. `start` takes the beginning of a fiscal year (July to June) instead of its end.

    Codes: `invalid_day`, `date_ambiguous`, `date_unreadable`.
    """
    text = raw.strip()
    if _ONGOING.fullmatch(text):
        return DateRead(ongoing=True)
    if not text or _NOT_APPLICABLE.fullmatch(text):
        return DateRead()
    parts = _parts(text)
    if isinstance(parts, str):
        return DateRead(codes=(parts,))
    if parts.year is None:
        return DateRead(codes=("date_unreadable",))
    return _value(parts, start)


def is_open_or_absent(raw: str) -> bool:
    """Whether the text stands where a date would and says that there is none: “Ongoing”, “No longer applicable”."""
    return bool(_ONGOING.fullmatch(raw.strip()) or _NOT_APPLICABLE.fullmatch(raw.strip()))


def is_not_applicable(raw: str | None) -> bool:
    """Whether a date says that it does not apply."""
    return raw is not None and bool(_NOT_APPLICABLE.fullmatch(raw.strip()))


def read_range(raw: str) -> RangeRead:
    """Two dates and what stands between them; a single date is the end and has the code `single_date`.

    Further codes: `start_event` (the start is no date), `dates_reversed`, and those of `read_date`.
    """
    text = raw.strip()
    if not text or len(text) > LONGEST:
        return RangeRead(end_raw=text or None, codes=("date_unreadable",) if text else ())
    whole = read_date(text)
    if whole.ongoing or _NOT_APPLICABLE.fullmatch(text):
        return RangeRead(end_raw=text, ongoing=whole.ongoing)
    tail = _OPEN_TAIL.search(text)
    if tail and not isinstance(before := _parts(text[: tail.start()].rstrip(_BEFORE_TAIL)), str) and before.year:
        start_raw = text[: tail.start()].rstrip(_BEFORE_TAIL)
        value = _value(before, start=True)
        return RangeRead(start_raw, value.value, tail[1], None, True, value.codes)
    if half := _half(text):
        return half
    # A fiscal year is both sides at once, and is kept as one.
    if whole.value is not None or "date_ambiguous" in whole.codes:
        return RangeRead(end_raw=text, end=whole.value, codes=("single_date", *whole.codes))
    best = max((_split(left, right) for left, right in _splits(text)), key=_readability, default=None)
    if best is None or not _readability(best):
        return RangeRead(end_raw=text, codes=("date_unreadable",))
    return best


def read_period(raw: str, end_only: bool = False) -> Period:
    """The days of a reporting period; `end_only` where the label says “to”, which one day or month then ends."""
    text = raw.strip()
    if len(text) <= LONGEST:
        text, only = _bare_period(text)
        end_only = end_only or only
    read = read_range(text)
    codes = tuple(code for code in read.codes if code == "invalid_day")
    if read.end is None:
        return Period(None, None, codes)
    end = last_day(read.end)
    if read.start is None:
        fiscal = re.fullmatch(rf"{YEAR}/\d\d", text.rstrip("."))
        single_day = len(read.end) == 10 or "invalid_day" in codes
        if end_only or single_day or "single_date" not in read.codes:
            return Period(None, end, codes)
        return Period(date(end.year - 1, 7, 1) if fiscal else first_day(read.end), end, codes)
    start = first_day(read.start)
    return Period(start, end, codes) if start <= end else Period(None, end, codes)


def _bare_period(text: str) -> tuple[str, bool]:
    """A period without the words around it, and whether they say that it is an end only: “the quarter ended June 2019”."""
    end_only = False
    if lead_in := _LEAD_IN.match(text):
        text, end_only = text[lead_in.end() :], lead_in["end"] is not None
    if quarter := _QUARTER.search(text):
        text, end_only = text[: quarter.start()], True
    if to := _END_ONLY.match(text):
        text, end_only = text[to.end() :], True
    if listed := _LISTED.fullmatch(text):
        text = f"{listed['first']} to {listed['last']}"
    return text, end_only


def _parts(text: str) -> _Parts | str:
    """What a date prints, or the code that says why it cannot be read."""
    match = _DATE.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return "date_unreadable"
    found = match.groupdict()
    if found["first"]:
        return _numeric(int(found["first"]), int(found["second"]), int(found["number_year"]))
    if found["fiscal"]:
        year = int(found["fiscal"])
        if int(found["fiscal_end"]) == (year + 1) % 100:
            return _Parts(year + 1, 6, None, fiscal=True)
        return "date_unreadable"
    if found["iso_month"]:
        month = int(found["iso_month"])
        day = int(found["iso_day"]) if found["iso_day"] else None
        return _Parts(int(found["iso_year"]), month, day) if 1 <= month <= 12 else "date_unreadable"
    year_text = found["year"] or found["us_year"] or found["bare_year"]
    month_text = found["month"] or found["us_month"]
    day_text = found["day"] or found["us_day"] or found["bare_day"]
    return _Parts(
        int(year_text) if year_text else None,
        MONTH_NUMBERS[month_text.lower()] if month_text else None,
        int(day_text) if day_text else None,
    )


def _numeric(first: int, second: int, year: int) -> _Parts | str:
    """Day and month as numbers: read only where one order is possible."""
    orders = {(second, first), (first, second)}
    possible = [(month, day) for month, day in orders if 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]]
    if len(possible) == 1:
        return _Parts(year, *possible[0])
    return "date_ambiguous" if possible else "date_unreadable"


def _value(parts: _Parts, start: bool = False) -> DateRead:
    assert parts.year is not None
    if parts.fiscal and start:
        return DateRead(f"{parts.year - 1:04}-07")
    if parts.month is None:
        return DateRead(f"{parts.year:04}")
    if parts.day is None:
        return DateRead(f"{parts.year:04}-{parts.month:02}")
    if 1 <= parts.day <= monthrange(parts.year, parts.month)[1]:
        return DateRead(f"{parts.year:04}-{parts.month:02}-{parts.day:02}")
    return DateRead(f"{parts.year:04}-{parts.month:02}", codes=("invalid_day",))


def _half(text: str) -> RangeRead | None:
    """A range that prints one side only: “July 2019 –” and “From July 2019” are a start, “– July 2019” is an end."""
    found = _HALF.fullmatch(text)
    if found is None or bool(found["after"]) == bool(found["from"] or found["before"]):
        return None
    parts = _parts(found["date"].strip())
    if isinstance(parts, str) or parts.year is None:
        return None
    read = _value(parts, start=not found["after"])
    if found["after"]:
        return RangeRead(end_raw=text, end=read.value, codes=("single_date", *read.codes))
    return RangeRead(start_raw=text, start=read.value, codes=read.codes)


def _splits(text: str) -> list[tuple[str, str]]:
    if between := _BETWEEN.fullmatch(text):
        return [(between["left"].strip(), between["right"].strip())]
    return [
        (text[: found.start()].strip(), text[found.end() :].strip())
        for found in _SEPARATOR.finditer(text)
        if found.start() and found.end() < len(text)
    ]


def _readability(read: RangeRead) -> int:
    """How much of a split could be read: an end weighs more than a start, because a start may be an event."""
    end = 2 if read.end or read.ongoing or is_not_applicable(read.end_raw) else 0
    return end + (1 if read.start else 0) + (4 if end and read.start else 0)


def _split(left: str, right: str) -> RangeRead:
    """A range cut at one separator; what one side leaves out, it takes from the other."""
    start, end = _parts(left), _parts(right)
    end_codes: tuple[str, ...] = ()
    if isinstance(end, str):
        end_read = DateRead(ongoing=bool(_ONGOING.fullmatch(right)))
        if not end_read.ongoing and not is_not_applicable(right):
            end_codes = (end,)
    else:
        if not isinstance(start, str):
            start, end = _completed(start, end)
        end_read = _value(end) if end.year else DateRead(codes=("date_unreadable",))
        end_codes = end_read.codes
    if isinstance(start, str) or start.year is None:
        code = "date_ambiguous" if start == "date_ambiguous" else "start_event"
        return RangeRead(left, None, right, end_read.value, end_read.ongoing, (code, *end_codes))
    start_read = _value(start, start=True)
    codes = (*start_read.codes, *end_codes)
    if start_read.value and end_read.value and first_day(start_read.value) > last_day(end_read.value):
        codes += ("dates_reversed",)
    return RangeRead(left, start_read.value, right, end_read.value, end_read.ongoing, codes)


def _completed(start: _Parts, end: _Parts) -> tuple[_Parts, _Parts]:
    """Both sides with the month and year that only one of them prints; December to February 2018 began in 2017."""
    if start.month is None and start.day is not None and start.year is None:
        start = start._replace(month=end.month)
    if end.month is None and end.day is not None:
        return start, _Parts()
    if start.year is None and end.year is not None and start.month is not None and end.month is not None:
        start = start._replace(year=end.year - (start.month > end.month))
    elif end.year is None and start.year is not None and start.month is not None and end.month is not None:
        end = end._replace(year=start.year + (start.month > end.month))
    return start, end
