"""Atom feeds: valid by RFC 4287, the same bytes everywhere, and whole whatever a record holds.

Every test reads the served bytes: feedgen's tree in memory has no namespace.
"""

import locale
import os
import re
import subprocess
import sys
import threading
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from feed_samples import (
    BASE,
    COMMITMENT,
    MILESTONE,
    ORGANISATION,
    PLAN,
    POISONS,
    RECORDS,
    REPORT,
    A,
    broken,
    entry,
    first,
    head,
    parsed,
    poisoned,
    sample,
    shown,
)
from ogp_open_data.formats.feed import MOST_TEXT, Link, tag_uri
from ogp_open_data.formats.markup import clean
from ogp_open_data.formats.to_feed import atom
from ogp_open_data.records import Record, Source

# The document --------------------------------------------------------------------------------------------------------


def test_feed_of_every_noun_keeps_every_rule():
    feed = parsed(sample())
    assert broken(feed) == []
    assert len(feed.findall(f"{A}entry")) == len(RECORDS)
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-NZ"


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("grammar", r'type="html"', 'type="CDATA"'),
        ("grammar", r"<updated>[^<]*</updated>", ""),
        ("grammar", r"<updated>", "<updated>x"),
        ("grammar", r"<rights>", "<right>"),
        ("author", r"<author>.*?</author>", ""),
        ("self", r'rel="self"', 'rel="via"'),
        ("license", r'rel="license"', 'rel="about"'),
        ("alternates", r'rel="license" ', 'rel="alternate" type="application/json" '),
        ("absolute", r'href="https:[^"]*"', 'href="mailto:x@y"'),
        ("same id", r"<id>[^<]*</id>", "<id>a:b</id>"),
    ],
)
def test_the_rules_notice_a_broken_feed(rule: str, old: str, new: str):
    body, count = re.subn(old, new, sample().decode())
    assert count
    told = broken(etree.fromstring(body.encode(), etree.XMLParser(recover=True)))
    assert any(rule in one for one in told), told


def test_bytes_declare_utf8_and_no_doctype():
    body = sample()
    assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<feed ")
    assert b"<!DOCTYPE" not in body and b"<![CDATA[" not in body
    assert "Te mahere tuarua mō Aotearoa".encode() in body


def test_exact_bytes_of_a_small_feed():
    one = replace(ORGANISATION, names=[], name_mi=None)
    assert atom(head(), [entry(one)]).decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-NZ">'
        "<id>tag:data.example.govt.nz,2026-11-24:feeds/all</id><title>Commitments &amp; more</title>"
        "<updated>2026-11-25T01:02:03.456789+00:00</updated>"
        "<author><name>Office of Examples</name><uri>https://www.example.govt.nz/</uri></author>"
        "<generator>OGP Open Data</generator><rights>Office of Examples, CC BY 4.0</rights>"
        "<subtitle>As they stand</subtitle>"
        '<link rel="self" href="https://data.example.govt.nz/v1/commitments.atom?plan=nz-nap2&amp;status=delayed"'
        ' type="application/atom+xml"/>'
        '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"/>'
        '<link rel="alternate" href="https://data.example.govt.nz/" type="text/html"/>'
        '<link rel="alternate" href="https://data.example.govt.nz/v1/commitments.json" type="application/json"/>'
        '<link rel="next" href="https://data.example.govt.nz/v1/commitments.atom?cursor=abc"'
        ' type="application/atom+xml"/>'
        "<entry><id>tag:data.example.govt.nz,2026-11-24:organisations/nz-psc</id>"
        "<title>Public Service Commission</title><updated>2026-11-25T01:02:03.456789+00:00</updated>"
        '<content type="html">&lt;dl&gt;&lt;dt&gt;Name&lt;/dt&gt;&lt;dd&gt;Public Service Commission&lt;/dd&gt;'
        "&lt;dt&gt;Abbreviation&lt;/dt&gt;&lt;dd&gt;PSC&lt;/dd&gt;&lt;/dl&gt;</content>"
        "<summary>PSC</summary><published>2026-11-24T00:00:00+00:00</published>"
        '<link rel="alternate" href="https://data.example.govt.nz/v1/organisations/nz-psc" type="application/json"/>'
        '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"/></entry></feed>'
    )


def test_empty_feed_is_valid():
    feed = parsed(atom(head(), []))
    assert broken(feed) == []
    assert feed.findtext(f"{A}updated") == "2026-11-25T01:02:03.456789+00:00"


def test_entries_keep_the_order_given():
    for records in (RECORDS, RECORDS[::-1]):
        feed = parsed(atom(head(), [entry(record) for record in records]))
        assert [one.findtext(f"{A}id").rpartition("/")[2] for one in feed.iterfind(f"{A}entry")] == [
            r.id for r in records
        ]


def test_feed_says_what_its_head_says():
    feed = parsed(sample())
    links = {link.get("rel"): dict(link.attrib) for link in feed.iterfind(f"{A}link")}
    assert links["self"] == {"rel": "self", "href": head().self_url, "type": "application/atom+xml"}
    assert links["alternate"]["type"] == "application/json"
    assert feed.find(f"{A}link[@rel='alternate']").get("href") == head().home_url
    assert links["next"]["href"].endswith("cursor=abc")
    assert links["license"]["href"] == head().licence_url
    assert feed.findtext(f"{A}author/{A}name") == "Office of Examples"


def test_any_relation_can_be_linked():
    rels = ["prev-archive", "describedby", "version-history", "service-desc", "https://data.example.govt.nz/rel/x"]
    feed = parsed(atom(head(links=[Link(rel, f"{BASE}/x") for rel in rels]), []))
    assert broken(feed) == []
    assert [link.get("rel") for link in feed.iterfind(f"{A}link")][-5:] == rels


def test_author_can_be_reached_by_mail():
    feed = parsed(atom(head(author_uri="mailto:data@example.govt.nz"), []))
    assert broken(feed) == []
    assert feed.findtext(f"{A}author/{A}email") == "data@example.govt.nz"


# Time and ids --------------------------------------------------------------------------------------------------------


def test_no_time_comes_from_the_clock():
    feed = parsed(sample())
    times = {one.text for one in feed.iter(f"{A}updated", f"{A}published")}
    assert times == {"2026-11-25T01:02:03.456789+00:00", "2026-11-24T00:00:00+00:00"}


def test_equal_instants_give_equal_bytes():
    there = timezone(timedelta(hours=13))
    moved = replace(entry(PLAN), updated=entry(PLAN).updated.astimezone(there))
    assert atom(head(updated=head().updated.astimezone(there)), [moved]) == atom(head(), [entry(PLAN)])


def test_bytes_are_the_same_in_any_process_locale_and_zone():
    code = "import sys, feed_samples; sys.stdout.buffer.write(feed_samples.sample())"
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    for lang, zone, seed in [
        ("C", "UTC", "0"),
        ("mi_NZ.UTF-8", "Pacific/Auckland", "1"),
        ("tr_TR.UTF-8", "Asia/Kolkata", "77"),
    ]:
        env = {**os.environ, "PYTHONPATH": path, "LC_ALL": lang, "LANG": lang, "TZ": zone, "PYTHONHASHSEED": seed}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, timeout=60, check=True)
        assert run.stdout == sample(), (lang, zone, seed)


def test_neither_locale_nor_threads_are_touched(monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise AssertionError("this must not be called")

    expected = sample()
    monkeypatch.setattr(locale, "setlocale", refused)
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert sample() == expected


def test_ids_do_not_depend_on_the_public_address():
    def ids(base: str) -> list[str]:
        feed = parsed(atom(head(), [entry(record, base) for record in RECORDS]))
        return [one.text for one in feed.iter(f"{A}id")]

    assert ids("http://127.0.0.1:8000") == ids("https://elsewhere.example/open")


def test_tag_uri_is_lower_case_and_refuses_what_is_no_domain():
    assert (
        tag_uri("Data.Example.nz", date(2026, 1, 2), "plans", "nz-nap2")
        == "tag:data.example.nz,2026-01-02:plans/nz-nap2"
    )
    assert tag_uri("a@b.nz", datetime(2026, 1, 2, 3), "plans", "x") == "tag:a@b.nz,2026-01-02:plans/x"
    for authority in ("", "localhost:8000", "a b", "::1", "a/b", "-"):
        with pytest.raises(ValueError, match="tag"):
            tag_uri(authority, date(2026, 1, 2), "plans", "x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"updated": datetime(2026, 11, 25)},
        {"id": "not an iri"},
        {"id": "Tag:upper,2026:x"},
        {"self_url": "/v1/plans.atom"},
        {"licence_url": "javascript:alert(1)"},
        {"author": " \x0b"},
        {"author_uri": "no address"},
        {"links": [Link("alternate", f"{BASE}/x", "text/html")]},
        {"links": [Link("next", "//host/x")]},
        {"hubs": ["javascript:alert(1)"]},
    ],
)
def test_wrong_head_is_refused(wrong: dict):
    with pytest.raises(ValueError):
        atom(head(**wrong), [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"updated": datetime(2026, 1, 1)},
        {"published": datetime(2026, 1, 1)},
        {"id": "x"},
        {"links": [Link("alternate", "/v1")]},
    ],
)
def test_wrong_entry_is_refused(wrong: dict):
    with pytest.raises(ValueError):
        atom(head(), [replace(entry(PLAN), **wrong)])


# Categories and links ------------------------------------------------------------------------------------------------


def content(record: Record) -> str:
    return first(record).findtext(f"{A}content")


def categories(record: Record) -> set[tuple[str, str, str | None]]:
    return {
        (c.get("scheme").removeprefix(BASE), c.get("term"), c.get("label"))
        for c in first(record).iterfind(f"{A}category")
    }


def test_commitment_is_filed_by_plan_agency_status_timeliness_and_theme():
    schema = "/schemas/v1/commitments.json#/properties/"
    assert categories(COMMITMENT) == {
        ("/v1/plans", "nz-nap2", None),
        ("/v1/organisations", "nz-psc", "The State Services Commission (SSC)"),
        (f"{schema}status", "underway", "Underway"),
        (f"{schema}timeliness", "due_soon", "Due soon"),
        (f"{schema}themes", "Participation", None),
    }


def test_report_is_filed_by_its_agencies_and_a_milestone_by_its_commitment():
    two = replace(REPORT, organisations=["nz-psc", "nz-dia"])
    agencies = {one for one in categories(two) if one[0] == "/v1/organisations"}
    assert agencies == {("/v1/organisations", "nz-psc", None), ("/v1/organisations", "nz-dia", None)}
    assert ("/v1/commitments", "nz-nap2-c5", "Commitment 5") in categories(MILESTONE)


def test_scheme_follows_a_public_address_with_a_path():
    feed = parsed(atom(head(), [entry(COMMITMENT, "https://host.example/open/data")]))
    schemes = {c.get("scheme") for c in feed.iter(f"{A}category")}
    assert "https://host.example/open/data/v1/plans" in schemes
    hrefs = re.findall(r'href="([^"]*)"', feed.findtext(f"{A}entry/{A}content"))
    assert hrefs and all(href.startswith("https://host.example/open/data/") for href in hrefs)


def test_entry_links_keep_relation_and_type():
    links = {link.get("rel"): (link.get("href"), link.get("type")) for link in first(REPORT).iterfind(f"{A}link")}
    assert links == {
        "alternate": (f"{BASE}/v1/reports/nz-nap2-c5-r2017-09-2017-11", "application/json"),
        "license": ("https://creativecommons.org/licenses/by/4.0/", None),
        "via": ("https://ogp.example.nz/report", "text/html"),
    }


@pytest.mark.parametrize("media_type", ["no type", "html", "text/", "text/html; \x01", "text/ht\ud800ml"])
def test_link_has_no_type_that_is_none(media_type: str):
    link = first(replace(REPORT, source=Source(url=BASE, media_type=media_type))).find(f"{A}link[@rel='via']")
    assert dict(link.attrib) == {"rel": "via", "href": BASE}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//host/x", "http://[", "http://a b", "http://", "www.x.nz"]
)
def test_what_is_no_web_address_is_text_and_no_link(url: str):
    hostile = replace(REPORT, source=Source(url=url, media_type="no type"))
    assert first(hostile).find(f"{A}link[@rel='via']") is None
    assert f"Source{url}Plan" in shown(content(hostile))
    assert first(replace(PLAN, website=url)).find(f"{A}link[@rel='related']") is None


# Poison --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poison", POISONS)
def test_poison_in_every_field_breaks_no_feed(poison: str):
    records = [poisoned(record, f"a{poison}b") for record in RECORDS] + [poisoned(record, poison) for record in RECORDS]
    several = [
        replace(entry(record), updated=head().updated + timedelta(seconds=n)) for n, record in enumerate(records)
    ]
    body = atom(head(title=f"a{poison}b", subtitle=poison, rights=poison, author=f"a{poison}b"), several)
    feed = parsed(body)
    assert broken(feed) == []
    assert len(feed.findall(f"{A}entry")) == len(records)
    for one in feed.iterfind(f"{A}entry"):
        shown(one.findtext(f"{A}content"))
    assert len(feedparser.parse(body).entries) == len(records)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_is_escaped_exactly_once(text: str):
    record = replace(MILESTONE, text=f"[{text}]", status_raw=text)
    fragment = content(record)
    assert f"[{clean(text)}]" in shown(fragment)


def test_text_is_shown_as_it_was_written():
    text = "a ]]> b &nbsp; c <script>x</script> d &amp; e \"q\" 's'"
    assert shown(content(replace(MILESTONE, text=text))).startswith(text)
    assert first(replace(COMMITMENT, title=text)).findtext(f"{A}title") == f"Commitment 5: {text}"


def test_a_megabyte_in_a_title_survives():
    long = "&" * (1 << 20)
    feed = parsed(atom(head(), [entry(replace(COMMITMENT, title=long)), entry(replace(ORGANISATION, name=long))]))
    assert broken(feed) == []
    assert [len(one.text) for one in feed.iterfind(f"{A}entry/{A}title")] == [
        len(long) + len("Commitment 5: "),
        len(long),
    ]


def test_more_text_than_readers_take_becomes_its_summary():
    huge = replace(MILESTONE, text="word " * MOST_TEXT)
    one = first(huge)
    assert one.findtext(f"{A}content") == f"<p>{one.findtext(f'{A}summary')}</p>"
    assert len(first(replace(ORGANISATION, name="x" * 3 * MOST_TEXT)).findtext(f"{A}title")) == MOST_TEXT


def test_a_record_that_has_no_words_is_there_by_its_id_and_told(capsys: pytest.CaptureFixture[str]):
    bad = replace(MILESTONE, ends="2018-13")
    feed = parsed(atom(head(), [entry(PLAN), entry(bad), entry(ORGANISATION)]))
    assert [one.findtext(f"{A}title") for one in feed.iterfind(f"{A}entry")] == [
        "Second plan",
        bad.id,
        "Public Service Commission",
    ]
    assert broken(feed) == []
    told = capsys.readouterr().err
    assert '"event":"feed.entry.skipped"' in told and "milestones/nz-nap2-c5-m2" in told


# Readers -------------------------------------------------------------------------------------------------------------


def test_feedparser_reads_everything():
    read = feedparser.parse(sample())
    assert not read.bozo and read.version == "atom10"
    assert read.feed.title == "Commitments & more" and read.feed.language == "en-NZ"
    assert [one.id for one in read.entries] == [entry(record).id for record in RECORDS]
    report = read.entries[3]
    assert report.title == "Commitment 5: progress report, September to November 2017"
    assert report.links[0] == {"rel": "alternate", "href": BASE + REPORT.url, "type": "application/json"}
    assert report.content[0].type == "text/html" and "<li>One a" in report.content[0].value
    assert (report.updated_parsed[:6], report.published_parsed[:6]) == (
        (2026, 11, 25, 1, 2, 3),
        (2026, 11, 24, 0, 0, 0),
    )
    assert {tag.term for tag in report.tags} == {"nz-nap2", "nz-nap2-c5", "nz-psc"}


def test_readers_open_the_page_for_people():
    body = atom(head(), [entry(PLAN, page_url=f"{BASE}/plans/nz-nap2")])
    assert broken(parsed(body)) == []
    assert feedparser.parse(body).entries[0].link == f"{BASE}/plans/nz-nap2"


def test_feedparser_shows_the_same_text_as_a_browser():
    for one, record in zip(feedparser.parse(sample()).entries, RECORDS, strict=True):
        assert shown(one.content[0].value).split() == shown(content(record)).split()
