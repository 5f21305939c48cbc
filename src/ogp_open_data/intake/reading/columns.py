"""The tables that are read, column by column: what tells a table, what its template has, and what docs/tables.md explains."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct


class Column(Struct, frozen=True):
    """A column and what it holds. `of` are the kinds of rows that have it, where a table has several."""

    name: str
    help: str
    required: bool = False
    of: tuple[str, ...] = ()


class Table(NamedTuple):
    """A kind of table. `columns` are those of its template, `exported` those that our own export has beside them."""

    name: str
    fields: Sequence[Column]
    exported: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        return [one.name for one in self.fields]

    @property
    def required(self) -> list[str]:
        return [one.name for one in self.fields if one.required]

    def of(self, kind: str) -> list[str]:
        """The columns that rows of a kind have."""
        return [one.name for one in self.fields if not one.of or kind in one.of]


_PLAN = Column("plan", "Id or label of the plan: nz-nap2. If empty, import --plan says it.", required=True)
_SOURCE = Column("source_url", "Address that the row was taken from.")
_WORK, _BOTH = ("commitment",), ("commitment", "milestone")

PLAN = Table(
    "plan",
    (
        Column("record", "What the row is: plan, commitment or milestone.", required=True),
        _PLAN,
        Column("commitment", "Number of the commitment as printed: 5, 1.01, C01.", required=True, of=_BOTH),
        Column("milestone", "Number of the milestone as printed: 2A, 1.01.", required=True, of=("milestone",)),
        Column("text", "What is to be done.", required=True, of=("milestone",)),
        Column("title", "Title of the plan or commitment.", required=True, of=("plan", "commitment")),
        Column("objective", "What the commitment is for.", of=_WORK),
        Column("leads", "Lead agencies as printed, or joined with |.", of=_WORK),
        Column("supporting", "Other agencies that take part, or joined with |.", of=_WORK),
        Column("themes", "Themes that the commitment stands under, joined with |.", of=_WORK),
        Column("ogp_values", "OGP values, joined with |.", of=_WORK),
        Column("ogp_id", "Identifier on opengovpartnership.org: NZ0009.", of=_WORK),
        Column("starts", "First day or month: 2016-10-20, 2016-10."),
        Column("ends", "Last day or month; of a milestone also Ongoing."),
        Column("website", "Address of the plan.", of=("plan",)),
        Column("licence", "SPDX identifier of the licence of its text: CC-BY-4.0.", of=("plan",)),
        _SOURCE,
    ),
)
PROGRESS = Table(
    "progress",
    (
        _PLAN,
        Column("commitment", "Number of the commitment as printed: 5, 1.01, C01.", required=True),
        Column("period_start", "First day or month of the period: 2017-09-01.", required=True),
        Column("period_end", "Last day or month of the period: 2017-11-30.", required=True),
        Column("milestone", "Number of the milestone as printed: 2A, 1.01.", required=True),
        Column("text", "Wording of the milestone as printed in this report."),
        Column("starts", "Start as printed in this report."),
        Column("ends", "End as printed in this report; an empty one erases nothing."),
        Column("status", "Status word as printed: Underway.", required=True),
        Column("period", "The period as printed: December to February 2018."),
        Column("leads", "Lead agencies as printed in this report."),
        Column("title", "Title of the report as printed."),
        Column("commitment_title", "Title of the commitment as printed in this report."),
        _SOURCE,
    ),
    exported=("number", "status_raw", "starts_raw", "ends_raw", "ongoing"),
)
ASSESSMENTS = Table(
    "assessments",
    (
        _PLAN,
        Column("commitment", "Number of the commitment as printed: 5, 1.01, C01.", required=True),
        Column("assessor", "Who assessed: IRM.", required=True),
        Column("phase", "Design, Mid-term, End of term or Results.", required=True),
        Column("completion", "Word of the assessor's scale: Substantial.", required=True),
        Column("early_results", "Word of the assessor's scale: Marginal, Did not change."),
        Column("ambition", "Word of the assessor's scale: High; earlier the potential impact."),
        Column("verifiable", "Yes or no."),
        Column("relevant", "Yes or no."),
        Column("ogp_values", "OGP values that it is found relevant to, joined with |."),
        Column("published_on", "Day of the assessment."),
        _SOURCE,
    ),
    exported=("completion_raw", "early_results_raw", "ambition_raw"),
)
TABLES = (PLAN, PROGRESS, ASSESSMENTS)
KNOWN = frozenset(name for table in TABLES for name in (*table.columns, *table.exported))
