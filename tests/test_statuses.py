"""Status words become the closed list; what nobody knows stays unknown and says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.statuses import key, read_status
from ogp_open_data.records import STATUSES

WORDS = vocabulary.load().words


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("Completed", "completed"),
        ("complete", "completed"),
        ("fully completed", "completed"),
        ("Fully implemented", "completed"),
        ("Completed in June 2018", "completed"),
        ("Completed (late)", "completed"),
        (" Underway ", "underway"),
        ("On-going", "underway"),
        ("On track", "underway"),
        ("Ahead of schedule", "underway"),
        ("Substantial progress", "underway"),
        ("Underway – on track", "underway"),
        ("some delays", "delayed"),
        ("Behind schedule", "delayed"),
        ("Not Started", "not_started"),
        ("not_started", "not_started"),
        ("N/A (Scheduled to start in April 2019)", "not_started"),
        ("NA", "not_applicable"),
        ("N/A.", "not_applicable"),
        ("Closed", "withdrawn"),
    ],
)
def test_a_known_word_is_read(raw: str, status: str):
    assert read_status(raw, WORDS) == (status, None)


@pytest.mark.parametrize(
    "raw", ["Resting", "Underway – some delays", "not completed", "2 completed 2 underway", "x" * 999]
)
def test_a_word_that_nobody_knows_is_unknown_and_no_guess(raw: str):
    assert read_status(raw, WORDS) == ("unknown", "status_unknown")


@pytest.mark.parametrize("raw", [None, "", "   "])
def test_no_status_is_unknown_without_a_remark(raw: str | None):
    assert read_status(raw, WORDS) == ("unknown", None)


@pytest.mark.parametrize("raw", ["NA", "n/a", None])
def test_what_does_not_apply_any_longer_is_withdrawn(raw: str | None):
    assert read_status(raw, WORDS, end_raw="No longer applicable") == ("withdrawn", None)


def test_a_printed_status_wins_over_a_date_that_does_not_apply():
    assert read_status("Completed", WORDS, end_raw="No longer applicable") == ("completed", None)


@given(st.sampled_from(sorted(WORDS)), st.sampled_from([str.upper, str.title, "  {}.".format, "{} (see below)".format]))
def test_every_word_is_read_in_any_case_and_with_a_note(word, printed):
    assert read_status(printed(word), WORDS) == (WORDS[key(word)], None)


@given(st.text(max_size=400), st.none() | st.text(max_size=60))
def test_nonsense_is_never_an_error(raw: str, end_raw: str | None):
    status, code = read_status(raw, WORDS, end_raw)
    assert status in STATUSES
    assert code in (None, "status_unknown")


def test_the_vocabulary_has_no_status_of_its_own():
    assert set(WORDS.values()) <= set(STATUSES)
