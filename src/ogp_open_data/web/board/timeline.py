"""Status by period: what the reports up to each day stated, as cells of a table. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from ogp_open_data.records import STATUSES, Commitment, Milestone, Progress
from ogp_open_data.store.board import Period

# The order in which the parts of a bar stand: what is done first.
ORDER = ("completed", "underway", "delayed", "not_started", "not_applicable", "withdrawn", "unknown")


class Part(Struct, frozen=True):
    """How many milestones have a status, and where their part of a bar of 100 begins and how long it is."""

    status: str
    count: int
    x: float
    width: float


class Cell(Struct, frozen=True):
    """What a commitment reported for one period: nothing (no report), a report without statuses, or the parts of a bar."""

    reported: bool
    parts: list[Part]


class Row(Struct, frozen=True):
    commitment: Commitment
    cells: list[Cell]


def parts(statuses: Sequence[str] | dict[str, int]) -> list[Part]:
    """The parts of a bar; statuses that we do not know count as unknown."""
    counts: dict[str, int] = defaultdict(int)
    given = statuses.items() if isinstance(statuses, dict) else ((status, 1) for status in statuses)
    for status, count in given:
        counts[status if status in STATUSES else "unknown"] += count
    total, x, found = sum(counts.values()), 0.0, []
    for status in ORDER:
        if counts[status]:
            width = 100 * counts[status] / total
            found.append(Part(status, counts[status], round(x, 3), round(width, 3)))
            x += width
    return found


def table(commitments: Sequence[Commitment], stated: Sequence[Period]) -> tuple[list[date], list[Row]]:
    """The ends of all periods in order, and a row of cells for each commitment."""
    ends = sorted({one.period_end for one in stated})
    found: dict[tuple[str, date], dict[str, int]] = {}
    for one in stated:
        counts = found.setdefault((one.commitment, one.period_end), {})
        if one.status is not None:
            counts[one.status] = counts.get(one.status, 0) + one.number
    rows = [Row(one, [_cell(found.get((one.id, end))) for end in ends]) for one in commitments]
    return ends, rows


def _cell(counts: dict[str, int] | None) -> Cell:
    return Cell(False, []) if counts is None else Cell(True, parts(counts))


def totals(rows: Sequence[Row], ends: Sequence[date]) -> list[dict[str, int]]:
    """For each period, how many milestones were reported with each status."""
    found: list[dict[str, int]] = [defaultdict(int) for _ in ends]
    for row in rows:
        for i, cell in enumerate(row.cells):
            for part in cell.parts:
                found[i][part.status] += part.count
    return [dict(one) for one in found]


def by_milestone(
    milestones: Sequence[Milestone], lines: Sequence[Progress]
) -> tuple[list[date], list[tuple[Milestone, list[Progress | None]]]]:
    """The ends of the periods, and for each milestone the line of each period; the latest begun counts where two end together."""
    ends = sorted({line.period_end for line in lines})
    ordered = sorted(lines, key=lambda line: (line.period_start or date.min, line.report))
    found = {(line.milestone, line.period_end): line for line in ordered}
    return ends, [(one, [found.get((one.id, end)) for end in ends]) for one in milestones]
