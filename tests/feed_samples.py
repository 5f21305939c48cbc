"""Records of every noun for the tests of feeds, and what reads a served feed back and judges it."""

import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree
from msgspec import inspect, json
from msgspec.structs import replace

from ogp_open_data.formats.feed import FeedEntry, FeedHead, Link, of_record, tag_uri
from ogp_open_data.formats.to_feed import atom
from ogp_open_data.records import (
    NOUN_OF,
    NOUNS,
    Commitment,
    Finding,
    Item,
    Milestone,
    Name,
    Organisation,
    Paragraph,
    Plan,
    Progress,
    Record,
    Report,
    Section,
    Source,
    url_of,
)

BASE = "https://data.example.govt.nz"
A = "{http://www.w3.org/2005/Atom}"
SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).with_name("atom.rng"))))
TAGS = {"a", "br", "dd", "dl", "dt", "h3", "h4", "li", "p", "span", "time", "ul"}
ATTRIBUTES = {"href", "datetime", "lang"}
PARENTS = {
    "li": {"ul"},
    "dt": {"dl"},
    "dd": {"dl"},
    "p": {"div"},
    "h3": {"div"},
    "h4": {"div"},
    "ul": {"div", "li", "dd"},
}
CHILDREN = {"ul": {"li"}, "dl": {"dt", "dd"}, "a": {"br"}, "span": {"br"}, "time": set(), "br": set()}
POISONS = [
    "\x00\x01\x08\x0b\x0c\x0e\x1f",
    "\ufffe\uffff \U0001fffe \ufdd0 \x7f\x85\x92",
    "\ud800 \udfff",
    "]]>",
    "&nbsp; &#0; &amp;",
    '<script>alert("1")</script>',
    "</dd></dl></title></feed>",
    "javascript:alert(1)",
    "http://[",
    "\r\n \t",
    "\u0338 joins the sign before it",
    "",
]


def record(noun: str, id: str, fields: str) -> Record:
    """A record from the JSON of its fields, read as the store's are."""
    told = {"id": id, "url": url_of(noun, id), "version": 2, "release": 7, **json.decode(fields)}
    return json.decode(json.encode(told), type=NOUNS[noun])


PLAN: Plan = record(
    "plans",
    "nz-nap2",
    """{"country": "nz", "time_zone": "Pacific/Auckland", "number": "2", "title": "Second plan",
    "title_mi": "Te mahere tuarua mō Aotearoa", "starts_on": "2016-10-20", "ends_on": "2018-06-30",
    "website": "https://ogp.example.nz/plan"}""",
)
COMMITMENT: Commitment = record(
    "commitments",
    "nz-nap2-c5",
    """{"plan": "nz-nap2", "number": "5", "title": "Ongoing engagement for OGP",
    "objective": "Build a lasting platform for talking with people & communities.", "lead_organisations": ["nz-psc"],
    "leads_raw": "The State Services Commission (SSC)", "themes": ["Participation"], "status": "underway",
    "timeliness": "due_soon", "milestones_total": 3, "milestones_completed": 1, "ends": "2018-06"}""",
)
MILESTONE: Milestone = record(
    "milestones",
    "nz-nap2-c5-m2",
    """{"commitment": "nz-nap2-c5", "plan": "nz-nap2", "number": "2", "text": "Settle how progress is told.",
    "ends": "2018-06-30", "ends_original": "2018-06", "due_on": "2018-06-30", "status": "completed",
    "status_raw": "Complete", "status_since": "2017-11-30", "status_report": "nz-nap2-c5-r2017-09-2017-11",
    "timeliness": "done", "times_slipped": 1}""",
)
REPORT: Report = replace(
    record(
        "reports",
        "nz-nap2-c5-r2017-09-2017-11",
        """{"commitment": "nz-nap2-c5", "plan": "nz-nap2", "kind": "progress", "title": "Report: Sep - Nov 2017",
        "period_raw": "September to November 2017", "period_start": "2017-09-01", "period_end": "2017-11-30",
        "leads_raw": "The State Services Commission (SSC)", "organisations": ["nz-psc"],
        "milestones": ["nz-nap2-c5-m1", "nz-nap2-c5-m2"], "commitment_title": "Ongoing engagement for OGP"}""",
    ),
    sections=[
        Section(
            kind="done",
            heading="What have we been doing?",
            items=[Item("One", [Item("One a", [Item("One a i")]), Item("One b")]), Item("Two\nlines"), Item("Three")],
            paragraphs=[Paragraph("paragraph", "Between two and three", 2), Paragraph("subheading", "At the start", 0)],
        )
    ],
    findings=[Finding("date_missing", "ends", None, 24, "Milestone 2 has no date line.")],
    source=Source(url="https://ogp.example.nz/report", media_type="text/html"),
)
PROGRESS: Progress = record(
    "progress",
    "nz-nap2-c5-r2017-09-2017-11-m2",
    """{"report": "nz-nap2-c5-r2017-09-2017-11", "milestone": "nz-nap2-c5-m2", "commitment": "nz-nap2-c5",
    "plan": "nz-nap2", "period_start": "2017-09-01", "period_end": "2017-11-30", "number": "2", "status": "delayed",
    "status_raw": "some delays", "text": "Settle how progress is told."}""",
)
ORGANISATION: Organisation = replace(
    record(
        "organisations",
        "nz-psc",
        """{"name": "Public Service Commission", "name_mi": "Te Kawa Mataaho", "abbreviation": "PSC"}""",
    ),
    names=[Name("State Services Commission", valid_to=date(2020, 8, 6)), Name("Te Kawa Mataaho", "mi")],
)
RECORDS: list[Record] = [PLAN, COMMITMENT, MILESTONE, REPORT, PROGRESS, ORGANISATION]


def head(**changed) -> FeedHead:
    """The envelope of a filtered list."""
    return replace(
        FeedHead(
            id="tag:data.example.govt.nz,2026-11-24:feeds/all",
            title="Commitments & more",
            subtitle="As they stand",
            self_url=f"{BASE}/v1/commitments.atom?plan=nz-nap2&status=delayed",
            home_url=f"{BASE}/",
            updated=datetime(2026, 11, 25, 1, 2, 3, 456789, UTC),
            links=[
                Link("alternate", f"{BASE}/v1/commitments.json", "application/json"),
                Link("next", f"{BASE}/v1/commitments.atom?cursor=abc", "application/atom+xml"),
            ],
            licence_url="https://creativecommons.org/licenses/by/4.0/",
            rights="Office of Examples, CC BY 4.0",
            author="Office of Examples",
            author_uri="https://www.example.govt.nz/",
        ),
        **changed,
    )


def entry(record: Record, base: str = BASE, **more) -> FeedEntry:
    return of_record(
        id=tag_uri("data.example.govt.nz", date(2026, 11, 24), NOUN_OF[type(record)], record.id),
        record=record,
        updated=datetime(2026, 11, 25, 1, 2, 3, 456789, UTC),
        published=datetime(2026, 11, 24, tzinfo=UTC),
        url=base + record.url,
        **more,
    )


def sample() -> bytes:
    """A feed with one record of each noun."""
    return atom(head(), [entry(record) for record in RECORDS])


def parsed(body: bytes) -> etree._Element:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def first(record: Record) -> etree._Element:
    """The entry of a record, read from a feed of its own that keeps every rule."""
    feed = parsed(atom(head(), [entry(record)]))
    assert broken(feed) == []
    return feed.find(f"{A}entry")


def shown(fragment: str) -> str:
    """The text of a piece of HTML as a browser has it, a break as LF; fails where it is not clean and well made.

    Ours is also XML but for `<br>`, so that a parser that forgives nothing can read it.
    """
    assert not [char for char in fragment if forbidden(char)]
    tree = etree.fromstring(f"<div>{fragment.replace('<br>', '<br/>')}</div>", etree.XMLParser(huge_tree=True))
    for element in tree.iterdescendants():
        tag, attributes, above = element.tag, dict(element.attrib), element.getparent().tag
        assert tag in TAGS and set(attributes) <= ATTRIBUTES, (tag, attributes)
        assert above in PARENTS.get(tag, {above}) and tag in CHILDREN.get(above, {tag}), (above, tag)
        assert urlsplit(attributes.get("href", BASE)).scheme in ("http", "https")
        element.text = "\n" if tag == "br" else element.text
    return "".join(tree.itertext())


def forbidden(char: str) -> bool:
    """Control characters, surrogates and noncharacters: what the HTML standard calls errors in a stream."""
    noncharacter = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return noncharacter or (unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n")


def broken(feed: etree._Element) -> list[str]:
    """The rules of RFC 4287 that a feed breaks: its grammar, and what a grammar cannot say."""
    rules = [] if SCHEMA.validate(feed) else [f"grammar: {SCHEMA.error_log.last_error}"]
    containers = [feed, *feed.iterfind(f"{A}entry")]
    if feed.find(f"{A}author") is None and not all(one.find(f"{A}author") is not None for one in containers[1:]):
        rules.append("4.1.1 author")
    if len(feed.findall(f"{A}link[@rel='self']")) != 1:
        rules.append("4.1.1 self link")
    for one in containers:
        alternates = [(link.get("type"), link.get("hreflang")) for link in one.iterfind(f"{A}link[@rel='alternate']")]
        if len(alternates) != len(set(alternates)):
            rules.append("4.1.1 alternates of one type")
        if one is not feed and one.find(f"{A}content") is None and not alternates:
            rules.append("4.1.2 content or alternate link")
        if one.find(f"{A}link[@rel='license']") is None:
            rules.append("RFC 4946 license link")
        if any(not urlsplit(link.get("href")).netloc for link in one.iterfind(f"{A}link")):
            rules.append("addresses are absolute")
    seen = [(one.findtext(f"{A}id"), one.findtext(f"{A}updated")) for one in containers[1:]]
    return rules + (["4.1.1 same id and updated"] if len(seen) != len(set(seen)) else [])


def holds_text(kind: inspect.Type) -> bool:
    """True for a field of free text: no pattern, no list of values."""
    if isinstance(kind, inspect.Metadata):
        return holds_text(kind.type)
    if isinstance(kind, inspect.UnionType):
        return any(map(holds_text, kind.types))
    return isinstance(kind, inspect.StrType) and kind.pattern is None


def poisoned(record: Record, text: str) -> Record:
    """A record with a text in every field that can hold one."""
    fields = {field.name: text for field in inspect.type_info(type(record)).fields if holds_text(field.type)}
    assert fields
    nested = {
        "labels": [text],
        "themes": [text],
        "ogp_values": [text],
        "names": [Name(text, text, text, None, None)],
        "findings": [Finding(text, text, text, 1, text)],
        "source": Source(url=text, sha256=text, media_type=text),
        "sections": [Section(text, text, [Item(text, [Item(text)])], [Paragraph("paragraph", text, 0)])],
    }
    return replace(
        record, **fields, **{name: value for name, value in nested.items() if name in record.__struct_fields__}
    )
