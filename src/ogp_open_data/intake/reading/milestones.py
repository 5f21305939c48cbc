"""Milestones of a report or plan page: numbers, texts, dates and status words, however they stand on their lines."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ogp_open_data.intake.reading.dates import MONTH, YEAR, RangeRead, is_open_or_absent, read_date, read_range
from ogp_open_data.intake.reading.drafts import MilestoneDraft
from ogp_open_data.intake.reading.labels import RUN_ON, Mark, MarkKind, mark
from ogp_open_data.intake.reading.lines import Line, bulleted, unplaced
from ogp_open_data.intake.reading.statuses import key, read_status
from ogp_open_data.records import Finding

_LABELS = ("start", "end", "range", "status", "timeline")
LIST_NUMBER = re.compile(r"(\d+[A-Za-z]?)[.)]\s+(?:\d+[A-Za-z]?[.)]\s+)?(?=\S)")
_LOOSE_STATUS = re.compile(r"(progress|status)(?:\s+[–—-])?\s+(.{1,60})", re.IGNORECASE)
_DAY = rf"(?:\d{{1,2}}\s+)?{MONTH}\.?(?:\s+{YEAR})?"
_FINAL_DATES = re.compile(rf"[\s,:–—-]*\(?(?<!\w)({_DAY}\s*(?:[–—-]|to\b)\s*{_DAY})\)?[\s.]*$", re.IGNORECASE)
# A bare “Progress:” is followed by a word or two, not by prose.
_LONGEST_WORD = 60
_MESSAGES = {
    "single_date": "One date stands where a start and an end are asked for; it was read as the end.",
    "start_event": "The start is an event, not a date; its text is kept and no date is given.",
    "invalid_day": "There is no such day; its month was read.",
    "date_ambiguous": "Day and month can be read in either order; no date is given.",
    "date_unreadable": "This is not a date that we can read; its text is kept.",
    "dates_reversed": "The start is after the end; both are kept as printed.",
}


class _Open(Struct):
    """A milestone that is being read. `waits` is a label whose value must come on the next line."""

    number: str | None
    line: int
    as_item: bool = False
    listed: bool = False
    text: list[str] = []
    dates: dict[str, RangeRead] = {}
    status_raw: str | None = None
    misplaced: str | None = None
    waits: Mark | None = None

    @property
    def is_dated(self) -> bool:
        return bool(self.dates) or self.status_raw is not None or self.misplaced is not None


class Reader:
    """Reads the lines of the milestone part one after the other."""

    def __init__(self, words: Mapping[str, str], report: bool = True) -> None:
        self.words = words
        self.report = report
        self.read: list[_Open] = []
        self.current: _Open | None = None
        self.findings: list[Finding] = []
        # After a footnote or a label of another part, words are of no milestone until the next one begins.
        self.closed = False
        # The date and status labels at the head of a table, whose cells then stand without a label.
        self.columns: list[str] = []

    def line(self, line: Line) -> None:
        found = line.mark
        if found and found.kind == "milestones":
            self.current = None
        elif found and found.kind == "milestone":
            self._open(found.label, line)
            inside = mark(found.value)
            if inside and inside.kind in _LABELS:
                self._label(inside, line)
            elif found.value:
                self._text(found.value, line)
        elif found and found.kind == "footnote":
            self.findings.append(
                Finding("footnote", "milestones", line.text, line.line, "A footnote; no part of a milestone's text.")
            )
            self.current, self.closed = None, True
        elif found and found.kind == "aside":
            self.findings.append(unplaced(line))
            self.current, self.closed = None, True
        elif found and (found.kind in _LABELS or (found.kind == "period" and found.label == "date")):
            if self.read or found.value:
                self._label(found, line)
            else:
                self.columns.append(found.kind)
        elif status := self._loose_status(line):
            self._label(status, line)
        elif self.current and self.current.waits and self._is_value(line):
            self._label(self.current.waits._replace(value=line.text), line)
        else:
            self._words(line)

    def finish(self, ends_early: bool) -> list[MilestoneDraft]:
        """What was read. A report must say how each milestone goes, but for the last of one that `ends_early`."""
        for number, one in enumerate(self.read, 1):
            if not self.report or one.status_raw is not None or one.misplaced is not None:
                continue
            if number == len(self.read) and ends_early and not self.closed:
                message = "The document ends inside this milestone; it may have said more."
                self._find("text_ends_early", None, one.number, one.line, message)
            else:
                message = "No progress is printed for this milestone; it is unknown."
                self._find("status_missing", "status", one.number, one.line, message)
        return [self._draft(one) for one in self.read]

    def _find(self, code: str, field: str | None, raw: str | None, line: int, message: str) -> None:
        self.findings.append(Finding(code, field, raw, line, message))

    def _open(self, number: str | None, line: Line, listed: bool = False) -> None:
        self.current = _Open(number, line.line, line.kind == "item", listed)
        self.closed = False
        self.read.append(self.current)
        if number is None:
            message = "This milestone has no number; it is known by its place."
            self._find("milestone_unnumbered", "number", line.text, line.line, message)

    def _is_value(self, line: Line) -> bool:
        """Whether the line is the value of the label before it, which stands alone on its line."""
        assert self.current and self.current.waits
        if line.mark is not None or len(line.text) > _LONGEST_WORD:
            return False
        if self.current.waits.kind == "start":
            return bool(self.current.text)
        if self.current.waits.kind == "status":
            return read_status(line.text, self.words)[1] is None or line.text.count(" ") < 3
        read = read_range(line.text)
        return bool(read.start or read.end or read.ongoing) or is_open_or_absent(line.text)

    def _loose_status(self, line: Line) -> Mark | None:
        """A status that stands after its label without a colon."""
        found = _LOOSE_STATUS.fullmatch(line.text) if self.current and self.current.text and not line.mark else None
        return Mark("status", found[1], found[2]) if found and not read_status(found[2], self.words)[1] else None

    def _is_cell(self, current: _Open, line: Line) -> bool:
        """Whether a line without a label is a date or status of the open milestone, and then keeps it."""
        text = line.text
        if line.mark or len(text) > _LONGEST_WORD or not current.text:
            return False
        read = read_range(text)
        if self.columns:
            is_date = bool(read.start or read.end or read.ongoing) or is_open_or_absent(text)
            return (is_date and self._date_cell(current, read, line)) or self._status_cell(current, text)
        kind: MarkKind = "range" if read.start and read.end else "status"
        if kind == "status" and (current.status_raw is not None or key(text) not in self.words):
            return False
        if kind == "range" and current.dates:
            return False
        self._find("label_missing", "end" if kind == "range" else kind, text, line.line, "Its label is missing.")
        self._value(current, Mark(kind, text, text), text, line)
        return True

    def _date_cell(self, current: _Open, read: RangeRead, line: Line) -> bool:
        """A cell with a date; of two the first is the start, and one alone is the end."""
        kind: MarkKind = "end" if "end" in self.columns and not read.start else "range"
        first = current.dates.get("end")
        if kind in current.dates and ("start" in current.dates or "start" not in self.columns):
            return False
        if first and first.end_raw:
            current.dates["start"] = _dates("start", first.end_raw)
            del current.dates["end"]
        self._value(current, Mark(kind, line.text, line.text), line.text, line)
        return True

    def _status_cell(self, current: _Open, text: str) -> bool:
        if "status" not in self.columns or current.status_raw is not None or read_status(text, self.words)[1]:
            return False
        current.status_raw = text
        return True

    def _words(self, line: Line) -> None:
        """A line of text: of the open milestone, or the beginning of one without a label."""
        if self.current is None and self.closed:
            self.findings.append(unplaced(line))
            return
        if self.current and self._is_cell(self.current, line):
            return
        number = LIST_NUMBER.match(line.text)
        if self.current is None or self._begins(self.current, line, number is not None):
            self._open(number[1] if number else None, line, number is not None)
            self._text(line.text[number.end() :] if number else line.text, line)
        else:
            self._text(bulleted(line), line)

    def _begins(self, current: _Open, line: Line, numbered: bool) -> bool:
        """Whether a line begins the next of several milestones without labels."""
        if current.listed:
            return numbered and line.level <= 1 and not current.text[-1].endswith(":")
        if current.number is not None:
            return False
        return line.kind == "item" and line.level <= 1 if current.as_item else current.is_dated

    def _text(self, text: str, line: Line) -> None:
        """A text, and the labels that have run on into its line."""
        assert self.current
        self.current.waits = None
        first, *labels = RUN_ON.split(text)
        marks = [mark(label) for label in labels]
        if any(
            found is None or (found.kind == "status" and read_status(found.value, self.words)[1]) for found in marks
        ):
            first, marks = text, []
        self.current.text.append(first)
        for found in marks:
            assert found
            if found.kind != "status":
                self._find(
                    "date_run_on",
                    found.kind,
                    text,
                    line.line,
                    "A date runs on at the end of the sentence; it was read as a date.",
                )
            self._label(found, line)

    def _label(self, found: Mark, line: Line) -> None:
        """A date or a status; several on one line are read one after the other."""
        value, *others = RUN_ON.split(found.value)
        current = self.current or (self.read[-1] if self.read else None)
        if current is None:
            self.findings.append(unplaced(line))
            return
        current.waits = found if not value else None
        if value:
            self._value(current, found, value, line)
        for other in others:
            if also := mark(other):
                self._label(also, line)

    def _value(self, current: _Open, found: Mark, value: str, line: Line) -> None:
        kind = "range" if found.kind in ("period", "timeline") else found.kind
        if kind != "status" and self._is_status(value):
            message = f"A status stands under “{found.label}”; it was read as the status."
            self._find("status_in_wrong_field", "status", value, line.line, message)
            current.misplaced = current.misplaced or value
        elif kind == "status" and current.status_raw is None:
            current.status_raw = value
            if read_status(value, self.words)[1]:
                self._find(
                    "status_unknown", "status", value, line.line, f"“{value}” is no status that we know; it is unknown."
                )
        elif kind in current.dates or kind == "status":
            self.findings.append(unplaced(line))
        else:
            read = current.dates[kind] = _dates(kind, value)
            for code in read.codes:
                field = "start" if code == "start_event" or kind == "start" else "end"
                self._find(code, field, value, line.line, _MESSAGES[code])

    def _is_status(self, value: str) -> bool:
        if is_open_or_absent(value) or read_range(value).end:
            return False
        return read_status(value, self.words) != ("unknown", "status_unknown")

    def _dates_in_text(self, one: _Open) -> None:
        """The dates at the end of a plan's milestone that has no label for them; a report's may be those of an event."""
        if self.report or one.dates or not one.text:
            return
        at = max(0, len(one.text[-1]) - _LONGEST_WORD)
        found = _FINAL_DATES.search(one.text[-1], at)
        if found is None or not (read := read_range(found[1])).start or not read.end:
            return
        self._find(
            "date_run_on", "end", one.text[-1], one.line, "Dates run on at the end of the sentence; they were read."
        )
        one.text[-1] = one.text[-1][: found.start()]
        one.dates["range"] = read

    def _draft(self, one: _Open) -> MilestoneDraft:
        self._dates_in_text(one)
        dates = _together([one.dates[kind] for kind in ("range", "start", "end") if kind in one.dates])
        status_raw = one.status_raw if one.status_raw is not None else one.misplaced
        return MilestoneDraft(
            number=one.number,
            text="\n".join(one.text) or None,
            start_raw=dates.start_raw,
            start=dates.start,
            end_raw=dates.end_raw,
            end=dates.end,
            ongoing=dates.ongoing,
            status_raw=status_raw,
            status=read_status(status_raw, self.words, dates.end_raw)[0],
            line=one.line,
        )


def read_milestones(
    lines: Sequence[Line], words: Mapping[str, str], report: bool = True, ends_early: bool = False
) -> tuple[list[MilestoneDraft], list[Finding]]:
    """The milestones that the lines of the milestone part print; `ends_early` where the document has no lines after."""
    reader = Reader(words, report)
    for line in lines:
        reader.line(line)
    return reader.finish(ends_early), reader.findings


def _dates(kind: str, value: str) -> RangeRead:
    """What stands after one date label; a range is one under any label."""
    both = read_range(value)
    if kind == "range" or (both.start and (both.end or both.ongoing)):
        return both
    one = read_date(value, start=kind == "start")
    if kind == "end":
        return RangeRead(end_raw=value, end=one.value, ongoing=one.ongoing, codes=one.codes)
    codes = tuple("start_event" if code == "date_unreadable" else code for code in one.codes)
    return RangeRead(start_raw=value, start=one.value, ongoing=one.ongoing, codes=codes)


def _together(reads: Sequence[RangeRead]) -> RangeRead:
    """The dates of several labels as one; the later label wins where two give the same side."""
    merged = RangeRead()
    for read in reads:
        merged = RangeRead(
            start_raw=read.start_raw or merged.start_raw,
            start=read.start if read.start_raw else merged.start,
            end_raw=read.end_raw or merged.end_raw,
            end=read.end if read.end_raw else merged.end,
            ongoing=read.ongoing or merged.ongoing,
        )
    return merged
