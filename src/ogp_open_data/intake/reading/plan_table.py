"""The plan table: what a plan says of itself, its commitments and milestones, a row each."""

from collections.abc import Sequence

from ogp_open_data.intake.reading.cells import (
    Milestones,
    add,
    day_of,
    leads_of,
    milestone_of,
    number_of,
    partial_of,
    plan_key,
)
from ogp_open_data.intake.reading.columns import PLAN
from ogp_open_data.intake.reading.drafts import CommitmentDraft, MilestoneDraft, PlanDraft
from ogp_open_data.intake.reading.sheet import Remarks, Row, items, short
from ogp_open_data.intake.reading.vocabulary import Vocabulary

KINDS = ("plan", "commitment", "milestone")


def plan(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> PlanDraft:
    """The plan of a table, its commitments in order of their rows."""
    kinds: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for row in rows:
        kind = (row.get("record") or "").lower()
        if kind in kinds:
            kinds[kind].append(row)
            _check_cells(row, kind, remarks)
        else:
            remarks.fault(row, "record", "say what the row is: plan, commitment or milestone")
    for row in kinds["plan"][1:]:
        remarks.fault(row, "record", f"row {kinds['plan'][0].number} is the plan already; a table is of one plan")
    head = kinds["plan"][0] if kinds["plan"] else Row(0, {})
    return PlanDraft(
        plan=_one_plan(rows, vocabulary, remarks),
        title=head.get("title"),
        starts_on=day_of(head, "starts", remarks),
        ends_on=day_of(head, "ends", remarks),
        website=head.get("website"),
        licence=head.get("licence"),
        commitments=_commitments(kinds["commitment"], kinds["milestone"], vocabulary, remarks),
    )


def _check_cells(row: Row, kind: str, remarks: Remarks) -> None:
    """A cell in a column that this kind of row does not have is a finding, so that nothing is dropped unseen."""
    for column in row.cells:
        if column not in PLAN.of(kind) and column in PLAN.columns:
            message = f"A {kind} has no {column}; the cell is not read."
            remarks.finding("cell_unused", column, short(row.get(column)), row, message)


def _one_plan(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> str | None:
    """The plan that the rows name; an empty cell is no other plan."""
    named = [row for row in rows if row.get("plan")]
    for row in named[1:]:
        if plan_key(row, vocabulary) != plan_key(named[0], vocabulary):
            remarks.fault(row, "plan", f"row {named[0].number} names another plan; a table is of one plan")
    return named[0].get("plan") if named else None


def _commitments(
    commitments: Sequence[Row], milestones: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks
) -> list[CommitmentDraft]:
    found: dict[str, Row] = {}
    for row in commitments:
        number = number_of(row, "commitment", remarks)
        if row.get("commitment") is None:
            remarks.fault(row, "commitment", "a commitment needs its number")
        elif number in found:
            remarks.fault(row, "commitment", f"row {found[number].number} has this number already")
        elif number is not None:
            found[number] = row
    under: dict[str, Milestones] = {number: {} for number in found}
    for row in milestones:
        _put(row, under, remarks)
    return [
        _commitment(number, row, list(under[number].values()), vocabulary, remarks) for number, row in found.items()
    ]


def _put(row: Row, under: dict[str, Milestones], remarks: Remarks) -> None:
    """Put a milestone under its commitment."""
    commitment = row.get("commitment")
    if commitment is None or commitment not in under:
        remarks.fault(
            row, "commitment", "no row of this table is the commitment of this number; add one, or mend the number"
        )
    elif row.get("milestone") is None and row.get("text") is None:
        remarks.fault(row, "milestone", "a milestone needs its number or its text")
    else:
        add(under[commitment], milestone_of(row, remarks), row, remarks)


def _commitment(
    number: str, row: Row, milestones: list[MilestoneDraft], vocabulary: Vocabulary, remarks: Remarks
) -> CommitmentDraft:
    return CommitmentDraft(
        number=number,
        title=row.get("title"),
        objective=row.get("objective"),
        leads_raw=row.get("leads"),
        leads=leads_of(row, "leads", vocabulary, remarks),
        supporting=leads_of(row, "supporting", vocabulary, remarks),
        themes=items(row.get("themes")),
        ogp_values=items(row.get("ogp_values")),
        ogp_id=row.get("ogp_id"),
        starts=partial_of(row, "starts", remarks),
        ends=partial_of(row, "ends", remarks),
        milestones=milestones,
        source_url=row.get("source_url"),
        line=row.number,
    )
