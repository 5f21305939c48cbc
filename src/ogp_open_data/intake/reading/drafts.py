"""What a document claims, before anything is decided: the shapes between a reader and `decide`.

    bytes → Blocks → Draft

A Draft is a claim, not a fact: printed text stands beside the value that was read from it, and whatever was odd is a finding.
"""

from datetime import date
from typing import Literal

from msgspec import Struct

from ogp_open_data.records import Finding, Section


class Block(Struct, frozen=True):
    """A heading, paragraph or list item of a document, whatever its format was.

    `text` is trimmed (also of no-break spaces); spaces inside are kept. It holds a line feed only where the source has a line
    break inside one paragraph or item. `line` counts lines of text, HTML and Markdown, paragraphs of a DOCX, from 1.
    `level` is 1-6 for headings and the depth, from 1, for items. `furniture` is text of the page around the document
    (navigation, header, footer).
    """

    kind: Literal["heading", "paragraph", "item", "furniture"]
    text: str
    line: int
    level: int = 0


class MilestoneDraft(Struct, frozen=True, kw_only=True):
    """One milestone as a report or a plan prints it; `id` where the source is our own export."""

    number: str | None
    text: str | None
    start_raw: str | None = None
    start: str | None = None
    end_raw: str | None = None
    end: str | None = None
    ongoing: bool = False
    status_raw: str | None = None
    status: str = "unknown"
    line: int | None = None
    source_url: str | None = None
    id: str | None = None


class ReportDraft(Struct, frozen=True, kw_only=True):
    """One commitment's report for one period, as printed.

    What a `partial` one does not say of a report stands as it is held. An `exported` one is our own, come back.
    """

    plan: str | None = None
    kind: str = "progress"
    title: str | None = None
    heading: str | None = None
    commitment_number: str | None = None
    commitment_title: str | None = None
    period_raw: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    leads_raw: str | None = None
    leads: list[str] = []
    objective: str | None = None
    ambition: str | None = None
    ogp_values_raw: str | None = None
    milestones: list[MilestoneDraft] = []
    sections: list[Section] = []
    findings: list[Finding] = []
    source_url: str | None = None
    line: int | None = None
    partial: bool = False
    exported: bool = False


class CommitmentDraft(Struct, frozen=True, kw_only=True):
    """One commitment as a plan prints it."""

    number: str
    title: str | None = None
    objective: str | None = None
    leads_raw: str | None = None
    leads: list[str] = []
    supporting: list[str] = []
    themes: list[str] = []
    ogp_values: list[str] = []
    ogp_id: str | None = None
    starts: str | None = None
    ends: str | None = None
    milestones: list[MilestoneDraft] = []
    source_url: str | None = None
    line: int | None = None


class PlanDraft(Struct, frozen=True, kw_only=True):
    """A national action plan: its commitments and their milestones. `plan` is its id or a label of it."""

    plan: str | None = None
    title: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    website: str | None = None
    licence: str | None = None
    commitments: list[CommitmentDraft] = []
    findings: list[Finding] = []


class AssessmentDraft(Struct, frozen=True, kw_only=True):
    """What an independent assessor found of one commitment, as printed and on the assessor's scale."""

    plan: str | None = None
    commitment_number: str
    assessor: str
    phase: str
    completion: str | None = None
    completion_raw: str | None = None
    early_results: str | None = None
    early_results_raw: str | None = None
    ambition: str | None = None
    ambition_raw: str | None = None
    verifiable: bool | None = None
    relevant: bool | None = None
    ogp_values: list[str] = []
    published_on: date | None = None
    source_url: str | None = None
    line: int | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """What one document claims. `kind` is the document's; `reason` says why it is `unrecognised`.

    Of a table, `sheet` is its name in a workbook, and `columns` are its columns in their order.
    """

    kind: Literal["report", "plan", "assessments", "unrecognised"]
    reports: list[ReportDraft] = []
    plan: PlanDraft | None = None
    assessments: list[AssessmentDraft] = []
    reason: str | None = None
    findings: list[Finding] = []
    sheet: str | None = None
    columns: list[str] | None = None
