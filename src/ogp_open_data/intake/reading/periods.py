"""The period of a report, from its labelled line, and what title, second heading and address say instead."""

import re
from datetime import date

from ogp_open_data.intake.reading.dates import ABBREVIATED, LONGEST, Period, read_period, read_range
from ogp_open_data.intake.reading.labels import months
from ogp_open_data.intake.reading.lines import Line
from ogp_open_data.records import Finding

_MONTHS = {name: n for n, name in enumerate(ABBREVIATED, 1)}
_DIGITS = re.compile(r"\d{4}")
_LONGEST_PERIOD = 60
_IN_ADDRESS = re.compile(r"commitment-(\w+?)-(?:[a-z]+-)*?(?:report|update)\b-?([^?#]*)", re.IGNORECASE)


def labelled(line: Line) -> tuple[str | None, Period, list[Finding]]:
    """Raw text, days and findings of a period line."""
    assert line.mark
    raw = line.mark.value
    period = read_period(raw, end_only=line.mark.label == "to")
    return raw or None, period, _remarks(raw, period, line.line)


def unlabelled(raw: str, line: int) -> tuple[str | None, Period, list[Finding]]:
    """The same of a period that stands in a line, title or heading without its label."""
    period = read_period(raw)
    message = "The period has no line of its own with a label; it was read from this text."
    return raw, period, [Finding("period_unlabelled", "period", raw, line, message), *_remarks(raw, period, line)]


def is_period(text: str) -> bool:
    """Whether a whole line is a range or a month, and no single day, which could be any date."""
    if len(text) > _LONGEST_PERIOD or not _DIGITS.search(text):
        return False
    read = read_range(text)
    if not read.end:
        return False
    return bool(read.start) or ("single_date" in read.codes and len(read.end) == 7 and "invalid_day" not in read.codes)


def _remarks(raw: str, period: Period, line: int) -> list[Finding]:
    if period.end is None:
        return [Finding("period_unreadable", "period", raw, line, "This is no period that we can read; none is given.")]
    found = []
    if period.start is None:
        message = "Only the end of the period is printed; its start is not known."
        found.append(Finding("period_end_only", "period", raw, line, message))
    if "invalid_day" in period.codes:
        found.append(Finding("invalid_day", "period", raw, line, "There is no such day; its month was read."))
    return found


def compared(period: Period, claims: list[tuple[str, Line]]) -> list[Finding]:
    """What the titles say of the period beside its line: another month or year, or only its end."""
    found: dict[str, Finding] = {}
    for text, line in claims:
        if period.end is None:
            break
        if disagrees(period.start, period.end, text):
            message = "The title or heading gives another period than the period line, which was followed."
            found.setdefault("period_conflict", Finding("period_conflict", "period", line.text, line.line, message))
        elif _is_end_only(period, text):
            message = "The title or heading names only the end of the period."
            found.setdefault("heading_end_only", Finding("heading_end_only", "period", line.text, line.line, message))
    return list(found.values())


def _is_end_only(period: Period, text: str) -> bool:
    if period.start is None or period.end is None or _month(period.start) == _month(period.end):
        return False
    return len([month for _, month in months(text) if month]) == 1


def disagrees(start: date | None, end: date, text: str) -> bool:
    """Whether a text names another month or year than the period; its last month alone agrees.

    Months are compared without a year where the text prints none for them; December to February 2018 begins in 2017.
    """
    named = months(text)
    claimed = [(year, _MONTHS[month]) for year, month in named if month]
    if not claimed:
        years = {year for year, _ in named}
        return bool(years) and not years <= {end.year, start.year if start else end.year}
    if len(claimed) > 2:
        return False
    last_year, last = claimed[-1]
    if last != end.month or last_year not in (None, end.year):
        return True
    if len(claimed) == 1 or start is None:
        return False
    year, month = claimed[0]
    if year is None and last_year is not None:
        year = last_year - (month > last)
    return month != start.month or year not in (None, start.year)


def address_differs(url: str, number: str, period: Period) -> str | None:
    """What in a report's address speaks of another commitment or period; None where nothing does."""
    slug = url.rstrip("/").rpartition("/")[2][:LONGEST]
    found = _IN_ADDRESS.search(slug)
    if found is None:
        return None
    if found[1].lower() != number.lower():
        return f"commitment {found[1]}"
    if period.end is not None and disagrees(period.start, period.end, found[2].replace("-", " ")):
        return found[2].replace("-", " ").strip()
    return None


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month
