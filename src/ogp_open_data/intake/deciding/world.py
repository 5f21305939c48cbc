"""The records as a change finds and leaves them: claims are written into a world, and what follows is derived again.

A pure copy of what is held; the edits of a decision are where it differs from that in the end.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.deciding import derive
from ogp_open_data.intake.deciding.edits import Edit, Remark, edits
from ogp_open_data.intake.deciding.identify import Registry
from ogp_open_data.intake.reading.drafts import MilestoneDraft
from ogp_open_data.records import Commitment, Finding, Milestone, Progress, Record, Report, url_of
from ogp_open_data.store.releases import Held


class Decision(Struct, frozen=True):
    """What a document does: edits in the order of the nouns, plan facts to keep, findings, and the reports it made."""

    edits: list[Edit]
    facts: list[Commitment | Milestone]
    findings: list[Finding]
    reports: list[str]


class World:
    """The records as they will be; begins as what is held."""

    def __init__(self, held: Held, registry: Registry) -> None:
        self.held = held
        self.registry = registry
        self.records: dict[str, Record] = dict(held.records)
        self.withdrawn = set(held.withdrawn)
        self.remarks: dict[str, Remark] = {}
        self.facts: dict[str, Commitment | Milestone] = dict(held.facts)
        self.touched: dict[str, None] = {}
        self.reports: list[str] = []
        self.findings: list[Finding] = []
        self.answered: set[str] = set()
        self.lines: dict[str, int] = {}

    def put(self, record: Record) -> None:
        """Write a record; a withdrawn one comes back by `restore` only."""
        # A line goes and comes with what its report prints; anything else was withdrawn by somebody, who has the say.
        if record.id in self.withdrawn and not isinstance(record, Progress):
            raise DocumentRefused(f"{record.id} was withdrawn; bring it back with: ogp-open-data restore {record.id}")
        self.records[record.id] = record

    def read_at(self, id: str, line: int | None) -> None:
        """Remember where the document has a record."""
        if line is not None:
            self.lines.setdefault(id, line)

    def withdraw(self, id: str, remark: Remark) -> None:
        """Take a record out."""
        del self.records[id]
        self.withdrawn.add(id)
        self.remarks[id] = remark

    def commitment(self, plan: str, number: str | None) -> str:
        """The id of a commitment; a number whose id another number has is refused."""
        id = self.registry.commitment(plan, number)
        held = self.records.get(id)
        if number == id:
            if held is None and id not in self.registry.said.numbers:
                raise DocumentRefused(
                    f"there is no commitment {id}; import its plan first, or give its number as printed"
                )
        elif isinstance(held, Commitment) and held.number != number:
            raise DocumentRefused(f"commitment {number} would get the id {id}, which commitment {held.number} has")
        return id

    def of(self, struct: type[Any], commitment: str) -> list[Any]:
        return [r for r in self.records.values() if isinstance(r, struct) and r.commitment == commitment]


def decided(world: World, on: date, findings: Sequence[Finding] = ()) -> Decision:
    """Derive again what was touched; the edits are where the world then differs from what was held."""
    for commitment in world.touched:
        _derive(world, commitment, on)
    facts = [fact for id, fact in world.facts.items() if world.held.facts.get(id) != fact]
    made = [replace(edit, line=world.lines.get(edit.id)) for edit in edits(world.held, world.records, world.remarks)]
    return Decision(made, facts, [*findings, *world.findings], world.reports)


def _derive(world: World, commitment: str, on: date) -> None:
    """Derive a commitment and its milestones again."""
    if commitment in world.withdrawn:
        return
    lines: dict[str, list[Progress]] = {}
    for line in world.of(Progress, commitment):
        lines.setdefault(line.milestone, []).append(line)
    ids = {m.id for m in world.of(Milestone, commitment)} | set(lines)
    ids |= {id for id, fact in world.facts.items() if isinstance(fact, Milestone) and fact.commitment == commitment}
    ids -= world.withdrawn
    reports = world.of(Report, commitment)
    milestones = [
        derive.milestone(ground_of(world, id, lines.get(id, [])), lines.get(id, []), on) for id in sorted(ids)
    ]
    for one in milestones:
        world.put(one)
    ground = ground_of_commitment(world, commitment)
    world.put(derive.commitment(ground, milestones, reports))


def ground_of(world: World, id: str, lines: Sequence[Progress]) -> Milestone:
    """What a milestone rests on: the plan's word, else the bare first line, else the name that is left of it."""
    fact = world.facts.get(id)
    if isinstance(fact, Milestone):
        return fact
    if not lines:
        held = world.records[id]
        assert isinstance(held, Milestone)
        return ground(held.id, held.commitment, held.plan, MilestoneDraft(number=held.number, text=held.text))
    first = derive.in_order(lines)[0]
    return ground(id, first.commitment, first.plan, MilestoneDraft(number=first.number, text=first.text))


def ground_of_commitment(world: World, id: str) -> Commitment:
    """What a commitment rests on: the plan's word, else its number alone."""
    fact, held = world.facts.get(id), world.records.get(id)
    if isinstance(fact, Commitment):
        return fact
    plan, number = (held.plan, held.number) if isinstance(held, Commitment) else (None, None)
    return Commitment(
        id=id,
        url=url_of("commitments", id),
        version=1,
        release=1,
        plan=plan or world.of(Report, id)[0].plan,
        number=number or world.registry.said.numbers[id],
    )


def ground(id: str, commitment: str, plan: str, printed: MilestoneDraft) -> Milestone:
    """A milestone as its plan prints it."""
    return Milestone(
        id=id,
        url=url_of("milestones", id),
        version=1,
        release=1,
        commitment=commitment,
        plan=plan,
        number=printed.number,
        text=printed.text,
        starts=printed.start,
        ends=printed.end,
        ends_raw=printed.end_raw,
        ongoing=printed.ongoing,
        source_url=printed.source_url,
    )
