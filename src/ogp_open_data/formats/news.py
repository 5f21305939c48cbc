"""The news of a release, in words that a citizen reads: which of its changes are told, in which order, and how. Pure.

A report is one entry with all that it says of its milestones, whatever else it touches; beside it stand only milestones
that took a step. What comes or goes together with what it belongs to is told there. docs/feeds.md has the rules.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ogp_open_data.formats.entries import KIND_WORDS, Words, words
from ogp_open_data.formats.feed import poisoned, within
from ogp_open_data.formats.happened import Happened, Step, steps
from ogp_open_data.formats.markup import (
    STATUS_WORDS,
    bulleted,
    commitment_words,
    day,
    escape,
    in_words,
    lower,
    milestone_words,
    one_line,
    paragraph,
    period_words,
    sentence,
    shorten,
)
from ogp_open_data.records import Commitment, Milestone, Organisation, Plan, Progress, Record, Report

LONGEST_TITLE = 300
Told = tuple[list[str], str, str, str]


class Story(NamedTuple):
    """One entry of the news: `id` is the record's, or a word where it is about several; `about` are what it tells of."""

    id: str
    kinds: list[str]
    words: Words
    about: Sequence[Happened]


def stories(cause: str, changes: Sequence[Happened], base: str) -> list[Story]:
    """The entries of a release, plans first, then by commitment; a record that cannot be told of is told by its id."""
    telling = Telling(cause, changes, base)
    new = [one for one in changes if one.noun == "organisations" and one.fate == "published"]
    told = [_attempted(one.id, [one], lambda one=one: telling.told(one)) for one in _ordered(changes)]  # type: ignore[misc]
    if new:
        told.insert(0, _attempted("organisations", new, lambda: _organisations(new, base)))
    return [story for story in told if story is not None]


def _attempted(id: str, about: Sequence[Happened], tell: Callable[[], Told | None]) -> Story | None:
    """A story, None where there is none to tell; one bad record never takes a feed down."""
    try:
        told = tell()
        if told is None:
            return None
        kinds, title, summary, html = told
        title = shorten(title, LONGEST_TITLE) or id
        return Story(id, kinds, within(Words(title, shorten(summary) or title, html)), about)
    except Exception as error:
        poisoned(id, error)
        return Story(id, [about[0].fate], Words(id, id, ""), about)


def _ordered(changes: Sequence[Happened]) -> list[Happened]:
    """Plans and organisations, then each commitment, its reports, its milestones and the rest."""
    rank = {noun: i for i, noun in enumerate(("organisations", "plans", "commitments", "reports", "milestones"))}
    place: dict[str | None, int] = {}
    for one in sorted(changes, key=lambda one: rank.get(one.noun, 9)):
        place.setdefault(one.commitment, len(place))
    return sorted(
        changes, key=lambda one: (min(rank.get(one.noun, 9), 2), place[one.commitment], rank.get(one.noun, 9))
    )


class Telling:
    """What there is to say of each change of a release, seen among the others."""

    def __init__(self, cause: str, changes: Sequence[Happened], base: str) -> None:
        self.cause = cause
        self.base = base
        self.changes = {one.id: one for one in changes}
        # The reports that came, and the commitments of which something told before was put right.
        self.came = [one.after for one in changes if isinstance(one.after, Report) and one.fate == "published"]
        self.righted = {
            one.commitment
            for one in changes
            if one.noun in ("reports", "progress") and one.fate in ("corrected", "withdrawn", "restored", "merged")
        } - {report.commitment for report in self.came}

    def told(self, one: Happened) -> Told | None:
        """Kinds, title, summary and HTML of what a change is told by; None where it is told elsewhere, or by nothing."""
        if one.change_kind == "schema" or self._goes_with_another(one):
            return None
        match one.record, one.before, one.fate:
            case Organisation(), _, "published":
                return None
            case Progress() as line, _, fate if fate not in ("corrected", "redacted") or line.report in self.changes:
                return None
            case Report() as report, _, "published" | "corrected" | "restored":
                return self._report(one, report)
            case Milestone() as after, Milestone() as before, "changed" | "corrected":
                return self._milestone(one, before, after)
            case Commitment() as after, Commitment() as before, "changed":
                return self._commitment(before, after)
            case record, _, _:
                return self._plainly(one, record)

    def _goes_with_another(self, one: Happened) -> bool:
        """Whether it came or went with what it belongs to, or is named anew because two records were merged."""
        if self.cause == "merger":
            return one.after is not None
        if one.fate in ("changed", "corrected", "redacted") or (one.noun == "reports" and one.fate == "published"):
            return False
        if one.noun == "commitments":
            above = self.changes.get(one.plan or "") if one.fate != "published" else None
        else:
            above = self.changes.get(one.commitment or "")
        return above is not None and above.fate == one.fate

    def _report(self, one: Happened, report: Report) -> Told:
        """A report with what it says of each milestone, and what that was before."""
        lines = [
            it for it in self.changes.values() if isinstance(it.record, Progress) and it.record.report == report.id
        ]
        listed = [self._line(it, it.record) for it in lines if isinstance(it.record, Progress)]
        reasons = list(dict.fromkeys(it.reason for it in [one, *lines] if it.reason))
        told = words(report, self.base)
        heading = "What was corrected" if one.fate == "corrected" else "Milestones"
        summary = [*map(sentence, reasons), *map(sentence, listed), told.summary]
        html = [_reasons(reasons), _fields(one), _listed(heading, listed), told.html]
        return [one.fate], _title(report, one.fate, told), " ".join(summary), "".join(html)

    def _line(self, one: Happened, line: Progress) -> str:
        """What a report says of a milestone, and where that is another thing than before, what it was."""
        milestone = self.changes.get(line.milestone)
        earlier = one.before or (milestone.before if milestone else None)
        name, status = milestone_words(line.number).capitalize(), in_words(line.status, STATUS_WORDS)
        if one.after is None:
            return f"{name}: not printed any more"
        was = earlier.status if isinstance(earlier, Progress | Milestone) else "unknown"
        if was not in ("unknown", line.status):
            return f"{name}: {status} (before: {in_words(was, STATUS_WORDS)})"
        return f"{name}: {_named(one)} corrected" if one.fate == "corrected" else f"{name}: {status}"

    def _milestone(self, one: Happened, before: Milestone, after: Milestone) -> Told | None:
        """A milestone that took steps, or of which something was put right."""
        taken = list(steps(before, after, one.change_kind == "time"))
        if not taken and one.fate != "corrected":
            return None
        name = milestone_words(after.number or before.number)
        if one.fate == "corrected" or after.commitment in self.righted:
            kinds, said = (
                ["corrected"],
                "; ".join(f"{lower(step.label)} {step.after}, not {step.before}" for step in taken),
            )
            title = f"{commitment_words(after.commitment, after.plan)}: {name} corrected" + (
                f": {said}" if said else ""
            )
        else:
            kinds = list(dict.fromkeys(step.kind for step in taken))
            title = f"{self._reported(after)}: {name} {', '.join(step.said for step in taken)}"
        told = words(after, self.base)
        reasons = self._reasons_of(one)
        summary = [*map(sentence, reasons), *map(_step, taken), after.text or ""]
        changed = "" if taken else _fields(one)
        html = [_reasons(reasons), bulleted(escape(_step(step)) for step in taken), changed, told.html]
        return kinds, title, " ".join(summary), "".join(html)

    def _reasons_of(self, one: Happened) -> list[str]:
        """Why a milestone was changed by hand: for its own sake, or for that of a report or of a line about it."""
        of_reports = [
            it
            for it in self.changes.values()
            if it.commitment == one.commitment
            and (it.noun == "reports" or (isinstance(it.record, Progress) and it.record.milestone == one.id))
        ]
        return list(dict.fromkeys(it.reason for it in [one, *of_reports] if it.reason))

    def _reported(self, milestone: Milestone) -> str:
        """The commitment, and the period of the report of this release that its status is from, else of the latest."""
        came = [one for one in self.came if one.commitment == milestone.commitment]
        if not came:
            return commitment_words(milestone.commitment, milestone.plan)
        return _about(max(came, key=lambda one: (one.id == milestone.status_report, one.period_end, one.id)))

    def _commitment(self, before: Commitment, after: Commitment) -> Told | None:
        """A commitment that was completed, or of which its plan or a report says something else now."""
        said: list[tuple[str, str, str]] = []
        if after.status == "completed" != before.status and after.id not in self.righted:
            said.append(("completed", f"completed, with all {after.milestones_total} milestones", ""))
        if before.lead_organisations != after.lead_organisations and before.leads_raw and after.leads_raw:
            said.append(("changed", f"now led by {after.leads_raw}", f"Led before by {before.leads_raw}."))
        if before.title and after.title and before.title != after.title:
            said.append(("changed", f"now called “{after.title}”", f"Called before “{before.title}”."))
        if before.ends and after.ends and before.ends != after.ends:
            later = after.ends > before.ends
            kind, moved = ("slipped", "slipped") if later else ("brought-forward", "brought forward")
            said.append((kind, f"{moved} from {day(before.ends)} to {day(after.ends)}", ""))
        if not said:
            return None
        told, earlier = words(after, self.base), [text for _, _, text in said if text]
        title = f"Commitment {after.number} {', '.join(phrase for _, phrase, _ in said)}"
        kinds = list(dict.fromkeys(kind for kind, _, _ in said))
        return kinds, title, " ".join([*earlier, told.title]), "".join(map(paragraph, earlier)) + told.html

    def _plainly(self, one: Happened, record: Record) -> Told:
        """Anything else: what became of the record, why, and as far as it is still told, the record with what came along."""
        told = words(record, self.base)
        fate = f"merged into {one.successor}" if one.fate == "merged" else one.fate
        along = [
            it.after for it in self.changes.values() if isinstance(it.after, Milestone) and it.commitment == one.id
        ]
        named = [f"{milestone_words(it.number).capitalize()}: {it.text or 'wording not known'}" for it in along]
        listed = _listed("Milestones", named) if one.fate in ("published", "restored") else ""
        summary = " ".join(filter(None, [sentence(one.reason or ""), told.summary if one.after else ""]))
        html = [_reasons([one.reason]), _fields(one), told.html, listed] if one.after else [_reasons([one.reason])]
        return [one.fate], _title(record, fate, told), summary, "".join(html)


def _organisations(new: Sequence[Happened], base: str) -> Told:
    """The organisations that a release names for the first time, in one entry."""
    told = [words(one.record, base) for one in new]
    names = ", ".join(one.title for one in told)
    if len(new) == 1:
        return ["published"], _title(new[0].record, "published", told[0]), told[0].summary, told[0].html
    return ["published"], f"{len(told)} agencies published: {names}", names, bulleted(escape(one.title) for one in told)


def _title(record: Record, fate: str, told: Words) -> str:
    """A record and what became of it."""
    match record:
        case Plan():
            return f"Plan {fate}: {told.title}"
        case Organisation():
            return f"Agency {fate}: {told.title}"
        case Commitment():
            return f"Commitment {record.number} {fate}" + (f": {record.title}" if record.title else "")
        case Milestone():
            return f"{commitment_words(record.commitment, record.plan)}: {milestone_words(record.number)} {fate}"
        case Report():
            return f"{_about(record)}: {_kind(record)} {fate}"
        case Progress():
            return f"{_about(record)}: what the report says of {milestone_words(record.number)} {fate}"
        case _:
            return f"{told.title} {fate}"


def _about(report: Report | Progress) -> str:
    return f"{commitment_words(report.commitment, report.plan)}, {period_words(report.period_start, report.period_end)}"


def _kind(report: Report) -> str:
    return KIND_WORDS.get(report.kind) or one_line(re.sub("[-_]", " ", report.kind))


def _step(step: Step) -> str:
    return f"{step.label}: {step.after} (before: {step.before})."


def _named(one: Happened) -> str:
    """The fields that a correction changed, in words."""
    fields = [name for name in one.changed_fields if name not in ("source", "findings")]
    return ", ".join(dict.fromkeys(name.removesuffix("_raw").replace("_", " ") for name in fields))


def _fields(one: Happened) -> str:
    named = _named(one) if one.before is not None and one.after is not None else ""
    return paragraph(f"What changed: {named}.") if named else ""


def _listed(heading: str, items: Sequence[str]) -> str:
    return f"<h3>{heading}</h3>{bulleted(map(escape, items))}" if items else ""


def _reasons(reasons: Sequence[str | None]) -> str:
    return "".join(paragraph(f"Reason: {reason}") for reason in reasons if reason)
