"""Milestones and commitments as a pure function of the plan's facts and the live progress lines, whatever the order of import.

docs/words.md states the rules in the same order.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from msgspec.structs import replace

from ogp_open_data.intake.reading.dates import last_day
from ogp_open_data.records import Commitment, Milestone, Progress, Report

CLOSED = ("completed", "withdrawn", "not_applicable")
# A commitment's timeliness is the worst of its milestones': this order.
WORST_FIRST = ("overdue", "due_soon", "unknown", "on_time", "done")
SOON = timedelta(days=30)


def in_order(lines: Sequence[Progress]) -> list[Progress]:
    """Lines as time has them: by end, then start of the period, then report."""
    return sorted(lines, key=lambda line: (line.period_end, line.period_start or date.min, line.report))


def milestone(ground: Milestone, lines: Sequence[Progress], on: date) -> Milestone:
    """A milestone from what its plan says (`ground`) and its progress lines, on a day in the plan's country."""
    lines = in_order(lines)
    numbers = [line.number for line in lines if line.number is not None]
    texts = [line.text for line in lines if line.text is not None]
    starts = [line.starts for line in lines if line.starts is not None]
    dated = replace(
        _ends(ground, lines),
        number=numbers[-1] if numbers else ground.number,
        text=texts[-1] if texts else ground.text,
        starts=starts[-1] if starts else ground.starts,
    )
    stated = _status(dated, lines)
    return replace(stated, timeliness=timeliness(stated.status, stated.due_on, on))


def _ends(ground: Milestone, lines: Sequence[Progress]) -> Milestone:
    """The latest end that was printed; a line without one never erases a known one. Counts the moves to a later end."""
    known = [(ground.ends, ground.ends_raw, ground.ongoing)] if ground.ends or ground.ongoing else []
    known += [(line.ends, line.ends_raw, line.ongoing) for line in lines if line.ends or line.ongoing]
    days = [ends for ends, _, _ in known if ends is not None]
    slips = sum(last_day(later) > last_day(earlier) for earlier, later in pairwise(days))
    ends, raw, ongoing = known[-1] if known else (None, ground.ends_raw, False)
    # The wording of the first line of the run, so that a report which only repeats leaves the milestone untouched.
    for earlier in reversed(known):
        if (earlier[0], earlier[2]) != (ends, ongoing):
            break
        raw = earlier[1] or raw
    return replace(
        ground,
        ends=ends,
        ends_raw=raw,
        ongoing=ongoing,
        ends_original=days[0] if days else None,
        due_on=last_day(ends) if ends is not None else None,
        times_slipped=slips,
    )


def _status(ground: Milestone, lines: Sequence[Progress]) -> Milestone:
    """The latest status that was stated, since the first report of the unbroken run that states it."""
    stated = [line for line in lines if line.status_raw is not None or line.status != "unknown"]
    if not stated:
        return ground
    last = stated[-1]
    first = last
    for line in reversed(stated):
        if line.status != last.status:
            break
        first = line
    return replace(
        ground,
        status=last.status,
        status_raw=first.status_raw,
        status_since=first.period_end,
        status_report=first.report,
    )


def timeliness(status: str, due_on: date | None, on: date) -> str:
    """Where a milestone stands against its due date on a day; nothing is left to do where it is closed."""
    if status in CLOSED:
        return "done"
    if due_on is None:
        return "unknown"
    if due_on < on:
        return "overdue"
    return "due_soon" if due_on - on <= SOON else "on_time"


def commitment(ground: Commitment, milestones: Sequence[Milestone], reports: Sequence[Report]) -> Commitment:
    """A commitment from what its plan says (`ground`), its derived milestones and its reports.

    The plan's title stands, else the latest printed one; objective and leads are the latest report's, else the plan's.
    """
    ordered = sorted(reports, key=lambda one: (one.period_end, one.period_start or date.min, one.id))
    titles = [one.commitment_title for one in ordered if one.commitment_title]
    objectives = [one.objective for one in ordered if one.objective]
    led = next((one for one in reversed(ordered) if one.organisations), None)
    latest = ordered[-1] if ordered else None
    return replace(
        ground,
        title=ground.title or (titles[-1] if titles else None),
        objective=objectives[-1] if objectives else ground.objective,
        lead_organisations=led.organisations if led else ground.lead_organisations,
        leads_raw=led.leads_raw if led else ground.leads_raw,
        supporting_organisations=(
            led.supporting_organisations or ground.supporting_organisations if led else ground.supporting_organisations
        ),
        status=status([one.status for one in milestones]),
        timeliness=next((t for t in WORST_FIRST if any(one.timeliness == t for one in milestones)), None),
        milestones_total=len(milestones),
        milestones_completed=sum(one.status == "completed" for one in milestones),
        latest_report=latest.id if latest else None,
        updated_on=latest.period_end if latest else None,
    )


def status(statuses: Sequence[str]) -> str | None:
    """A commitment's status by its milestones'; those that were dropped do not count unless all were."""
    counted = [one for one in statuses if one not in ("withdrawn", "not_applicable")]
    if not statuses:
        return None
    if not counted:
        return "withdrawn" if "withdrawn" in statuses else "not_applicable"
    if all(one == "completed" for one in counted):
        return "completed"
    if "delayed" in counted:
        return "delayed"
    if "underway" in counted or "completed" in counted:
        return "underway"
    return "not_started" if "not_started" in counted else "unknown"
