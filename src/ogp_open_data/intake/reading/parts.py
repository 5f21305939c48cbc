"""Cuts a document into head, milestones and narrative, and finds title, plan, period and commitment in the head."""

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.intake.reading import periods
from ogp_open_data.intake.reading.dates import read_period
from ogp_open_data.intake.reading.fields import KINDS
from ogp_open_data.intake.reading.labels import Mark
from ogp_open_data.intake.reading.lines import Line
from ogp_open_data.intake.reading.milestones import LIST_NUMBER
from ogp_open_data.intake.reading.narrative import is_subheading, opens_section
from ogp_open_data.intake.reading.vocabulary import Vocabulary

_PLAN_LINE = re.compile(r"\b(?:action\s+plan|nap\s?\d)\b", re.IGNORECASE)
_TERM = re.compile(r"\b\d{4}\s*(?:[-–/]|to)\s*\d{2,4}\b")
_LONGEST_PLAN_LINE = 160
# Lines of a milestone within which its date or status must come for it to be known by them.
_LONGEST_MILESTONE = 12
_LONGEST_VALUE = 100
_LONGEST_STATUS = 40


class Parts(Struct):
    """The lines of a document by part, each in the order of print."""

    head: list[Line] = []
    milestones: list[Line] = []
    narrative: list[Line] = []


class Front(Struct):
    """What a document says it is; `fields` are the lines after it, `others` those that fit nowhere."""

    title: Line | None = None
    heading: Line | None = None
    plan: Line | None = None
    period: Line | None = None
    is_labelled: bool = True
    commitment: Line | None = None
    fields: list[Line] = []
    others: list[Line] = []

    @property
    def number(self) -> str | None:
        """The commitment's number as printed on its line, else in the title."""
        line = self.commitment or self.title
        return line.mark.label if line and line.mark else None

    @property
    def claims(self) -> list[tuple[str, Line]]:
        """The texts in which title and second heading give a period."""
        return [(line.mark.value, line) for line in (self.title, self.heading) if line and line.mark]


def parted(lines: Sequence[Line]) -> Parts:
    """The parts of a document: the head goes up to the first milestone or section.

    “Milestone 1:” in the narrative is a sub-heading; only a heading “Milestones” with a milestone under it leads back.
    """
    parts = Parts()
    part = parts.head
    goes_on = _milestone_follows(lines)
    for number, line in enumerate(lines):
        if part is parts.narrative:
            part = parts.milestones if _leads_back(lines, number, bool(parts.milestones)) else part
        elif _begins_milestones(lines, number, part is parts.head):
            part = parts.milestones
        elif _is_known_section(line):
            part = parts.narrative
        elif part is parts.milestones and not goes_on[number] and _is_strange_heading(lines, number):
            part = parts.narrative
            line = replace(line, mark=Mark("section", "other", line.text))
        part.append(line)
    return parts


def _begins_milestones(lines: Sequence[Line], number: int, in_head: bool) -> bool:
    """Whether a line is a milestone or their heading, or a number in the head that has dates or a status under it."""
    line = lines[number]
    if line.is_a("milestone") or line.is_a("milestones"):
        return True
    return in_head and LIST_NUMBER.match(line.text) is not None and _is_dated(lines, number)


def _leads_back(lines: Sequence[Line], number: int, seen: bool) -> bool:
    """Whether milestones begin in the narrative: under their heading, or with dates where none have been `seen`."""
    line = lines[number]
    if line.is_a("milestones") and line.kind != "item":
        return lines[number + 1 : number + 2] != [] and lines[number + 1].is_a("milestone")
    return not seen and line.is_a("milestone") and line.kind != "item" and _is_dated(lines, number)


def _is_dated(lines: Sequence[Line], number: int) -> bool:
    """Whether a date or status follows a line, before the next milestone, section or numbered line."""
    for line in lines[number + 1 : number + 1 + _LONGEST_MILESTONE]:
        if line.mark and line.mark.kind in ("start", "end", "range", "status"):
            longest = _LONGEST_STATUS if line.is_a("status") else _LONGEST_VALUE
            return len(line.mark.value) <= longest and (line.mark.value != "" or line.text.endswith(":"))
        if line.is_a("milestone") or _is_known_section(line) or line.kind == "heading" or LIST_NUMBER.match(line.text):
            return False
    return False


def _is_known_section(line: Line) -> bool:
    return opens_section(line) and line.mark is not None and line.mark.label != "other"


def _is_strange_heading(lines: Sequence[Line], number: int) -> bool:
    """Whether a line opens a section whose heading we do not know; without markup, it is short and after a status."""
    line = lines[number]
    if opens_section(line) or (line.kind == "heading" and line.mark is None):
        return True
    before = lines[number - 1].mark
    if line.mark or line.kind == "item" or not (before and before.kind == "status" and before.value):
        return False
    if LIST_NUMBER.match(line.text) or _is_dated(lines, number):
        return False
    following = lines[number + 1] if number + 1 < len(lines) else None
    return following is not None and following.mark is None and is_subheading(line, following)


def _milestone_follows(lines: Sequence[Line]) -> list[bool]:
    """For each line, whether a milestone comes after it and before the next section."""
    follows = False
    found = [False] * len(lines)
    for number in range(len(lines) - 1, -1, -1):
        found[number] = follows
        follows = lines[number].is_a("milestone") or (follows and not _is_known_section(lines[number]))
    return found


def front_of(head: Sequence[Line], vocabulary: Vocabulary) -> Front:
    """Title, plan, period, second heading and commitment: before the first field, but for a period that comes late."""
    front = Front()
    fields_begun = False
    for line in _joined(head):
        kind = line.mark.kind if line.mark else None
        fields_begun = fields_begun or kind in KINDS
        if kind == "period" and front.period is None:
            front.period = line
        elif (not fields_begun or kind == "commitment") and _takes(front, line, kind, vocabulary):
            continue
        elif front.commitment or fields_begun:
            front.fields.append(line)
        else:
            front.others.append(line)
    if front.period is None:
        _unlabelled_period(front)
    return front


def _joined(head: Sequence[Line]) -> list[Line]:
    """The lines of the head, a period or a commitment's title put to the label that stands alone on the line before."""
    found: list[Line] = []
    for number, line in enumerate(head):
        label = found[-1] if found else None
        if label and label.mark and not label.mark.value and line.mark is None and line.kind != "item":
            following = head[number + 1].mark if number + 1 < len(head) else None
            ends = following is not None and following.kind in KINDS and not line.text.endswith(".")
            if (label.is_a("period") and read_period(line.text).end) or (label.is_a("commitment") and ends):
                found[-1] = replace(label, mark=label.mark._replace(value=line.text))
                continue
        found.append(line)
    return found


def _takes(front: Front, line: Line, kind: str | None, vocabulary: Vocabulary) -> bool:
    """Whether the line is one of the front's, and then puts it there."""
    if kind == "title" and front.title is None:
        front.title = line
    elif kind == "title" and front.heading is None:
        front.heading = line
    elif kind == "commitment" and front.commitment is None:
        front.commitment = line
    elif kind is None and front.plan is None and front.commitment is None and is_plan(line.text, vocabulary):
        front.plan = line
    else:
        return False
    return True


def is_plan(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a line is the label of a plan."""
    if len(text) > _LONGEST_PLAN_LINE or not _PLAN_LINE.search(text):
        return False
    return bool(_TERM.search(text)) or vocabulary.plan_by_label(text) is not None


def _unlabelled_period(front: Front) -> None:
    """A period that stands alone without a label, else the title's or the second heading's."""
    front.is_labelled = False
    for line in front.others:
        if periods.is_period(line.text):
            front.period = line
            front.others.remove(line)
            return
    for text, line in front.claims:
        if read_period(text).end:
            front.period = line
            return
