"""Words and markup that entries of a feed are made of: clean text, dates in words, escaped HTML."""

import html
import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from urllib.parse import quote, urlsplit

from ogp_open_data.records import Finding, Item, Name, Section, page_of

# What XML 1.0 cannot hold (section 2.2) or HTML must not (control characters, noncharacters).
PLANES = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
UNWRITABLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{PLANES}]")
ADDRESS = re.compile(r"https?://[^\s<>\"\\^`{|}\[\]]+", re.IGNORECASE)
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
# Not from `calendar` or strftime: those follow the locale of the process.
MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
STATUS_WORDS = {
    "not_started": "Not started",
    "underway": "Underway",
    "delayed": "Delayed",
    "completed": "Completed",
    "not_applicable": "Not applicable",
    "withdrawn": "Withdrawn",
    "unknown": "Status not known",
}
TIMELINESS_WORDS = {
    "on_time": "On time",
    "due_soon": "Due soon",
    "overdue": "Overdue",
    "done": "Done",
    "unknown": "Not known",
}
LONGEST_SUMMARY = 400
DEEPEST = 12

Row = tuple[str, str | None]

# Words ----------------------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """Text that a feed can hold, in NFC, with LF line ends: the rest becomes a space, or U+FFFD to show the gap."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = UNWRITABLE.sub(lambda found: " " if found[0].isspace() else "\N{REPLACEMENT CHARACTER}", text)
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def shorten(text: str, most: int = LONGEST_SUMMARY) -> str:
    """One line of at most `most` characters, cut between words."""
    text = one_line(text[: 4 * most])
    return text if len(text) <= most else (text[: most - 1].rsplit(" ", 1)[0] or text[: most - 1]).rstrip(" ,;:") + "…"


def in_words(value: str | None, known: dict[str, str]) -> str:
    """A value of an open list in words; one that is not known is spelt out."""
    return known.get(value or "") or one_line((value or "").replace("_", " ")).capitalize()


def commitment_words(id: str, plan: str) -> str:
    """`nz-nap2-c5` of the plan `nz-nap2` is Commitment 5."""
    number = id.removeprefix(f"{plan}-c")
    return f"Commitment {number.upper()}" if number != id else id


def milestone_words(number: str | None) -> str:
    return f"milestone {number}" if number else "milestone without a number"


def period_words(start: date | None, end: date) -> str:
    """Whole months as months (September to November 2017), else days; a period without a start is `up to` its end."""
    whole = end.day == monthrange(end.year, end.month)[1] and (start is None or start.day == 1)
    last = day(f"{end:%Y-%m}" if whole else end)
    if start is None:
        return f"up to {last}"
    if whole and (start.year, start.month) == (end.year, end.month):
        return last
    first = MONTHS[start.month - 1] if whole else f"{start.day} {MONTHS[start.month - 1]}"
    return f"{first} to {last}" if start.year == end.year else f"{first} {start.year} to {last}"


def day(when: str | date) -> str:
    """A partial date as it is written in New Zealand: 30 June 2018, June 2018, 2018."""
    year, *rest = map(int, str(when).split("-"))
    month = [MONTHS[rest[0] - 1]] if rest else []
    return " ".join([*map(str, rest[1:]), *month, str(year)])


def sentence(*parts: str) -> str:
    said = ", ".join(part for part in parts if part)
    return said and said[0].upper() + said[1:].rstrip(" .") + "."


def lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def late(timeliness: str) -> str:
    """Timeliness where it says more than the status."""
    return in_words(timeliness, TIMELINESS_WORDS) if timeliness not in ("done", "unknown") else ""


# HTML -----------------------------------------------------------------------------------------------------------------


def escape(text: str | None) -> str:
    """Text as HTML: the only place where text becomes markup, so that it is escaped exactly once."""
    return html.escape(clean(text)).replace("\n", "<br>") if text else ""


# The same few of our own come in every feed.
@lru_cache(1000)
def is_address(url: str | None) -> bool:
    """True for an absolute http or https address that can be a link."""
    if url is None or not ADDRESS.fullmatch(url) or UNWRITABLE.search(url):
        return False
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def fragment(rows: Iterable[Row]) -> str:
    listed = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows if value)
    return f"<dl>{listed}</dl>" if listed else ""


def paragraph(text: str | None) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def bulleted(items: Iterable[str]) -> str:
    listed = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else ""


def moment(when: str | date | None) -> str | None:
    return f'<time datetime="{when}">{day(when)}</time>' if when else None


def due(ends: str | None, ongoing: bool) -> str | None:
    return moment(ends) or ("No end date: ongoing" if ongoing else None)


def standing(status: str | None, raw: str | None, timeliness: str | None) -> Iterator[Row]:
    """Status as reported and timeliness as derived: never one field."""
    if status:
        said = in_words(status, STATUS_WORDS)
        printed = f" (printed as “{escape(raw)}”)" if raw and one_line(raw).lower() != said.lower() else ""
        yield "Status", escape(said) + printed
    if timeliness:
        yield "Timeliness", escape(in_words(timeliness, TIMELINESS_WORDS))


def maori(text: str | None) -> str | None:
    return f'<span lang="mi">{escape(text)}</span>' if text else None


def name_html(name: Name) -> str:
    since = [f"from {moment(name.valid_from)}"] if name.valid_from else []
    until = [f"until {moment(name.valid_to)}"] if name.valid_to else []
    marked = name.lang != "en" and LANGUAGE.fullmatch(name.lang)
    said = f'<span lang="{name.lang}">{escape(name.text)}</span>' if marked else escape(name.text)
    return ", ".join([said, *since, *until])


def anchor(url: str, said: str) -> str:
    return f'<a href="{html.escape(url)}">{escape(said)}</a>'


def outside(url: str | None) -> str | None:
    """An address that somebody printed: a link where it is one, else its text."""
    return anchor(url, url) if url is not None and is_address(url) else escape(url)


def inside(base: str, noun: str, id: str | None, said: str | None = None) -> str | None:
    """A record of ours, by its page."""
    return anchor(base + page_of(noun, quote(id, errors="replace")), said or id) if id else None


def inside_all(base: str, noun: str, ids: Sequence[str]) -> str:
    return ", ".join(inside(base, noun, id) or "" for id in ids)


def leads(base: str, printed: str | None, ids: Sequence[str]) -> str | None:
    """Lead agencies as printed, which is also the link where there is only one."""
    if printed and len(ids) == 1:
        return inside(base, "organisations", ids[0], printed)
    return "; ".join(filter(None, [escape(printed), inside_all(base, "organisations", ids)]))


def section_html(section: Section) -> str:
    """A section of the narrative: its paragraphs between the bullets that they were printed between."""
    parts, done = [f"<h3>{escape(section.heading)}</h3>" if section.heading else ""], 0
    for paragraph in sorted(section.paragraphs, key=lambda one: one.before):
        parts.append(_bullets(section.items[done : paragraph.before]))
        done = max(done, paragraph.before)
        tag = "h4" if paragraph.kind == "subheading" else "p"
        parts.append(f"<{tag}>{escape(paragraph.text)}</{tag}>")
    return "".join([*parts, _bullets(section.items[done:])])


def _bullets(items: Sequence[Item]) -> str:
    """Nested lists; without recursion, so that no depth of nesting can stop a feed."""
    parts, depth = [], 0
    for level, text in _levels(items):
        parts.append("<ul>" if level > depth else "</li>" + "</ul></li>" * (depth - level))
        parts.append(f"<li>{escape(text)}")
        depth = level
    return "".join(parts) + "</li></ul>" * depth


def _levels(items: Sequence[Item]) -> Iterator[tuple[int, str]]:
    """Every bullet with its depth from 1; what is deeper than DEEPEST stands there."""
    stack = [iter(items)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
            continue
        yield min(len(stack), DEEPEST), item.text
        stack.append(iter(item.items))


def remarks(findings: Sequence[Finding]) -> str:
    listed = bulleted(escape(finding.message) for finding in findings)
    return f"<h3>How the source was read</h3>{listed}" if listed else ""
