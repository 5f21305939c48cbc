"""What a change of a record means to a citizen: published, corrected, withdrawn …, and the steps that a milestone took."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from ogp_open_data.formats.markup import STATUS_WORDS, day, in_words
from ogp_open_data.records import FAR, Milestone, Record

# What an entry of the news can be of, and what each means: told by the page of the feeds, and the terms of its categories.
KINDS = {
    "published": "Something is told for the first time.",
    "completed": "A milestone, or all of a commitment, is reported as completed.",
    "started": "A milestone is reported as underway.",
    "delayed": "A milestone is reported as delayed.",
    "went-back": "A milestone is reported as less far than before.",
    "dropped": "A milestone is reported as withdrawn or no longer applicable.",
    "slipped": "An end date was moved later.",
    "brought-forward": "An end date was moved earlier.",
    "due-soon": "A milestone is due within 30 days: only the day did it.",
    "overdue": "A milestone passed its end date: only the day did it.",
    "changed": "Something else changed, as the agencies or the plan tell it.",
    "corrected": "Something had been told wrongly, and is told right now.",
    "redacted": "Personal data was taken out of all that was published of it.",
    "withdrawn": "Something was taken out; its address answers 410.",
    "restored": "Something that was withdrawn is back.",
    "merged": "Two records were one; the other one stays.",
    "deprecated": "Something of this service is on its way out.",
}


class Happened(Struct, frozen=True, kw_only=True):
    """One change of a release: the record after and before it (None where there is or was none).

    `again` where it had been withdrawn; `plan`, `commitment` (its own, or itself) and `organisations` are whom it concerns.
    """

    noun: str
    id: str
    after: Record | None
    before: Record | None
    change_kind: str = "data"
    changed_fields: Sequence[str] = ()
    reason: str | None = None
    successor: str | None = None
    again: bool = False
    plan: str | None = None
    commitment: str | None = None
    organisations: Sequence[str] = ()

    @property
    def record(self) -> Record:
        """The record as it is, or was at last."""
        known = self.after or self.before
        assert known is not None
        return known

    @property
    def fate(self) -> str:
        """What became of the record, as a kind."""
        if self.after is None:
            return "merged" if self.successor else "withdrawn"
        if self.before is None:
            return "restored" if self.again else "published"
        return {"correction": "corrected", "redaction": "redacted"}.get(self.change_kind, "changed")


class Step(NamedTuple):
    """One thing that changed of a milestone: its kind, how a title says it after “milestone 2”, and the values."""

    kind: str
    said: str
    label: str
    before: str
    after: str


def steps(before: Milestone, after: Milestone, by_time: bool) -> Iterator[Step]:
    """What a milestone went through between two versions, in the order in which a title tells it."""
    if before.status != after.status:
        was, now = _stated(before.status), _stated(after.status)
        kind, said = _moved(before.status, after.status, was, now)
        if kind:
            yield Step(kind, said, "Status", was, now)
    if before.ends != after.ends and before.ends and after.ends and before.due_on and after.due_on:
        was, now = day(before.ends), day(after.ends)
        if before.due_on != after.due_on:
            later = after.due_on > before.due_on
            said = f"slipped from {was} to {now}" if later else f"brought forward from {was} to {now}"
            yield Step("slipped" if later else "brought-forward", said, "End", was, now)
    elif before.ends and not after.ends:
        yield Step("changed", "has no end date any more", "End", day(before.ends), "none")
    if before.timeliness != after.timeliness and before.timeliness in ("on_time", "due_soon") and after.ends:
        due = day(after.ends)
        if after.timeliness == "overdue":
            yield Step("overdue", f"is overdue, it was due {due}", "Timeliness", "not due yet", f"overdue since {due}")
        elif after.timeliness == "due_soon" and by_time:
            yield Step("due-soon", f"is due {due}", "Timeliness", "on time", "due within 30 days")
    if before.number != after.number and before.number and after.number:
        said = f"has another number, it was {before.number}"
        yield Step("changed", said, "Number", before.number, after.number)


def _stated(status: str) -> str:
    return "not known" if status == "unknown" else in_words(status, STATUS_WORDS)


def _moved(before: str, after: str, was: str, now: str) -> tuple[str | None, str]:
    """The kind and words of another status; None where nothing was known before, and nothing was reached."""
    if FAR.get(after, 9) < FAR.get(before, -1):
        return "went-back", f"went back from {was} to {now}"
    if after in ("completed", "delayed"):
        return after, after
    if after in ("withdrawn", "not_applicable"):
        return "dropped", "dropped by its agency" if after == "withdrawn" else "no longer applicable"
    if before == "unknown" and after in FAR:
        return None, ""
    if after == "underway":
        return "started", "underway again" if before == "delayed" else "underway"
    return "changed", f"has the status “{now}”"
