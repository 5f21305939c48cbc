"""What a Draft changes: (draft, held, day) → edits. Pure: no database, no clock.

the held records are copied into a world → each report or plan of the draft writes its claims into it
→ the milestones and commitments it touches are derived again → edits are where the world differs from what was held
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.deciding.identify import Registry, milestone_id, report_id, slug
from ogp_open_data.intake.deciding.matching import Known, match, printed_as
from ogp_open_data.intake.deciding.world import Decision, World, decided, ground
from ogp_open_data.intake.reading.drafts import AssessmentDraft, Draft, MilestoneDraft, PlanDraft, ReportDraft
from ogp_open_data.records import (
    Assessment,
    Commitment,
    Finding,
    Milestone,
    Plan,
    Progress,
    Record,
    Report,
    Source,
    url_of,
)
from ogp_open_data.store.releases import Held


class Asked(Struct, frozen=True):
    """What the publisher says beside the document."""

    source: Source
    published_on: date | None = None
    answers: dict[str, str] = {}
    reason: str | None = None


def decide(draft: Draft, held: Held, on: date, asked: Asked, registry: Registry) -> Decision:
    """What the draft changes of what is held, on a calendar day in the plan's country.

    Raises DocumentRefused, naming every doubt, where a milestone cannot be told, or a withdrawn report comes again.
    """
    world = World(held, registry)
    if draft.plan is not None:
        _plan(world, draft.plan, asked)
    for report in draft.reports:
        _report(world, report, asked)
    for assessment in draft.assessments:
        _assessment(world, assessment, asked)
    for record in registry.mentioned():
        if record.id not in held.records:
            world.put(record)
    if unheard := [one for one in asked.answers if one not in world.answered]:
        raise DocumentRefused(f"--map {unheard[0]}={asked.answers[unheard[0]]}: the document prints no such milestone")
    return _with_reason(decided(world, on, draft.findings), asked.reason)


def _with_reason(decision: Decision, reason: str | None) -> Decision:
    """A decision in which what corrects published statements says why."""
    if reason is None:
        return decision
    told = [replace(one, reason=reason) if one.change_kind == "correction" else one for one in decision.edits]
    return replace(decision, edits=told)


def _report(world: World, draft: ReportDraft, asked: Asked) -> None:
    """Write a report and its progress lines into the world."""
    plan = world.registry.plan(draft.plan)
    commitment = world.commitment(plan.id, draft.commitment_number)
    id = report_id(commitment, draft)
    _collision(world.records.get(id), draft, id)
    leads, supporting, findings = world.registry.leads(draft.leads, plan)
    held = world.records.get(id)
    before = held if isinstance(held, Report) else None
    if before is not None and draft.exported:
        draft = replace(draft, milestones=_in_order_of(before, draft.milestones))
    ids, reworded = _milestones(world, draft.milestones, commitment, draft.commitment_number or "", asked.answers)
    source = asked.source
    report = Report(
        id=id,
        url=url_of("reports", id),
        version=1,
        release=1,
        commitment=commitment,
        plan=plan.id,
        kind=draft.kind,
        title=draft.title,
        period_raw=draft.period_raw,
        period_start=draft.period_start,
        period_end=draft.period_end or date.max,
        leads_raw=draft.leads_raw,
        organisations=leads,
        supporting_organisations=supporting,
        sections=draft.sections,
        milestones=ids,
        findings=[*draft.findings, *findings, *reworded, *_repeated(draft.milestones)],
        # Another copy of a report says nothing new of where and when it was published.
        source=replace(source, url=source.url or draft.source_url or (before.source.url if before else None)),
        published_on=asked.published_on or (before.published_on if before else None),
        plan_raw=draft.plan if draft.plan != plan.id else None,
        heading_raw=draft.heading,
        commitment_title=draft.commitment_title,
        objective=draft.objective,
        ambition=draft.ambition,
        ogp_values_raw=draft.ogp_values_raw,
    )
    if before is not None and draft.partial:
        report = _completed(report, before, draft.exported)
    if id in world.reports:
        raise DocumentRefused(f"the document has {id} twice; give its commitment the same number in each row")
    world.put(report)
    world.read_at(id, draft.line)
    _lines(world, report, draft.milestones)
    world.touched[commitment] = None
    world.reports.append(id)
    world.findings += report.findings


def _in_order_of(report: Report, milestones: Sequence[MilestoneDraft]) -> list[MilestoneDraft]:
    """An export sorts its rows; the report printed its milestones in another order."""
    places = {id: place for place, id in enumerate(report.milestones)}
    return sorted(milestones, key=lambda one: places.get(one.id or "", len(places)))


def _completed(report: Report, before: Report, exported: bool) -> Report:
    """A report with what its source does not say, as it is held."""
    said = ("title", "period_raw", "leads_raw", "plan_raw", "heading_raw", "commitment_title", "objective", "ambition")
    kept = [name for name in (*said, "ogp_values_raw", "sections") if not getattr(report, name)]
    if "leads_raw" in kept:
        kept += ["organisations", "supporting_organisations"]
    if exported:
        kept.append("findings")
    return replace(report, **{name: getattr(before, name) for name in kept})


def _collision(held: Record | None, draft: ReportDraft, id: str) -> None:
    """Two periods that share an id are two reports, and one of them needs the publisher's word."""
    if not isinstance(held, Report):
        return
    starts = {held.period_start, draft.period_start} - {None}
    if held.period_end != draft.period_end or len(starts) > 1:
        raise DocumentRefused(
            f"{id} is held for {held.period_start or '…'} to {held.period_end}, this document reports "
            f"{draft.period_start or '…'} to {draft.period_end}: two periods in the same months. Correct the period of one of them"
        )


def _milestones(
    world: World, milestones: Sequence[MilestoneDraft], commitment: str, number: str, answers: Mapping[str, str]
) -> tuple[list[str], list[Finding]]:
    """The id of each printed milestone, new ones included; `number` is the commitment's."""
    held = [_known(world, one) for one in world.of(Milestone, commitment)]
    by_id = {one.id for one in held}
    said = {i: world.held.successors.get(one.id, one.id) for i, one in enumerate(milestones) if one.id is not None}
    own = {i: id for i, id in said.items() if id in by_id}
    matching = match(milestones, held, _answers(world, milestones, number, answers), number, own)
    if matching.doubts:
        doubts = list(matching.doubts.values())
        raise DocumentRefused("; ".join(one.asked for one in doubts), questions=msgspec.to_builtins(doubts))
    taken = {*world.held.versions, *world.records}
    ids: list[str] = []
    for position, (printed, known) in enumerate(zip(milestones, matching.ids, strict=True), start=1):
        given = printed.id if printed.id is not None and printed.id not in taken else None
        id = known or given or milestone_id(commitment, printed.number, position, taken)
        if id in ids:
            raise DocumentRefused(
                f"line {printed.line}: milestone {printed.number} is said to be {id}, which another one is"
            )
        taken.add(id)
        ids.append(id)
    return ids, [_reworded(milestones[i], ids[i]) for i in matching.reworded]


def _answers(
    world: World, milestones: Sequence[MilestoneDraft], number: str, answers: Mapping[str, str]
) -> dict[str, str]:
    """The answers about the milestones of one commitment: `4`, or where others print a 4 too `5/4`."""
    printed = {printed_as(draft, i) for i, draft in enumerate(milestones)}
    mine = {}
    for key, answer in answers.items():
        commitment, slash, milestone = key.rpartition("/")
        if milestone in printed and (not slash or commitment == number):
            mine[milestone] = answer
            world.answered.add(key)
    return mine


def _known(world: World, milestone: Milestone) -> Known:
    ground = world.facts.get(milestone.id)
    texts = {milestone.text, ground.text if isinstance(ground, Milestone) else None}
    texts |= {line.text for line in world.of(Progress, milestone.commitment) if line.milestone == milestone.id}
    return Known(milestone.id, milestone.number, tuple(sorted(text for text in texts if text)))


def _repeated(milestones: Sequence[MilestoneDraft]) -> list[Finding]:
    """A remark for each number that stands twice."""
    numbers = [one.number for one in milestones]
    return [
        Finding(
            code="number_repeated",
            field=f"milestones.{one.number}",
            raw=one.text,
            line=one.line,
            message=f"The number {one.number} stands more than once; this was read as another milestone.",
        )
        for i, one in enumerate(milestones)
        if one.number is not None and one.number in numbers[:i]
    ]


def _reworded(printed: MilestoneDraft, id: str) -> Finding:
    return Finding(
        code="milestone_text_changed",
        field=f"milestones.{printed.number}.text",
        raw=printed.text,
        line=printed.line,
        message=f"The wording is not the one held of {id}; the number was followed.",
    )


def _lines(world: World, report: Report, printed: Sequence[MilestoneDraft]) -> None:
    """The report's progress lines; those that an earlier version of it printed, and this one does not, go."""
    for line in world.of(Progress, report.commitment):
        if line.report == report.id:
            del world.records[line.id]
    for draft, milestone in zip(printed, report.milestones, strict=True):
        id = report.id + milestone.removeprefix(report.commitment)
        world.read_at(id, draft.line)
        world.read_at(milestone, draft.line)
        world.put(
            Progress(
                id=id,
                url=url_of("progress", id),
                version=1,
                release=1,
                report=report.id,
                milestone=milestone,
                commitment=report.commitment,
                plan=report.plan,
                period_start=report.period_start,
                period_end=report.period_end,
                number=draft.number,
                status=draft.status,
                status_raw=draft.status_raw,
                starts=draft.start,
                starts_raw=draft.start_raw,
                ends=draft.end,
                ends_raw=draft.end_raw,
                ongoing=draft.ongoing,
                text=draft.text,
            )
        )


def _plan(world: World, draft: PlanDraft, asked: Asked) -> None:
    """Keep what a plan says of its commitments and milestones."""
    plan = _described(world.registry.plan(draft.plan), draft)
    world.registry.said.plans[plan.id] = plan
    world.put(plan)
    for one in draft.commitments:
        id = world.commitment(plan.id, one.number)
        leads, supporting, findings = world.registry.leads(one.leads, plan)
        also, more, unknown = world.registry.leads(one.supporting, plan)
        world.findings += [*findings, *unknown]
        world.facts[id] = Commitment(
            id=id,
            url=url_of("commitments", id),
            version=1,
            release=1,
            plan=plan.id,
            number=one.number,
            title=one.title,
            objective=one.objective,
            lead_organisations=leads,
            leads_raw=one.leads_raw,
            supporting_organisations=list(dict.fromkeys([*supporting, *also, *more])),
            themes=one.themes,
            ogp_values=one.ogp_values,
            ogp_id=one.ogp_id,
            starts=one.starts,
            ends=one.ends,
            source_url=one.source_url,
        )
        ids, reworded = _milestones(world, one.milestones, id, one.number, asked.answers)
        world.findings += reworded
        world.read_at(id, one.line)
        for milestone, printed in zip(ids, one.milestones, strict=True):
            world.read_at(milestone, printed.line)
            world.facts[milestone] = ground(milestone, id, plan.id, printed)
        world.touched[id] = None


def _assessment(world: World, draft: AssessmentDraft, asked: Asked) -> None:
    """Write what an assessor found; nothing else follows from it, a commitment's status least of all."""
    plan = world.registry.plan(draft.plan)
    commitment = world.commitment(plan.id, draft.commitment_number)
    if commitment not in world.records:
        message = (
            f"line {draft.line}: there is no commitment {draft.commitment_number} in {plan.id}; import its plan first"
        )
        raise DocumentRefused(message)
    id = f"{commitment}-a-{slug(draft.assessor)}-{slug(draft.phase)}"
    held = world.records.get(id)
    before = held.source.url if isinstance(held, Assessment) else None
    said: dict[str, Any] = {
        name: getattr(draft, name) for name in Assessment.__struct_fields__ if name in draft.__struct_fields__
    }
    place: dict[str, Any] = {
        "id": id,
        "url": url_of("assessments", id),
        "version": 1,
        "release": 1,
        "commitment": commitment,
    }
    source = replace(asked.source, url=draft.source_url or asked.source.url or before)
    published_on = draft.published_on or asked.published_on
    world.put(Assessment(**{**said, **place, "plan": plan.id, "source": source, "published_on": published_on}))
    world.read_at(id, draft.line)
    world.reports.append(id)


def _described(plan: Plan, draft: PlanDraft) -> Plan:
    """A plan with what its own document says of it."""
    given = {name: getattr(draft, name) for name in ("title", "starts_on", "ends_on", "website", "licence")}
    known = {name: value for name, value in given.items() if value is not None}
    if draft.ends_on is not None and plan.ends_on_original is None and plan.ends_on not in (None, draft.ends_on):
        known["ends_on_original"] = plan.ends_on
    return replace(plan, **known)
