"""What changed between two reports of a commitment, or two versions of one: statuses, end dates, and what went back."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.intake.deciding import derive
from ogp_open_data.intake.deciding.edits import changed_fields
from ogp_open_data.records import FAR, Milestone, Progress, Report

FROM_TO = {"before": "from", "after": "to"}


class Side(Struct, frozen=True):
    """A report, with all reports, progress lines and milestones of its commitment as of one release."""

    report: Report
    reports: Sequence[Report]
    lines: Sequence[Progress]
    milestones: Sequence[Milestone]


class Word(Struct, frozen=True, rename=FROM_TO):
    """A status or date before and after; equal where it did not move, null where no report had said it."""

    before: str | None
    after: str | None


class Count(Struct, frozen=True, rename=FROM_TO):
    """A number before and after."""

    before: int
    after: int


class Printed(Struct, frozen=True, rename=FROM_TO):
    """Whether the one and the other report printed it."""

    before: bool
    after: bool


class Step(Struct, frozen=True):
    """One milestone between two reports: what the reports up to each of them say of it, by the rules of docs/words.md.

    `went` is `forward`, `back` or null; `days` is how much later it ends, negative where earlier.
    """

    milestone: str
    number: str | None
    text: str | None
    printed: Printed
    status: Word
    went: str | None
    ends: Word
    days: int | None
    times_slipped: Count


class Difference(Struct, frozen=True):
    """`milestones` in printed order, all of them; the lists name those of a kind. `fields` of the report that differ."""

    milestones: list[Step]
    completed: list[str]
    went_back: list[str]
    slipped: list[str]
    added: list[str]
    dropped: list[str]
    fields: list[str]


def previous(side: Side) -> Side | None:
    """The report of the same kind that comes before one; None for the first."""
    earlier = [one for one in side.reports if one.kind == side.report.kind and _moment(one) < _moment(side.report)]
    return replace(side, report=max(earlier, key=_moment)) if earlier else None


def compare(before: Side | None, after: Side) -> Difference:
    """The difference of two sides; without the first, everything is new."""
    ids = [*after.report.milestones, *(before.report.milestones if before else [])]
    steps = [_step(before, after, id) for id in dict.fromkeys(ids)]
    return Difference(
        milestones=steps,
        completed=[one.milestone for one in steps if one.status.after == "completed" != one.status.before],
        went_back=[one.milestone for one in steps if one.went == "back"],
        slipped=[one.milestone for one in steps if one.times_slipped.after > one.times_slipped.before],
        added=[one.milestone for one in steps if one.printed == Printed(False, True)],
        dropped=[one.milestone for one in steps if one.printed == Printed(True, False)],
        fields=changed_fields(before.report, after.report) if before else [],
    )


def _step(before: Side | None, after: Side, id: str) -> Step:
    then, now = _state(before, id), _state(after, id)
    known = now or then
    assert known is not None
    return Step(
        milestone=id,
        number=known.number,
        text=known.text,
        printed=Printed(before is not None and id in before.report.milestones, id in after.report.milestones),
        status=Word(then.status if then else None, now.status if now else None),
        went=_way(then, now),
        ends=Word(then.ends if then else None, now.ends if now else None),
        days=(now.due_on - then.due_on).days if now and then and now.due_on and then.due_on else None,
        times_slipped=Count(then.times_slipped if then else 0, now.times_slipped if now else 0),
    )


def _way(then: Milestone | None, now: Milestone | None) -> str | None:
    if then is None or now is None or not {then.status, now.status} <= set(FAR):
        return None
    far = FAR[now.status] - FAR[then.status]
    return "forward" if far > 0 else "back" if far < 0 else None


def _state(side: Side | None, id: str) -> Milestone | None:
    """A milestone as the reports up to a side's say it is; None where none of them prints it."""
    if side is None:
        return None
    lines = derive.in_order([line for line in side.lines if line.milestone == id])
    upto = [line for line in lines if _moment(line) <= _moment(side.report)]
    ground = next((one for one in side.milestones if one.id == id), None)
    if not upto or ground is None:
        return None
    # An end that no report was the first to print is the plan's, and was known before any of them.
    printed = next((line.ends for line in lines if line.ends), None)
    plain = replace(
        ground, number=None, text=None, starts=None, ends_raw=None, ongoing=False, status="unknown", status_raw=None
    )
    return derive.milestone(
        replace(plain, ends=ground.ends_original if ground.ends_original != printed else None),
        upto,
        side.report.period_end,
    )


def _moment(one: Progress | Report) -> tuple[date, date, str]:
    """Where a report, or a line of it, stands in time: the order in which `derive` reads them."""
    return one.period_end, one.period_start or date.min, one.report if isinstance(one, Progress) else one.id
