"""The words of an entry: titles, summaries, dates and HTML as a citizen reads them."""

from datetime import date

import pytest
from msgspec.structs import replace

from feed_samples import BASE, COMMITMENT, MILESTONE, ORGANISATION, PLAN, PROGRESS, REPORT, shown
from ogp_open_data.formats import markup
from ogp_open_data.formats.entries import words
from ogp_open_data.records import Item, Name, Record, Section


def content(record: Record) -> str:
    return words(record, BASE).html


@pytest.mark.parametrize(
    ("record", "title"),
    [
        (PLAN, "Second plan"),
        (COMMITMENT, "Commitment 5: Ongoing engagement for OGP"),
        (replace(COMMITMENT, title=None), "Commitment 5"),
        (MILESTONE, "Commitment 5, milestone 2: Completed"),
        (
            replace(MILESTONE, number=None, status="unknown"),
            "Commitment 5, milestone without a number: Status not known",
        ),
        (replace(MILESTONE, commitment="nz-nap2-c2a", status="on_hold"), "Commitment 2A, milestone 2: On hold"),
        (REPORT, "Commitment 5: progress report, September to November 2017"),
        (replace(REPORT, kind="self-assessment"), "Commitment 5: self assessment, September to November 2017"),
        (PROGRESS, "Commitment 5, milestone 2: Delayed, September to November 2017"),
        (ORGANISATION, "Public Service Commission"),
        (replace(ORGANISATION, name=" \n"), "nz-psc"),
    ],
)
def test_title_is_in_words(record: Record, title: str):
    assert words(record, BASE).title == title


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2017, 9, 1), date(2017, 11, 30), "September to November 2017"),
        (date(2017, 12, 1), date(2018, 2, 28), "December 2017 to February 2018"),
        (date(2019, 5, 1), date(2019, 5, 31), "May 2019"),
        (None, date(2019, 6, 30), "up to June 2019"),
        (None, date(2019, 12, 16), "up to 16 December 2019"),
        (date(2019, 5, 6), date(2019, 5, 31), "6 May to 31 May 2019"),
        (date(2018, 12, 3), date(2019, 2, 1), "3 December 2018 to 1 February 2019"),
    ],
)
def test_periods_are_in_words(start: date | None, end: date, words: str):
    assert markup.period_words(start, end) == words


@pytest.mark.parametrize(
    ("record", "summary"),
    [
        (PLAN, "National action plan 2. 20 October 2016 to 30 June 2018."),
        (replace(COMMITMENT, objective="Talk & listen."), "Underway, 1 of 3 milestones completed. Talk & listen."),
        (MILESTONE, "Completed, due 30 June 2018. Settle how progress is told."),
        (
            replace(MILESTONE, status="delayed", timeliness="overdue", ends="2018", text="Do it."),
            "Delayed, due 2018, overdue. Do it.",
        ),
        (REPORT, "Ongoing engagement for OGP. The State Services Commission (SSC). One"),
        (PROGRESS, "Delayed. Settle how progress is told."),
        (ORGANISATION, "PSC; Te Kawa Mataaho"),
        (replace(ORGANISATION, abbreviation=None, name_mi=None), "Public Service Commission"),
    ],
)
def test_summary_is_in_words(record: Record, summary: str):
    assert words(record, BASE).summary == summary


def test_long_summary_is_cut_between_words():
    summary = words(replace(MILESTONE, text="word, " * 1000), BASE).summary
    assert len(summary) <= markup.LONGEST_SUMMARY and summary.endswith("word…")


def test_dates_are_words_for_people_and_iso_for_programs():
    html = content(replace(MILESTONE, starts="2017"))
    assert '<time datetime="2018-06-30">30 June 2018</time>' in html
    assert '<time datetime="2018-06">June 2018</time>' in html
    assert '<time datetime="2017">2017</time>' in html


def test_status_and_timeliness_are_told_apart():
    text = shown(content(replace(MILESTONE, timeliness="overdue", status="underway", status_raw="On track")))
    assert "StatusUnderway (printed as “On track”)TimelinessOverdue" in text
    assert "printed as" not in content(replace(MILESTONE, status="completed", status_raw=" COMPLETED"))


def test_milestone_without_an_end_says_so():
    assert "DueNo end date: ongoing" in shown(content(replace(MILESTONE, ends=None, due_on=None, ongoing=True)))


def test_report_keeps_its_narrative_nested_and_in_order():
    html = content(REPORT)
    assert (
        "<h3>What have we been doing?</h3><h4>At the start</h4>"
        "<ul><li>One<ul><li>One a<ul><li>One a i</li></ul></li><li>One b</li></ul></li><li>Two<br>lines</li></ul>"
        "<p>Between two and three</p><ul><li>Three</li></ul>"
        "<h3>How the source was read</h3><ul><li>Milestone 2 has no date line.</li></ul>"
    ) in html


def test_no_depth_of_bullets_stops_a_feed():
    item = Item("deepest")
    for number in range(5000):
        item = Item(str(number), [item])
    text = shown(content(replace(REPORT, sections=[Section("done", "Deep", [item])])))
    assert "deepest" in text and "4999" in text


def test_te_reo_is_marked():
    assert '<span lang="mi">Te mahere tuarua mō Aotearoa</span>' in content(PLAN)
    assert content(ORGANISATION).count('<span lang="mi">Te Kawa Mataaho</span>') == 2
    hostile = replace(ORGANISATION, names=[Name("x", '"><script>')])
    assert "<li>x</li>" in content(hostile)


def test_macrons_are_composed():
    decomposed = replace(ORGANISATION, name="Te Tari Ma\u0304ori")
    assert words(decomposed, BASE).title == "Te Tari M\u0101ori"
    assert "M\u0101ori" in content(decomposed)


def test_link_from_a_report_asks_for_its_progress_lines():
    url = f"{BASE}/v1/progress?commitment=nz-nap2-c5&amp;period_from=2017-11-30&amp;period_to=2017-11-30"
    assert f'<a href="{url}">status of 2 milestones</a>' in content(REPORT)


def test_what_xml_cannot_hold_leaves_a_trace():
    assert markup.clean("a\x0bb\x0cc\x1dd") == "a b c d"
    assert markup.clean("a\x00b\ufffec\ud83dd") == "a\ufffdb\ufffdc\ufffdd"
    assert markup.clean("a\tb\nc\r\nd\re😀") == "a\tb\nc\nd\ne😀"
