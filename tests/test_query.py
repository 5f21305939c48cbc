"""Query parameters and cursors: what is odd is refused by name, all at once, with the remedy."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest, CursorGone
from ogp_open_data.formats import FORMATS
from ogp_open_data.records import NOUNS, Filter
from ogp_open_data.store.listings import Listing
from ogp_open_data.web import cursors, query

EPOCH = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
ALLOWED = query.parameters("commitments")


def refused(*pairs: tuple[str, str]) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        query.read(pairs, ALLOWED)
    return caught.value


def test_unknown_parameter_names_the_nearest_known_one() -> None:
    assert "did you mean status?" in refused(("statsu", "delayed")).detail


def test_all_faults_are_told_at_once() -> None:
    error = refused(("limit", "0"), ("plan", "NZ"), ("statsu", "x"), ("sort", "idd"))
    assert [one["parameter"] for one in error.extra["errors"]] == ["limit", "plan", "statsu", "sort"]


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1" + "0" * 30, "1.0", "٣", " 5", "", "1e3", "0x1"])
def test_limit_is_a_whole_number_in_range(limit: str) -> None:
    assert refused(("limit", limit)).extra["errors"][0]["parameter"] == "limit"


def test_repeated_parameter_is_refused() -> None:
    assert "once" in refused(("limit", "1"), ("limit", "2")).detail


@pytest.mark.parametrize(
    "day", ["2025-02-29", "2025-02-30", "0000-01-01", "10000-01-01", "2025-13-01", "-0044-03-15", "2025-2-3", "x"]
)
def test_days_that_are_none_are_refused(day: str) -> None:
    with pytest.raises(BadRequest):
        query.read([("period_from", day)], query.parameters("progress"))


def test_filters_apply_where_records_have_the_field() -> None:
    assert "period_to" in query.parameters("progress")
    assert "period_to" not in query.parameters("commitments")
    assert "timeliness" not in query.parameters("reports")
    assert "plan" in query.parameters("plans")


def test_order_of_ids_makes_no_other_question() -> None:
    one = query.read([("id", "b,a,b")], ALLOWED)
    assert one == query.read([("id", "a,b")], ALLOWED)
    assert one.filter.id == ("a", "b")


def test_macrons_are_folded_in_searches() -> None:
    assert query.read([("q", "Māori")], ALLOWED).filter.q == "Maori"


@given(st.sampled_from(sorted(NOUNS)), st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4))
def test_nothing_but_a_bad_request_ever_comes_of_odd_parameters(noun: str, pairs: list[tuple[str, str]]) -> None:
    for format in (None, *FORMATS.values()):
        try:
            query.read(pairs, query.parameters(noun, format))
        except BadRequest as error:
            assert error.extra["errors"]


LISTING = Listing(noun="milestones", release=4, filter=Filter(plan="nz-nap2"), sort="due_on")


def test_cursor_goes_on_where_it_was_cut() -> None:
    place = cursors.decode(cursors.encode(EPOCH, LISTING, 31, (date(2018, 6, 30), "key"), 30))
    assert (place.release, place.total) == (4, 31)
    assert cursors.after(place, LISTING) == (date(2018, 6, 30), "key")


def test_page_asks_for_one_row_more_than_it_has_but_not_for_more_than_there_are() -> None:
    assert [cursors.most(100, total, None) for total in (None, 0, 99, 100, 101, 500)] == [101, 0, 99, 100, 101, 101]
    place = cursors.decode(cursors.encode(EPOCH, LISTING, 500, (date(2018, 6, 30), "key"), 40))
    assert cursors.most(100, place.total, place) == 40
    # One of an older program does not know how many are left.
    assert cursors.most(100, place.total, replace(place, left=None)) == 101


def test_cursor_of_another_history_is_gone() -> None:
    place = cursors.decode(cursors.encode(EPOCH, LISTING, 31, (date(2018, 6, 30), "key"), 30))
    cursors.check(place, EPOCH)
    with pytest.raises(CursorGone, match="begin it again"):
        cursors.check(place, EPOCH.replace("1", "2"))


def test_cursor_of_another_list_is_refused() -> None:
    place = cursors.decode(cursors.encode(EPOCH, LISTING, 31, (date(2018, 6, 30), "key"), 30))
    with pytest.raises(BadRequest, match="another list"):
        cursors.after(place, Listing(noun="milestones", release=4, sort="due_on"))


@given(st.integers(0, 200), st.integers(1, 255))
def test_damaged_cursor_is_refused(at: int, change: int) -> None:
    whole = cursors.encode(EPOCH, LISTING, 31, (date(2018, 6, 30), "key"), 30)
    at %= len(whole)
    damaged = whole[:at] + chr((ord(whole[at]) + change) % 128) + whole[at + 1 :]
    if damaged == whole:
        return
    with pytest.raises(BadRequest):
        cursors.decode(damaged)
    with pytest.raises(BadRequest):
        cursors.decode(whole[:at])
