"""Printed dates, ranges and periods are read at their own precision, by the rules and never by a guess."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogp_open_data.intake.reading.dates import (
    ABBREVIATED,
    MONTHS,
    first_day,
    is_open_or_absent,
    last_day,
    read_date,
    read_period,
    read_range,
)

DAYS = st.dates(min_value=date(1950, 1, 1), max_value=date(2099, 12, 31))


def printed_months(year: int, month: int) -> list[str]:
    name, short = MONTHS[month - 1].capitalize(), ABBREVIATED[month - 1].capitalize()
    return [
        f"{name} {year}",
        f"{name}{year}",
        f" {short}  {year}.",
        f"{short}. {year}",
        name.upper() + f" {year}",
        f"{year}-{month:02}",
    ]


def printed_days(day: date) -> list[str]:
    name, short = MONTHS[day.month - 1].capitalize(), ABBREVIATED[day.month - 1]
    return [
        f"{day.day} {name} {day.year}",
        f"{day.day}th of {name}, {day.year}",
        f"{name} {day.day}, {day.year}",
        f"{day.day:02}-{short}-{day.year}",
        f"Monday {day.day} {short} {day.year}.",
        day.isoformat(),
    ]


@given(day=DAYS)
def test_a_day_is_read_back_from_every_way_to_print_it(day: date):
    assert {read_date(text).value for text in printed_days(day)} == {day.isoformat()}


@given(day=DAYS)
def test_a_month_is_read_back_from_every_way_to_print_it(day: date):
    assert {read_date(text).value for text in printed_months(day.year, day.month)} == {f"{day:%Y-%m}"}


@given(day=DAYS)
def test_a_year_is_read_back_from_every_way_to_print_it(day: date):
    texts = [f"{day:%Y}", f" {day:%Y}. ", f"early {day:%Y}", f"Mid-{day:%Y}", f"end of {day:%Y}", f"by {day:%Y}"]
    assert {read_date(text).value for text in texts} == {f"{day:%Y}"}


@given(one=DAYS, other=DAYS, joint=st.sampled_from(["–", " – ", " - ", "-", " to ", " –", " until ", "/"]))
def test_a_range_of_months_is_read_back_with_every_separator(one: date, other: date, joint: str):
    start, end = sorted((one, other))
    read = read_range(f"{MONTHS[start.month - 1]} {start.year}{joint}{MONTHS[end.month - 1]} {end.year}")
    assert (read.start, read.end, read.codes) == (f"{start:%Y-%m}", f"{end:%Y-%m}", ())


@given(one=DAYS, other=DAYS)
def test_a_range_of_days_is_read_back_with_its_raw_sides(one: date, other: date):
    start, end = sorted((one, other))
    read = read_range(f"{start.isoformat()}/{end.isoformat()}")
    assert (read.start_raw, read.start, read.end_raw, read.end) == (str(start), str(start), str(end), str(end))


@given(raw=st.text(max_size=250))
def test_nonsense_is_never_an_error(raw: str):
    read_date(raw), read_range(raw), read_period(raw), read_period(raw, end_only=True), is_open_or_absent(raw)


PIECES = [
    "1",
    "31",
    "June",
    "sept",
    "2018",
    "2016/17",
    "to",
    "-",
    "–",
    "/",
    ".",
    "(",
    "ongoing",
    ")",
    "of",
    "by",
    "N/A",
    " ",
]


@given(raw=st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_a_value_is_always_a_day_that_exists(raw: str):
    read, period = read_range(raw), read_period(raw)
    for value in filter(None, (read_date(raw).value, read.start, read.end)):
        assert first_day(value) <= last_day(value)
    assert period.start is None or (period.end is not None and period.start <= period.end)


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("June 2018.", "2018-06", ()),
        ("June  2021", "2021-06", ()),
        ("31 April 2019", "2019-04", ("invalid_day",)),
        ("2017-04-31", "2017-04", ("invalid_day",)),
        ("29 February 2019", "2019-02", ("invalid_day",)),
        ("30/9/2014", "2014-09-30", ()),
        ("4/30/2014", "2014-04-30", ()),
        ("3/4/2018", None, ("date_ambiguous",)),
        ("5/5/2018", "2018-05-05", ()),
        ("2018-13", None, ("date_unreadable",)),
        ("June", None, ("date_unreadable",)),
        ("2016/17", "2017-06", ()),
        ("2016/18", None, ("date_unreadable",)),
        ("30 November 2019 (then periodically ongoing)", "2019-11-30", ()),
        ("When the Bill is passed", None, ("date_unreadable",)),
        ("No longer applicable", None, ()),
        ("", None, ()),
    ],
)
def test_a_date_is_read_by_its_rule(raw: str, value: str | None, codes: tuple[str, ...]):
    read = read_date(raw)
    assert (read.value, read.codes, read.ongoing) == (value, codes, False)


@pytest.mark.parametrize("raw", ["Ongoing", "On-going", "(ongoing)", "on going.", "Ongoing through project"])
def test_an_open_end_is_ongoing_and_no_date(raw: str):
    read = read_range(raw)
    assert (read.end_raw, read.end, read.ongoing, read.codes) == (raw, None, True, ())


@pytest.mark.parametrize(
    ("raw", "start_raw", "start", "end_raw", "end", "ongoing", "codes"),
    [
        ("April 2019-June2019", "April 2019", "2019-04", "June2019", "2019-06", False, ()),
        ("June – October 2019", "June", "2019-06", "October 2019", "2019-10", False, ()),
        ("1 May to 30 June 2019", "1 May", "2019-05-01", "30 June 2019", "2019-06-30", False, ()),
        ("1 – 30 June 2019", "1", "2019-06-01", "30 June 2019", "2019-06-30", False, ()),
        ("December to February 2018", "December", "2017-12", "February 2018", "2018-02", False, ()),
        ("August 2018 to 30 November 2018", "August 2018", "2018-08", "30 November 2018", "2018-11-30", False, ()),
        ("2018 – 2020", "2018", "2018", "2020", "2020", False, ()),
        ("June 2018/June 2020", "June 2018", "2018-06", "June 2020", "2020-06", False, ()),
        ("From June 2018 to July 2019", "From June 2018", "2018-06", "July 2019", "2019-07", False, ()),
        ("October 2019", None, None, "October 2019", "2019-10", False, ("single_date",)),
        ("1 May 2019 (ongoing)", "1 May 2019", "2019-05-01", "(ongoing)", None, True, ()),
        ("June 2020 -  On-going", "June 2020", "2020-06", "On-going", None, True, ()),
        ("June 2020 onwards", "June 2020", "2020-06", "onwards", None, True, ()),
        ("No longer applicable", None, None, "No longer applicable", None, False, ()),
        ("1 May 2019 to 31 June 2020", "1 May 2019", "2019-05-01", "31 June 2020", "2020-06", False, ("invalid_day",)),
        ("June 2020 – TBC", "June 2020", "2020-06", "TBC", None, False, ("date_unreadable",)),
        ("June 2020 – May 2019", "June 2020", "2020-06", "May 2019", "2019-05", False, ("dates_reversed",)),
        ("After (say 2018) to June 2019", "After (say 2018)", None, "June 2019", "2019-06", False, ("start_event",)),
        ("3/4/2018 - 5/6/2018", None, None, "3/4/2018 - 5/6/2018", None, False, ("date_unreadable",)),
    ],
)  # fmt: skip
def test_a_range_is_read_by_its_rule(raw, start_raw, start, end_raw, end, ongoing, codes):
    read = read_range(raw)
    assert (read.start_raw, read.start, read.end_raw, read.end) == (start_raw, start, end_raw, end)
    assert (read.ongoing, read.codes) == (ongoing, codes)


@pytest.mark.parametrize(
    ("raw", "start", "end"),
    [
        ("September to November 2017", "2017-09-01", "2017-11-30"),
        ("December to February 2018", "2017-12-01", "2018-02-28"),
        ("June 2018 – January 2019", "2018-06-01", "2019-01-31"),
        ("1 January 2019 – 30 April 2019", "2019-01-01", "2019-04-30"),
        ("November –December 2020", "2020-11-01", "2020-12-31"),
        ("Sep 2019 – Dec 2019", "2019-09-01", "2019-12-31"),
        ("July  – Sept 2020", "2020-07-01", "2020-09-30"),
        ("December 2019", "2019-12-01", "2019-12-31"),
        ("February 2020", "2020-02-01", "2020-02-29"),
        ("31 December 2019", None, "2019-12-31"),
        ("to May 2019", None, "2019-05-31"),
        ("2016/17", "2016-07-01", "2017-06-30"),
        ("2018-06/2018-08", "2018-06-01", "2018-08-31"),
        ("last summer", None, None),
    ],
)
def test_a_period_covers_whole_months(raw: str, start: str | None, end: str | None):
    read = read_period(raw)
    assert [day and day.isoformat() for day in read[:2]] == [start, end]


def test_a_period_after_the_word_to_has_a_start_only_where_a_range_is_printed():
    assert read_period("June 2019", end_only=True)[:2] == (None, date(2019, 6, 30))
    assert read_period("January – March 2019", end_only=True)[:2] == (date(2019, 1, 1), date(2019, 3, 31))
