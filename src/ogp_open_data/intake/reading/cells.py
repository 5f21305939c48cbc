"""What a cell of a table says: agencies, numbers, dates, and the milestone of a row.

A date that only a person can mend is a fault where only a date will do, and a finding where the printed text is kept.
"""

import re
from datetime import date
from functools import lru_cache

from ogp_open_data.intake.deciding.identify import OWN_COMMITMENT
from ogp_open_data.intake.reading.dates import LONGEST, DateRead, RangeRead, first_day, last_day, read_date, read_range
from ogp_open_data.intake.reading.drafts import MilestoneDraft
from ogp_open_data.intake.reading.leads import split_leads
from ogp_open_data.intake.reading.sheet import Remarks, Row, items, short
from ogp_open_data.intake.reading.vocabulary import Vocabulary

# Milestones are matched with those held pair by pair: 200 of one commitment take seconds, 800 a minute.
MAX_MILESTONES = 200
# By printed number; those without one by their row.
Milestones = dict[str | int, MilestoneDraft]
# A list of agencies; longer is prose in the wrong column.
MAX_LEADS = 1_000
# Our own ids where a number belongs: someone sends back a file that was downloaded here.
_OWN_ID = re.compile(r"[a-z]{2}-[a-z0-9-]+")
_OWN = {
    "commitment": re.compile(OWN_COMMITMENT),
    "milestone": re.compile(r"[a-z]{2}-[a-z0-9-]+-m[a-z0-9-]+"),
}
_MADE_A_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")
DAY = "write the day as 2017-09-30, or the month as 2017-09"
INVALID_DAY = "There is no such day; its month was read."
_DATES = {
    "invalid_day": INVALID_DAY,
    "date_ambiguous": "Day and month can be read in either order; no date is given.",
    "date_unreadable": "This is not a date that we can read; its text is kept.",
    "start_event": "The start is an event, not a date; its text is kept and no date is given.",
    "dates_reversed": "The start is after the end; both are kept as printed.",
}


def leads_of(row: Row, column: str, vocabulary: Vocabulary, remarks: Remarks) -> list[str]:
    """Agencies as printed, or joined with |; an agency that we know by a name with a bar in it stays whole."""
    cell = row.get(column) or ""
    if len(cell) > MAX_LEADS:
        remarks.fault(row, column, f"the cell has more than {MAX_LEADS:,} characters; name the agencies only")
        return []
    whole = "|" not in cell or vocabulary.organisation_by_name(cell) is not None
    return [lead for part in ([cell] if whole else items(cell)) for lead in split_leads(part, vocabulary)]


def own_id(row: Row, column: str) -> str | None:
    """The id in a cell of `commitment` or `milestone`, as our own exports have it there."""
    cell = row.get(column)
    return cell if cell is not None and _OWN[column].fullmatch(cell) else None


def number_of(row: Row, column: str, remarks: Remarks) -> str | None:
    """A printed number as text; other ids are refused, for they would make new records of strange names."""
    cell = row.get(column)
    if cell is not None and _MADE_A_DATE.fullmatch(cell):
        remarks.fault(row, column, "a spreadsheet has made a date of this number; format the column as text")
        return None
    if cell is not None and (_OWN_ID.fullmatch(cell) or not re.search(r"[A-Za-z0-9]", cell)):
        remarks.fault(row, column, "give the number as printed, for example 5, not an id")
        return None
    return cell


def partial_of(row: Row, column: str, remarks: Remarks) -> str | None:
    """A date where only a date will do."""
    cell = row.get(column)
    if cell is None:
        return None
    read = _read(cell, start=column in ("starts", "period_start"))
    if read.value is None or read.codes:
        remarks.fault(row, column, f"this is no date, or can be read in two ways; {DAY}, or leave the cell empty")
        return None
    return read.value


def day_of(row: Row, column: str, remarks: Remarks) -> date | None:
    """The first day of a start, the last day of an end."""
    partial = partial_of(row, column, remarks)
    if partial is None:
        return None
    return first_day(partial) if column in ("starts", "period_start") else last_day(partial)


def plan_key(row: Row, vocabulary: Vocabulary) -> str | None:
    """The plan of a row for comparison, whether it is given by id or by label."""
    cell = row.get("plan")
    known = vocabulary.plan_by_label(cell) if cell else None
    return known.id if known else cell


def milestone_of(row: Row, remarks: Remarks, status: tuple[str | None, str] = (None, "unknown")) -> MilestoneDraft:
    """The milestone of a row; without a number it is known by its place."""
    number = number_of(row, "milestone", remarks)
    dates = _dates(row)
    for field, code in _codes(row, dates):
        raw = dates.start_raw if field == "start" else dates.end_raw
        remarks.finding(code, field, short(raw), row, _DATES[code])
    if row.get("milestone") is None:
        message = "This milestone has no number; it is known by its place."
        remarks.finding("milestone_unnumbered", "number", short(row.get("text")), row, message)
    return MilestoneDraft(
        number=number,
        text=row.get("text"),
        start_raw=dates.start_raw,
        start=dates.start,
        end_raw=dates.end_raw,
        end=dates.end,
        ongoing=dates.ongoing,
        status_raw=status[0],
        status=status[1],
        line=row.number,
        source_url=row.get("source_url"),
    )


def _dates(row: Row) -> RangeRead:
    """Start and end of a milestone; a range that stands in `ends` alone is both."""
    start_raw, end_raw = row.get("starts"), row.get("ends")
    both = read_range(end_raw or "") if len(end_raw or "") <= LONGEST else RangeRead()
    if start_raw is None and both.start_raw is not None and (both.end or both.ongoing):
        return both
    start, end = _read(start_raw or "", start=True), _read(end_raw or "")
    return RangeRead(start_raw, start.value, end_raw, end.value, end.ongoing)


def _codes(row: Row, dates: RangeRead) -> list[tuple[str, str]]:
    """What is odd about the dates of a row, each with its field."""
    # In a range each side leans on the other: February to April 2019.
    if dates.start_raw != row.get("starts"):
        return [("start" if code in ("start_event", "dates_reversed") else "end", code) for code in dates.codes]
    start, end = _read(dates.start_raw or "", start=True), _read(dates.end_raw or "")
    codes = [("start", "start_event" if code == "date_unreadable" else code) for code in start.codes]
    codes += [("end", code) for code in end.codes]
    if start.value and end.value and first_day(start.value) > last_day(end.value):
        codes.append(("start", "dates_reversed"))
    return codes


def _read(raw: str, start: bool = False) -> DateRead:
    """One date. The many rows of a table have few different ones; this halves the time of a large table."""
    return _remembered(raw, start) if len(raw) <= LONGEST else read_date(raw, start)


@lru_cache(maxsize=1024)
def _remembered(raw: str, start: bool) -> DateRead:
    return read_date(raw, start)


def add(milestones: Milestones, one: MilestoneDraft, row: Row, remarks: Remarks) -> None:
    """Add a milestone to its fellows, among whom its number stands once."""
    twin = milestones.setdefault(row.number if one.number is None else one.number, one)
    if twin is not one:
        remarks.fault(row, "milestone", f"row {twin.line} has this number already")
    elif len(milestones) > MAX_MILESTONES:
        remarks.fault(row, "milestone", f"one commitment has more than {MAX_MILESTONES} milestones; check the numbers")
