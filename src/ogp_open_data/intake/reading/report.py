"""Reads a published progress report, or one commitment's page of a plan: Blocks to a Draft.

    blocks → lines → head (front, fields) | milestones | narrative → Draft

It follows the wording, not the format: pasted text has no headings, and the same content as HTML or DOCX gives the same
Draft. Every line that is not in the Draft's values is in a finding.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from ogp_open_data.intake.reading import periods, plan_pages
from ogp_open_data.intake.reading.dates import Period
from ogp_open_data.intake.reading.drafts import Block, Draft, ReportDraft
from ogp_open_data.intake.reading.fields import Fields, read_fields
from ogp_open_data.intake.reading.lines import Line, lines_of, unplaced
from ogp_open_data.intake.reading.milestones import read_milestones
from ogp_open_data.intake.reading.narrative import read_narrative
from ogp_open_data.intake.reading.parts import Front, Parts, front_of, parted
from ogp_open_data.intake.reading.plan_pages import commitment_title, is_page, page, text_of
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.records import Finding

_NUMERIC_DATE = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/\d{4}(?!\d)")
_UNDER_COMMITMENT = frozenset(("lead", "objective", "milestones", "milestone", "section"))


def read_report(blocks: Sequence[Block], vocabulary: Vocabulary, source_url: str | None = None) -> Draft:
    """What a document claims: a `report`, a `plan` (whole, or one commitment's page), or `unrecognised` with the reason.

    `source_url` is only compared with what the document says (`url_mismatch`); nothing is taken from it.
    """
    lines, findings = lines_of(blocks)
    findings += _mixed_dates(lines)
    parts = parted(lines)
    front = front_of(parts.head, vocabulary)
    fields = read_fields(front.fields, vocabulary)
    reason = _reason(parts, front, fields, lines)
    if reason is None:
        return Draft(kind="report", reports=[_report(parts, front, fields, vocabulary, source_url, findings)])
    if (whole := plan_pages.whole(lines, vocabulary, findings)) is not None:
        return Draft(kind="plan", plan=whole)
    if is_page(parts, front, fields):
        return Draft(kind="plan", plan=page(parts, front, fields, vocabulary, source_url, findings))
    return Draft(kind="unrecognised", reason=reason, findings=findings)


def _reason(parts: Parts, front: Front, fields: Fields, lines: Sequence[Line]) -> str | None:
    """Why this is no progress report; None where it is one."""
    if not lines:
        return "The document has no text of its own."
    if front.number is None and front.period is None:
        return (
            "This is no progress report: neither a commitment (“Commitment 5: …”) nor a period (“Date: …”) is printed."
        )
    if front.number is None:
        return "This is no progress report: no commitment is printed (“Commitment 5: …”)."
    if front.period is None:
        return "This is no progress report: no period is printed (“Date: September to November 2017”)."
    if other := _second_commitment(front.number, parts, lines):
        return (
            f"The document has several commitments ({front.number} and {other}); import the report of each on its own."
        )
    if not (fields.leads_raw or "objective" in fields.labels or parts.milestones or parts.narrative):
        return "This is no progress report: nothing stands under its commitment."
    return None


def _second_commitment(number: str, parts: Parts, lines: Sequence[Line]) -> str | None:
    """The number of a further commitment: one with a part of a report under it, or any before the narrative."""
    before = {line.line for line in [*parts.head, *parts.milestones]}
    for line, following in pairwise([*lines, *lines[-1:]]):
        if line.mark is None or line.mark.kind != "commitment" or line.mark.label == number or line.kind == "item":
            continue
        begins = following.mark is not None and following.mark.kind in _UNDER_COMMITMENT
        if following.is_a("lead") or ((begins or line.line in before) and not line.text.endswith(".")):
            return line.mark.label
    return None


def _report(
    parts: Parts, front: Front, fields: Fields, vocabulary: Vocabulary, source_url: str | None, findings: list[Finding]
) -> ReportDraft:
    """The report that the parts make; `findings` are those of the whole document."""
    assert front.period
    if front.is_labelled:
        period_raw, period, remarks = periods.labelled(front.period)
    else:
        mark = front.period.mark
        period_raw, period, remarks = periods.unlabelled(mark.value if mark else front.period.text, front.period.line)
    milestones, about_milestones = read_milestones(parts.milestones, vocabulary.words, ends_early=not parts.narrative)
    sections, about_sections = read_narrative(parts.narrative)
    findings = [
        *findings,
        *remarks,
        *periods.compared(period, front.claims),
        *_about_commitment(front),
        *fields.findings,
    ]
    findings += [unplaced(line) for line in front.others]
    findings += [*about_milestones, *about_sections]
    if not milestones:
        findings.append(Finding("no_milestones", "milestones", None, None, "No milestones are printed."))
    findings += _about_address(source_url, front.number or "", period)
    return ReportDraft(
        plan=text_of(front.plan),
        title=text_of(front.title),
        heading=text_of(front.heading),
        commitment_number=front.number,
        commitment_title=commitment_title(front),
        period_raw=period_raw,
        period_start=period.start,
        period_end=period.end,
        leads_raw=fields.leads_raw,
        leads=fields.leads,
        objective=fields.objective,
        ambition=fields.ambition,
        ogp_values_raw=fields.values_raw,
        milestones=milestones,
        sections=sections,
        findings=sorted(findings, key=lambda finding: finding.line or 0),
        source_url=source_url,
        line=(front.commitment or front.title or front.period).line,
    )


def _about_commitment(front: Front) -> list[Finding]:
    line = front.commitment or front.title
    if line is None:
        return []
    found = []
    if commitment_title(front) is None:
        message = "The commitment's line has no title, or there is no such line."
        found.append(Finding("commitment_title_missing", "commitment_title", line.text, line.line, message))
    for place in (front.title, front.heading):
        if place and place.mark and place.mark.label != front.number:
            message = f"This names commitment {place.mark.label}; the commitment's line, {front.number}, was followed."
            found.append(Finding("commitment_conflict", "commitment_number", place.text, place.line, message))
    return found


def _about_address(url: str | None, number: str, period: Period) -> list[Finding]:
    other = periods.address_differs(url, number, period) if url else None
    if other is None:
        return []
    message = f"The address speaks of “{other}”; the document was followed."
    return [Finding("url_mismatch", "source_url", url, None, message)]


def _mixed_dates(lines: Sequence[Line]) -> list[Finding]:
    """A finding where some dates put the day first and others the month, so that the rest can be read either way."""
    day_first: str | None = None
    month_first: str | None = None
    for line in lines:
        for date in _NUMERIC_DATE.finditer(line.text):
            if int(date[1]) > 12:
                day_first = day_first or date[0]
            elif int(date[2]) > 12:
                month_first = month_first or date[0]
        if day_first and month_first:
            message = f"{month_first} puts the month first and {day_first} the day; dates like these are not read."
            return [Finding("date_order_mixed", None, line.text, line.line, message)]
    return []
