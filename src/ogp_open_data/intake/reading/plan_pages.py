"""Plans as pages: one commitment's page, or a whole plan with its themes, commitments, leads, dates and milestones.

A whole plan is cut at the lines that begin its commitments; each piece is then read as a page of one.
"""

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.intake.reading.dates import first_day, last_day, read_range
from ogp_open_data.intake.reading.drafts import CommitmentDraft, PlanDraft
from ogp_open_data.intake.reading.fields import Fields, read_fields
from ogp_open_data.intake.reading.labels import Mark
from ogp_open_data.intake.reading.leads import organisations_of, split_leads
from ogp_open_data.intake.reading.lines import Line, unplaced
from ogp_open_data.intake.reading.milestones import LIST_NUMBER, read_milestones
from ogp_open_data.intake.reading.parts import Front, Parts, front_of, is_plan, parted
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.records import Finding

_SEPARATOR = re.compile(r"\s*[,;]\s*")
_THEME = re.compile(r"theme\s*(?:\d{1,2}|[a-z])?\s*[:–—.-]\s*(\S.{0,150})", re.IGNORECASE)
_SUPPORTING = re.compile(r"(?:other|support|partner)", re.IGNORECASE)
_BRACKETS = re.compile(r"(.*\S)\s*\(([^()]{2,120})\)\s*", re.DOTALL)
# A title in a list; longer is a sentence.
_LONGEST_TITLE = 250


class Piece(Struct, frozen=True):
    """The lines of one commitment, the first of which begins it, and the theme that it stands under."""

    lines: list[Line]
    theme: str | None


def whole(lines: Sequence[Line], vocabulary: Vocabulary, findings: Sequence[Finding] = ()) -> PlanDraft | None:
    """A plan of several commitments; None where the lines are none, or report on progress."""
    if any(line.is_a("period") or line.is_a("status") or line.is_a("title") for line in lines):
        return None
    begun = [*(_listed(line, vocabulary) for line in lines)]
    if not any(line.is_a("commitment") for line in lines):
        begun = _numbered(begun)
        lines = [new or line for line, new in zip(lines, begun, strict=True)]
    preface, pieces = _pieces(lines)
    label = next((line for line in preface if is_plan(line.text, vocabulary)), None)
    numbers = [piece.lines[0].mark.label for piece in pieces if piece.lines[0].mark]
    if label is None or len(pieces) < 2 or len(set(numbers)) < len(numbers):
        return None
    read = [_commitment(piece, vocabulary) for piece in pieces]
    commitments = [one for one, _ in read]
    # A table of contents has numbers and titles too.
    if 2 * sum(bool(one.leads or one.objective or one.milestones) for one in commitments) < len(commitments):
        return None
    others = [line for line in preface if line is not label and not line.is_a("timeline")]
    unnumbered = [_by_place(piece.lines[0]) for piece in pieces if piece.lines[0].mark and _is_placed(piece.lines[0])]
    found = [*findings, *map(unplaced, others), *unnumbered, *(remark for _, remarks in read for remark in remarks)]
    timeline = next((line.mark.value for line in preface if line.is_a("timeline") and line.mark), "")
    term = read_range(timeline)
    return PlanDraft(
        plan=label.text,
        starts_on=first_day(term.start) if term.start else None,
        ends_on=last_day(term.end) if term.end else None,
        commitments=commitments,
        findings=sorted(found, key=lambda finding: finding.line or 0),
    )


def _listed(line: Line, vocabulary: Vocabulary) -> Line | None:
    """A line of a plain list that is a commitment: a title with the agency that leads it in brackets."""
    found = LIST_NUMBER.match(line.text)
    title = line.text[found.end() :] if found else line.text
    if not (found or line.kind == "item") or len(title) > _LONGEST_TITLE or _led(title, vocabulary) is None:
        return None
    number = re.sub(r"[^0-9A-Za-z.]", "", found[0]).strip(".") if found else ""
    return replace(line, kind="paragraph", mark=Mark("commitment", number, title))


def _numbered(lines: Sequence[Line | None]) -> list[Line | None]:
    """Commitments of a list without numbers, numbered by their place; `#` marks that it was done."""
    found: list[Line | None] = []
    place = 0
    for line in lines:
        place += line is not None
        if line is not None and line.mark and not line.mark.label:
            line = replace(line, level=-1, mark=line.mark._replace(label=str(place)))
        found.append(line)
    return found


def _is_placed(line: Line) -> bool:
    return line.level == -1


def _by_place(line: Line) -> Finding:
    message = "The commitment has no number; it was numbered by its place."
    return Finding("commitment_unnumbered", "commitment_number", line.text, line.line, message)


def _pieces(lines: Sequence[Line]) -> tuple[list[Line], list[Piece]]:
    """The lines before the first commitment, and those of each."""
    preface: list[Line] = []
    pieces: list[Piece] = []
    theme: str | None = None
    for line in lines:
        if (named := _THEME.fullmatch(line.text)) and line.mark is None:
            theme = named[1].strip()
        elif line.is_a("commitment") and line.kind != "item":
            pieces.append(Piece([line], theme))
        else:
            (pieces[-1].lines if pieces else preface).append(line)
    return preface, pieces


def _commitment(piece: Piece, vocabulary: Vocabulary) -> tuple[CommitmentDraft, list[Finding]]:
    """One commitment of a whole plan."""
    parts = parted(piece.lines)
    front = front_of(parts.head, vocabulary)
    draft = page(parts, front, read_fields(front.fields, vocabulary), vocabulary, None, [])
    [one] = draft.commitments
    led = _led(one.title or "", vocabulary)
    if led is not None and not one.leads:
        title, raw = led
        one = replace(one, title=title, leads_raw=raw, leads=split_leads(raw, vocabulary))
    return replace(one, themes=[piece.theme] if piece.theme else []), draft.findings


def _led(title: str, vocabulary: Vocabulary) -> tuple[str, str] | None:
    """A title and the agencies in brackets after it, where the brackets hold agencies that are known and nothing else."""
    found = _BRACKETS.fullmatch(title)
    if found is None:
        return None
    parts = [organisations_of(lead, vocabulary) for lead in split_leads(found[2], vocabulary)]
    return (found[1], found[2]) if parts and all(known and not unknown for known, _, unknown in parts) else None


def is_page(parts: Parts, front: Front, fields: Fields) -> bool:
    """Whether this is a commitment's page of a plan: what it is for, who leads it, and no period."""
    if front.title or front.period or not {"objective", "lead"} <= fields.labels:
        return False
    return bool(fields.labels & {"timeline", "aside"}) or bool(parts.milestones)


def page(
    parts: Parts, front: Front, fields: Fields, vocabulary: Vocabulary, source_url: str | None, findings: list[Finding]
) -> PlanDraft:
    """The one commitment of a plan page; its number is empty where the page does not print it."""
    milestones, about_milestones = read_milestones(parts.milestones, vocabulary.words, report=False)
    timeline = read_range(fields.timeline_raw or "")
    commitment = CommitmentDraft(
        number=front.number or "",
        title=commitment_title(front),
        objective=fields.objective,
        leads_raw=fields.leads_raw,
        leads=fields.leads,
        ogp_values=[value for value in _SEPARATOR.split((fields.values_raw or "").strip(" .")) if value],
        supporting=_supporting(front, vocabulary),
        starts=timeline.start,
        ends=timeline.end,
        milestones=milestones,
        source_url=source_url,
        line=front.commitment.line if front.commitment else None,
    )
    kept = [unplaced(line) for line in [*front.others, *parts.narrative]]
    aside = [
        _aside(name, raw) for name, raw in (("ambition", fields.ambition), ("timeline", fields.timeline_raw)) if raw
    ]
    findings = [*findings, *fields.findings, *kept, *aside, *about_milestones]
    findings.sort(key=lambda finding: finding.line or 0)
    return PlanDraft(plan=text_of(front.plan), commitments=[commitment], findings=findings)


def _supporting(front: Front, vocabulary: Vocabulary) -> list[str]:
    """Agencies that are named as taking part."""
    named = [line.mark for line in front.fields if line.is_a("aside") and line.mark]
    texts = [mark.value for mark in named if _SUPPORTING.match(mark.label) and mark.value]
    return [lead for text in texts for lead in split_leads(text, vocabulary)]


def _aside(field: str, raw: str) -> Finding:
    return Finding(
        "text_unplaced", field, raw, None, f"A plan keeps no {field} as printed; its text is kept here only."
    )


def commitment_title(front: Front) -> str | None:
    return (front.commitment.mark.value or None) if front.commitment and front.commitment.mark else None


def text_of(line: Line | None) -> str | None:
    return line.text if line else None
