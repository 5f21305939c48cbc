"""What a release changed, in words: an event for each record that a citizen knows. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.formats.entries import words as entry_words
from ogp_open_data.formats.markup import commitment_words, day, lower, milestone_words, shorten
from ogp_open_data.intake.rows import sort_key
from ogp_open_data.records import Assessment, Commitment, Milestone, Organisation, Plan, Progress, Record, Report
from ogp_open_data.store import releases
from ogp_open_data.store.board import Changed
from ogp_open_data.web.board import words

MOST = 500
# What follows from other changes, and is told by them.
DERIVED = {
    *("updated_on", "latest_report", "milestones_completed", "milestones_total"),
    *("status_report", "status_since", "ends_raw", "due_on"),
}
SHOWN = {"status", "timeliness", "ends", "number", "title", "name", "ends_on"}


class Step(Struct, frozen=True):
    """A field before and after, in words."""

    field: str
    before: str | None
    after: str | None


class Told(Struct, frozen=True):
    """A change: whose it is and where, what kind (`new`, `changed` or `withdrawn`), its steps and other fields that changed."""

    noun: str
    commitment: str | None
    path: str
    title: str
    kind: str
    text: str | None
    steps: list[Step]
    others: list[str]
    reason: str | None


class Group(Struct, frozen=True):
    """The changes of one commitment, or (without a title) of none."""

    title: str | None
    path: str | None
    changes: list[Told]


def order(record: Record) -> str:
    """The natural order: 2, 2A, 3, 10."""
    return sort_key(record)


def title(record: Record) -> str:
    """What a record is called."""
    match record:
        case Commitment():
            return f"Commitment {record.number}" + (f": {record.title}" if record.title else "")
        case Milestone():
            return f"{commitment_words(record.commitment, record.plan)}, {milestone_words(record.number)}"
        case Report():
            return f"{commitment_words(record.commitment, record.plan)}: report for {words.period(record)}"
        case Progress():
            of = commitment_words(record.commitment, record.plan)
            return f"{of}, {milestone_words(record.number)}, {words.period(record)}"
        case _:
            return entry_words(record, "").title


def summary(record: Record) -> str | None:
    """A line more about a record."""
    match record:
        case Milestone():
            return record.text
        case Commitment():
            return record.objective
        case Plan():
            return " to ".join(day(one) for one in (record.starts_on, record.ends_on) if one) or None
        case Report():
            return record.commitment_title
        case Organisation():
            return record.name_mi
        case _:
            return None


def path(record: Record) -> str:
    """The page of a record; a progress line stands on the page of its report, an assessment on that of its commitment."""
    if isinstance(record, Progress):
        return f"/reports/{record.report}"
    if isinstance(record, Assessment):
        return f"/commitments/{record.commitment}"
    return record.url.removeprefix("/v1")


def told(changed: Sequence[Changed]) -> list[Told]:
    """The changes that say something: progress lines are told by their report, and what follows from another change by that."""
    found = [_told(one) for one in changed if one.noun != "progress"]
    return [one for one in found if one is not None]


def by_commitment(changes: Sequence[Told], commitments: Mapping[str, Record]) -> list[Group]:
    """Changes under the commitments that they are of, in the natural order; those of none come first."""
    groups: dict[str | None, list[Told]] = {None: []}
    for one in changes:
        groups.setdefault(one.commitment, []).append(one)
    known = sorted((one for id, one in commitments.items() if id in groups), key=order)
    found = [Group(title(one), path(one), [_under(told, one) for told in groups[one.id]]) for one in known]
    rest = [one for id, of_one in groups.items() if id is None or id not in commitments for one in of_one]
    return [*([Group(None, None, rest)] if rest else []), *found]


def _under(told: Told, commitment: Record) -> Told:
    """A change as it is called under its commitment's name."""
    return replace(told, title="The commitment as a whole") if told.path == path(commitment) else told


def _told(one: Changed) -> Told | None:
    doc = one.doc or one.before
    if doc is None:
        return None
    record = releases.decode(one.noun, doc)
    before = releases.decode(one.noun, one.before) if one.before else None
    kind = "withdrawn" if one.doc is None else "new" if before is None else "changed"
    fields = [name for name in one.changed_fields if name not in DERIVED] if kind == "changed" else []
    if "status" in fields:
        fields = [name for name in fields if name != "status_raw"]
    if kind == "changed" and not fields:
        return None
    steps = [_step(before, record, name) for name in fields if name in SHOWN]
    others = [words.field(name) for name in fields if name not in SHOWN]
    text = summary(record)
    return Told(
        noun=one.noun,
        commitment=record.id if isinstance(record, Commitment) else getattr(record, "commitment", None),
        path=path(record) + (f"?as_of={one.release - 1}" if kind == "withdrawn" else ""),
        title=title(record),
        kind=kind,
        text=shorten(text, 160) if text else None,
        steps=steps,
        others=others,
        reason=one.reason,
    )


def _step(before: Record | None, after: Record, field: str) -> Step:
    was, now = (_said(field, getattr(one, field, None)) for one in (before, after))
    return Step(words.field(field), was, now)


def _said(field: str, value: str | date | None) -> str | None:
    if value is None:
        return None
    if field == "status":
        return lower(words.status(str(value)))
    if field == "timeliness":
        return lower(words.timeliness(str(value)))
    return day(value) if field in ("ends", "ends_on") else str(value)
