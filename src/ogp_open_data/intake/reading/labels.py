"""What a line of a report is by its wording alone: a label with its value, a heading, the start of a milestone …

No line is understood by its place here; parts.py, milestones.py and narrative.py decide whether a mark counts where it
stands.
"""

import re
from typing import Literal, NamedTuple

from ogp_open_data.intake.reading.dates import MONTH, YEAR, is_open_or_absent, read_range

MarkKind = Literal[
    "title", "commitment", "period", "lead", "objective", "ambition", "values", "timeline", "aside",
    "milestones", "milestone", "start", "end", "range", "status", "section", "footnote", "furniture",
]  # fmt: skip


class Mark(NamedTuple):
    """A recognised line. `label` is what kind of it ("to", "1", "done" …), `value` what is printed after the label."""

    kind: MarkKind
    label: str
    value: str


# Longer first words would be prose; it also bounds the work on a hostile line.
_HEAD = 160
_QUICK = re.compile(
    r"[\[(\"'‘“]?\s*(?:commitment|year|end|date|period|report|progress|update|lead|main|objective|ambition|ogp|time|"
    r"status|new|support|other|contact|relevan|partner|milestone|brief|descri|current|key|verifiable|start|commenc|due|completion|"
    r"target|what|how|why|who|next|link|useful|related|further|skip|previous|back|you are|home|last|page|print|share|"
    r"menu|search|close|crown|©|\[\d|overall|civil|our|the\s|original|final|annual|quarterly|interim)",
    re.IGNORECASE,
)

_NUMBER = r"(?:[A-Za-z]?\d+(?:\.\d+)*[A-Za-z]?)"
_REPORT_WORDS = (
    r"(?:(?:progress|year|end|of|term|final|quarterly|annual|mid|interim|status|post|plan|self|assessment)[\s-]+){0,5}"
)
_TITLE = re.compile(
    rf"(?:commitment\s+({_NUMBER})(?:\s*[–—-]?|\s*:(?=\s*progress\s))\s*{_REPORT_WORDS}(?:report|update)\b\s*(?!\w*ing\b)(.*)"
    rf"|{_REPORT_WORDS}report\s*(?:for|on)?\s*[:–—-]?\s*commitment\s+({_NUMBER})\b(.*))",
    re.IGNORECASE | re.DOTALL,
)
_COMMITMENT = re.compile(
    rf"(?:(?:year|end)[\s-]+(?:end|of[\s-]+year)\s*[:–—-]?\s*)?commitment\s+(?:(?:no\.?|number|#)\s*)?({_NUMBER})(?:\s*[:–—.-]\s*|\s*$|\s+(?=(?-i:[A-Z])))(.*)",
    re.IGNORECASE | re.DOTALL,
)
# Words that open sentences too are a period's label only where a day or month follows.
_DATED = rf"(?=(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?{MONTH}|{YEAR}\b|\d{{1,2}}[/.]\d)"
_PERIOD = re.compile(
    r"(?:(date|period|reporting\s+period|report(?:ing)?\s+date)\s*(?:covered)?\s*:"
    r"|progress\s+(?:report\s*)?(for|to)\s*(?:[:–—]|\s-\s)?|progress\s+report\s*:"
    r"|(?:progress\s+)?update\s+(as\s+(?:at|of))\s*:?|(?:progress\s+)?update\s+(for)\s*:?"
    rf"|(?:progress\s+)?(?:report|updated?)\s+(for|to)\s{{0,9}}:?\s{{0,9}}{_DATED}"
    rf"|(?:progress(?:\s+(?:report|updated?))?|report|updated?)\s+(as\s+(?:at|of)|at)\s{{0,9}}:?\s{{0,9}}{_DATED}"
    rf"|(?:progress\s+(?:report|update)|update)\s*[:–—-]\s*{_DATED})\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_BARE_PERIOD = re.compile(r"(?:date|period|reporting\s+period)(?:(?:\s+[–—-])?\s+(.*))?", re.IGNORECASE | re.DOTALL)
# Labels whose value is text; without a colon nothing else is on the line, but for those that _LOOSE names.
_FIELDS: tuple[tuple[MarkKind, str], ...] = (
    (
        "lead",
        r"lead\s+(?:implementing\s+)?(?:agenc(?:y|ies)(?:\s*/\s*agencies|\s*\(ies\))?|organisations?|departments?|ministr(?:y|ies))",
    ),
    ("objective", r"(?:main\s+)?objectives?"),
    ("ambition", r"ambitions?"),
    ("values", r"(?:relevant\s+)?ogp\s+values?(?:\s+addressed)?"),
    ("timeline", r"timeline|timeframe"),
    (
        "aside",
        r"status\s+quo|new\s+or\s+ongoing\s+commitment|(?:other\s+|supporting\s+|support\s+|partner\s+)+agenc(?:y|ies)(?:\s+involved)?"
        r"|contact(?:\s+(?:person|details|us))?|progress\s+reports|civil\s+society\s+(?:organisations?\s+)?involved|background"
        r"|completion\s+level|description\s+of\s+(?:the\s+)?results?|brief\s+description(?:\s+of\s+(?:the\s+)?commitment)?"
        r"|ogp\s+challenges?(?:\s+addressed)?(?:\s+by\s+the\s+commitment)?",
    ),
)
# A label that has lost its colon is told by the dash or the capital after it.
_LOOSE = r"|\s+(?:[–—-]\s+|(?=(?-i:[A-Z])))(.*)"
_FIELD = [
    (
        kind,
        re.compile(
            rf"({label})(?:\s*:\s*(.*){_LOOSE if kind in ('lead', 'objective', 'ambition', 'values') else '|()'}|)",
            re.IGNORECASE | re.DOTALL,
        ),
    )
    for kind, label in _FIELDS
]
_MILESTONES = re.compile(
    r"(?:(?:current|new|our|key|the|updated|original)\s+)*(?:verifiable\s+and\s+measurable\s+)?milestones?(?:\s+to\s+[\w\s]{0,40})?\s*:?",
    re.IGNORECASE,
)
_MILESTONE = re.compile(
    rf"milestones?\s+(?:(?:no\.?|number|#)\s*)?({_NUMBER})(?!\s*[–-]\s*\d)(?:\s*[:–—.)-]+\s*|\s*$|\s+(?=(?-i:[A-Z“‘\"(\[])))(.*)",
    re.DOTALL | re.IGNORECASE,
)
_DATES = re.compile(
    r"(?:(start(?:ing)?\s*(?:dates?)?\s*(?:/|and|&|-|–|to)\s*end(?:ing)?\s+dates?|timeline|timeframe|dates?)"
    r"|(start(?:ing)?(?:\s+dates?)?|commence(?:d|s|ment)(?:\s+date)?)"
    r"|(end(?:ing)?\s+dates?|due(?:\s+dates?)?|completion\s+dates?|target(?:\s+dates?)?))"
    r"(?:\s*:\s*(.*)|(?:\s+[–—-])?\s+(.*)|)",
    re.IGNORECASE | re.DOTALL,
)
_STATUS = re.compile(
    r"((?:current\s+|overall\s+|milestone\s+)?(?:progress(?:\s+(?:status|to\s+date))?|status))\s*(?::\s*(.*)|)",
    re.IGNORECASE | re.DOTALL,
)
_FOOTNOTE = re.compile(r"\[\d{1,3}\]\s*(?=\S)")
_FURNITURE = re.compile(
    r"skip\s+(?:to|over)\b.*|(?:next|previous)\s+page\b.*|back\s+to\s+top|you\s+are\s+here\b.*|(?:menu|search|close|share|print)(?:\s+(?:this\s+)?page)?"
    r"|home\s*[/>»›|].*|(?:page\s+)?last\s+(?:updated|modified|reviewed)\b.*|crown\s+copyright.*|©.*",
    re.IGNORECASE | re.DOTALL,
)
_APOSTROPHE = "['’‘ʼ´`]?"
_TAIL = r"[\w\s(),&/-]{0,60}"
_SECTIONS = [
    (
        kind,
        re.compile(
            rf"(?:{pattern})(?:\s+(?:to\s+date|so\s+far|this\s+(?:period|quarter)|since\s+[\w\s]{{1,40}}))?\s*\s*[?:.…]*",
            re.IGNORECASE,
        ),
    )
    for kind, pattern in (
        (
            "done",
            rf"what\s+(?:have\s+we|we\s+have|we{_APOSTROPHE}ve|are\s+we|we\s+are)\s+(?:been\s+)?(?:doing|done|achieved)|what\s+(?:did\s+we\s+do|we\s+did)",
        ),
        (
            "next",
            rf"what(?:(?:\s+is|{_APOSTROPHE}s|\s+comes|\s+happens)?\s+next)(?:\s+(?:for|in|on|with)\s[\w\s,]{{1,50}})?|what\s+are\s+we\s+(?:doing|planning)\s+next|(?:our\s+)?next\s+steps|what\s+(?:we\s+will|will\s+we)\s+(?:do|be\s+doing)(?:\s+next)?",
        ),
        ("links", r"(?:useful\s+|related\s+|further\s+|key\s+)?links?"),
        (
            "diverse_voices",
            rf"how\s+(?:we{_APOSTROPHE}re|we\s+are|are\s+we|we\s+have|have\s+we)\s+(?:been\s+)?(?:includ|hear|involv)(?:ing|ed)\s+{_TAIL}|how\s+we\s+(?:include|hear|involve)\s+{_TAIL}",
        ),
        (
            "keeping_informed",
            rf"how\s+(?:we{_APOSTROPHE}re|we\s+are|are\s+we|we\s+have|have\s+we)\s+(?:been\s+)?(?:keeping|kept|informing)\s+{_TAIL}|how\s+we\s+(?:keep|inform)\s+{_TAIL}",
        ),
        (
            "other",
            rf"(?:how|what|why|who)\s+(?:we|are|is|have|has|did|does|do|our)\b[\w\s,{_APOSTROPHE[1:-2]}-]{{0,70}}",
        ),
    )
]
# Labels that open a line after a line break inside one paragraph; the value of the short ones ends with their line.
SINGLE_LINE = frozenset(("period", "milestone", "start", "end", "range", "status", "title", "section", "milestones"))
RUN_ON = re.compile(
    r"(?<=\S)\s+(?=(?:(?:Start(?:ing)?(?:\s+date)?\s*(?:/|and|&|-)\s*[Ee]nd|Start|End|Due)\s+dates?|Commenced|Progress)\s*:)"
)
_YEAR = re.compile(YEAR)
_CLAIM = re.compile(rf"({MONTH})[\W_]*({YEAR})?|({YEAR})", re.IGNORECASE)


def mark(text: str) -> Mark | None:
    """What a line is by its wording; None for plain text."""
    if not _QUICK.match(text):
        return None
    return _front(text) or _label(text) or _heading(text)


def _front(text: str) -> Mark | None:
    if len(text) <= _HEAD and (found := _TITLE.fullmatch(text)):
        return Mark("title", found[1] or found[3], (found[2] or found[4] or "").strip(" :–—-"))
    if found := _COMMITMENT.fullmatch(text):
        return Mark("commitment", found[1], found[2].strip())
    if found := _PERIOD.fullmatch(text):
        word = (found[2] or found[3] or found[5] or found[6] or "").lower()
        return Mark(
            "period", "date" if found[1] else "to" if word == "to" or word.startswith("a") else "for", found[7].strip()
        )
    if (found := _BARE_PERIOD.fullmatch(text)) and (not found[1] or (_YEAR.search(found[1]) and _is_date(found[1]))):
        return Mark("period", "date", found[1] or "")
    return None


def _label(text: str) -> Mark | None:
    for kind, pattern in _FIELD:
        if found := pattern.fullmatch(text):
            return Mark(kind, found[1], (found[2] or found[3] or "").strip())
    if found := _MILESTONE.fullmatch(text):
        return Mark("milestone", found[1], found[2].strip())
    if len(text) <= _HEAD and _MILESTONES.fullmatch(text):
        return Mark("milestones", "", "")
    if (found := _DATES.fullmatch(text)) and (not found[5] or _is_date(found[5])):
        label = found[1] or found[2] or found[3]
        value = (found[4] or found[5] or "").strip()
        return Mark("range" if found[1] else "start" if found[2] else "end", label, value)
    if found := _STATUS.fullmatch(text):
        return Mark("status", found[1], (found[2] or "").strip())
    return None


def _is_date(text: str) -> bool:
    """Whether a text is dates and nothing else, so that the label before it needs no colon."""
    read = read_range(text)
    return bool(read.start or read.end or read.ongoing) or is_open_or_absent(text)


def _heading(text: str) -> Mark | None:
    if _FOOTNOTE.match(text):
        return Mark("footnote", "", text)
    if len(text) > _HEAD:
        return None
    for kind, pattern in _SECTIONS:
        if pattern.fullmatch(text):
            return Mark("section", kind, text)
    return Mark("furniture", "", text) if _FURNITURE.fullmatch(text) else None


def months(text: str) -> list[tuple[int | None, str]]:
    """The months that a title or address names: (year or None, first three letters), or (year, "") for a bare year."""
    return [
        (int(year), "") if year else (int(of) if of else None, month[:3].lower())
        for month, of, year in _CLAIM.findall(text)
    ]
