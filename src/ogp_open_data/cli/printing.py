"""What the command line prints: the outcome of an import, and what a document claims in the shape of the contract."""

from typing import Any

import click
import msgspec

from ogp_open_data.intake import previews
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.questions import Question
from ogp_open_data.intake.reading.drafts import Draft, MilestoneDraft, ReportDraft
from ogp_open_data.intake.releasing import Made, Outcome
from ogp_open_data.records import STAMP, Finding
from ogp_open_data.terminal import printable

SHORT = 100


def outcome_text(outcome: Outcome, dry_run: bool) -> str:
    """Some lines for people, in colour where they go to a terminal: the release, each change with before and after, each finding
    with its line, what is left to settle, and after a dry run how to do exactly that."""
    if outcome.release is None:
        head = f"{outcome.document}: nothing changes; no release"
    else:
        would = "would make release" if dry_run else "release"
        head = f"{outcome.document}: {would} {outcome.release}, {len(outcome.edits)} records"
    lines = [_coloured(head, "bold"), *(line for edit in outcome.edits for line in _edit_lines(edit))]
    lines += [_coloured(f"  ! {_where(one)}{one.code}: {one.message}", "yellow") for one in outcome.findings]
    return "\n".join([*lines, *(_would(outcome) if dry_run and outcome.release else [])])


def _would(outcome: Outcome) -> list[str]:
    """What a dry run tells beside the records: what feeds would say, the digest of the release, what is left to settle."""
    lines = [f"  Feeds would say: {printable(one.title)}" for one in previews.entries(outcome.edits, "")]
    if outcome.made is None:
        return lines
    digest = [f"  The release would have the digest {outcome.made.digests.root}"] if outcome.made.digests else []
    return [*lines, *digest, *_left(outcome.made)]


def _left(made: Made) -> list[str]:
    """What is left to settle, and how to do what was shown."""
    lines = [
        f"  ? {_where(one)}{one.text} --map '{one.key}=…' (one of {', '.join(one.choices)}; else {one.default})"
        for one in made.questions
    ]
    confirm = f" --confirm {made.touched}" if made.touched else ""
    return [*(_coloured(line, "cyan") for line in lines), f"  To do exactly this: --apply {made.mark}{confirm}"]


def _edit_lines(edit: Edit) -> list[str]:
    if edit.record is None:
        return [_coloured(f"  - {edit.noun} {edit.id}: {edit.reason}", "red")]
    if edit.before is None:
        return [_coloured(f"  + {edit.noun} {edit.id}", "green")]
    changes = [
        line
        for name in edit.changed_fields
        for line in (
            f"      {name}:",
            _coloured(f"        - {_short(getattr(edit.before, name))}", "red"),
            _coloured(f"        + {_short(getattr(edit.record, name))}", "green"),
        )
    ]
    return [f"  ~ {edit.noun} {edit.id} (version {edit.version})", *changes]


def _coloured(text: str, colour: str) -> str:
    """Printable text in a colour; click takes the colour out where there is no terminal."""
    style = {"bold": True} if colour == "bold" else {"fg": colour}
    return click.style(printable(text), **style)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def _where(one: Finding | Question) -> str:
    return f"line {one.line}: " if one.line is not None else ""


def outcome_json(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "file": outcome.document,
        "release": outcome.release,
        "dry_run": dry_run,
        "changes": [
            {
                "noun": edit.noun,
                "id": edit.id,
                "version": edit.version,
                "action": "withdraw" if edit.record is None else "publish",
                "change_kind": edit.change_kind,
                "changed_fields": edit.changed_fields,
                "before": _plain(edit.before),
                "after": _plain(edit.record),
            }
            for edit in outcome.edits
        ],
        "findings": msgspec.to_builtins(outcome.findings),
        **(_rests(outcome.made) if outcome.made else {}),
    }


def _rests(made: Made) -> dict[str, Any]:
    return {
        "head": made.head,
        "mark": made.mark,
        "confirm": made.touched,
        "questions": msgspec.to_builtins(made.questions),
    }


def _plain(record: Any) -> dict[str, Any] | None:
    """A record without the places in the sequence of releases, which it has only once published."""
    if record is None:
        return None
    return {name: value for name, value in msgspec.to_builtins(record).items() if name not in STAMP or name == "id"}


def parsed(file: str, draft: Draft) -> dict[str, Any]:
    """What a document claims. A table of several reports gives them all under `reports`, the first also in the main fields."""
    report = draft.reports[0] if draft.reports else ReportDraft()
    if draft.plan is not None:
        report = _of_plan(draft)
    shape: dict[str, Any] = {
        "file": file,
        "kind": draft.kind,
        "plan": report.plan,
        "title": report.title,
        "commitment_number": report.commitment_number or None,
        "commitment_title": report.commitment_title,
        "period_raw": report.period_raw,
        "period_start": report.period_start,
        "period_end": report.period_end,
        "leads_raw": report.leads_raw,
        "leads": report.leads,
        "heading": report.heading,
        "objective": report.objective,
        "ambition": report.ambition,
        "ogp_values_raw": report.ogp_values_raw,
        "milestones": [_milestone(one) for one in report.milestones],
        "sections": report.sections,
        "findings": [*draft.findings, *report.findings],
        "reason": draft.reason,
    }
    if len(draft.reports) > 1:
        shape["reports"] = draft.reports
    if draft.plan is not None:
        shape["commitments"] = draft.plan.commitments
    if draft.assessments:
        shape["assessments"] = draft.assessments
    found: dict[str, Any] = msgspec.to_builtins(shape)
    return found


def _of_plan(draft: Draft) -> ReportDraft:
    """What a plan claims, in the fields of a report: its title, and its commitment where it is the page of one."""
    assert draft.plan is not None
    plan = draft.plan
    one = plan.commitments[0] if len(plan.commitments) == 1 else None
    if one is None:
        return ReportDraft(plan=plan.plan, title=plan.title, findings=plan.findings)
    return ReportDraft(
        plan=plan.plan,
        title=plan.title,
        commitment_number=one.number,
        commitment_title=one.title,
        leads_raw=one.leads_raw,
        leads=one.leads,
        objective=one.objective,
        milestones=one.milestones,
        findings=plan.findings,
    )


def _milestone(one: MilestoneDraft) -> dict[str, Any]:
    return {
        name: value for name, value in msgspec.structs.asdict(one).items() if name not in ("line", "source_url", "id")
    }
