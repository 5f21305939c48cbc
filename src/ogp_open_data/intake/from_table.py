"""The tables that `import` takes, of a plan, of progress and of assessments (docs/tables.md): the text of a CSV file to a Draft.

    text → header (which table, which delimiter) → rows → plan | reports → Draft

What a publisher can mend at once is a fault, and all faults of a table are told together; what a source may well have
printed is a finding, as it would be in a report.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ogp_open_data.intake.assessment_table import REQUIRED, assessments
from ogp_open_data.intake.cells import DAY, INVALID_DAY, day_of, leads_of, milestone_of, number_of, partial_of
from ogp_open_data.intake.dates import Period, read_period
from ogp_open_data.intake.drafts import CommitmentDraft, Draft, MilestoneDraft, PlanDraft, ReportDraft
from ogp_open_data.intake.periods import address_differs, disagrees
from ogp_open_data.intake.sheet import Fault, Header, Remarks, Row, header_of, items, refused, rows_of, short
from ogp_open_data.intake.statuses import read_status
from ogp_open_data.intake.vocabulary import Vocabulary
from ogp_open_data.records import Finding

# Milestones are matched with those held pair by pair: 200 of one commitment take seconds, 800 a minute.
MAX_MILESTONES = 200
# What each kind of row of a plan table has; the other columns must be empty there.
_HAS = {
    "plan": ["record", "plan", "title", "starts", "ends", "website", "licence", "source_url"],
    "commitment": [
        "record",
        "plan",
        "commitment",
        "title",
        "objective",
        "leads",
        "supporting",
        "themes",
        "ogp_values",
        "ogp_id",
        "starts",
        "ends",
        "source_url",
    ],
    "milestone": ["record", "plan", "commitment", "milestone", "text", "starts", "ends", "source_url"],
}
# What is of a report, and the same in each of its rows.
_OF_REPORT = ("period", "leads", "title", "commitment_title", "source_url")
# By printed number; those without one by their row.
Milestones = dict[str | int, MilestoneDraft]


class Table(NamedTuple):
    """A kind of table: the columns that are read, and those that tell it."""

    name: str
    columns: list[str]
    required: list[str]


PLAN = Table(
    "plan",
    list(dict.fromkeys(column for kind in ("milestone", "commitment", "plan") for column in _HAS[kind])),
    ["record", "plan", "commitment", "milestone", "title", "text"],
)
PROGRESS = Table(
    "progress",
    ["plan", "commitment", "period_start", "period_end", "milestone", "text", "starts", "ends", "status", *_OF_REPORT],
    ["plan", "commitment", "period_start", "period_end", "milestone", "status"],
)
ASSESSMENTS = Table(
    "assessments",
    [
        *("plan", "commitment", "assessor", "phase", "completion", "early_results", "ambition"),
        *("completion_raw", "early_results_raw", "ambition_raw", "verifiable", "relevant", "ogp_values"),
        *("published_on", "source_url"),
    ],
    REQUIRED,
)
TABLES = (PLAN, PROGRESS, ASSESSMENTS)


def read_table(text: str, vocabulary: Vocabulary) -> Draft:
    """What a table claims: `plan`, `report` (every report of it), or `unrecognised` with the reason.

    Raises DocumentRefused with every fault in `errors` (row, column, value, message); rows as a spreadsheet
    numbers them.
    """
    header = header_of(text, {name for table in TABLES for name in table.columns})
    table = next((one for one in TABLES if set(one.required) <= set(header.names)), None)
    if table is None:
        return Draft(kind="unrecognised", reason=_unlike(header))
    remarks = Remarks()
    rows = rows_of(text, header, remarks)
    _check_columns(table, header, rows, remarks)
    if not rows and not remarks.faults:
        remarks.faults.append(Fault(header.row, None, None, "the table has no rows below its header; fill it in"))
    if table is PLAN:
        plan = _plan(rows, vocabulary, remarks)
        draft = Draft(kind="plan", plan=plan, findings=remarks.findings)
    elif table is ASSESSMENTS:
        found = assessments(rows, vocabulary, remarks)
        draft = Draft(kind="assessments", assessments=found, findings=remarks.findings)
    else:
        reports = _reports(rows, vocabulary, remarks)
        draft = Draft(kind="report", reports=reports, findings=remarks.findings)
    if remarks.faults:
        raise refused(table.name, remarks.faults)
    return draft


def _unlike(header: Header) -> str:
    """Why a table is neither of ours."""
    missing = {table.name: [name for name in table.required if name not in header.names] for table in reversed(TABLES)}
    nearest = sorted(missing, key=lambda name: len(missing[name]))
    lacks = "; ".join(f"for a {name} table it lacks {', '.join(missing[name])}" for name in nearest)
    return f"this is no table that we read: {lacks}. docs/tables.md describes both, column by column"


def _check_columns(table: Table, header: Header, rows: Sequence[Row], remarks: Remarks) -> None:
    """A column twice is a fault; one that we do not know is a finding, so that nothing is dropped unseen."""
    for name in dict.fromkeys(header.names):
        if header.names.count(name) > 1:
            message = f"there are {header.names.count(name)} columns of this name; keep one"
            remarks.faults.append(Fault(header.row, name, name, message))
        elif name not in table.columns:
            filled = sum(name in row.cells for row in rows)
            if filled or not name.startswith("column "):
                message = (
                    f"The {table.name} table has no column “{short(name)}”; its {filled} filled cells are not read."
                )
                remarks.findings.append(Finding("column_unknown", short(name), None, header.row, message))


# ------------------------------------------------------------------------------------------------ plan


def _plan(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> PlanDraft:
    """The plan of a table, its commitments in order of their rows."""
    kinds: dict[str, list[Row]] = {kind: [] for kind in _HAS}
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
        if column not in _HAS[kind] and column in PLAN.columns:
            message = f"A {kind} has no {column}; the cell is not read."
            remarks.finding("cell_unused", column, short(row.get(column)), row, message)


def _one_plan(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> str | None:
    """The plan that the rows name; an empty cell is no other plan."""
    named = [row for row in rows if row.get("plan")]
    for row in named[1:]:
        if _plan_key(row, vocabulary) != _plan_key(named[0], vocabulary):
            remarks.fault(row, "plan", f"row {named[0].number} names another plan; a table is of one plan")
    return named[0].get("plan") if named else None


def _plan_key(row: Row, vocabulary: Vocabulary) -> str | None:
    """The plan of a row for comparison, whether it is given by id or by label."""
    cell = row.get("plan")
    known = vocabulary.plan_by_label(cell) if cell else None
    return known.id if known else cell


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
        _add(under[commitment], milestone_of(row, remarks), row, remarks)


def _add(milestones: Milestones, one: MilestoneDraft, row: Row, remarks: Remarks) -> None:
    """Add a milestone to its fellows, among whom its number stands once."""
    twin = milestones.setdefault(row.number if one.number is None else one.number, one)
    if twin is not one:
        remarks.fault(row, "milestone", f"row {twin.line} has this number already")
    elif len(milestones) > MAX_MILESTONES:
        remarks.fault(row, "milestone", f"one commitment has more than {MAX_MILESTONES} milestones; check the numbers")


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


# ------------------------------------------------------------------------------------------------ progress


def _reports(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> list[ReportDraft]:
    """One report for each plan, commitment and period, in order of first appearance."""
    found: dict[tuple[str | None, str, Period], list[Row]] = {}
    for row in rows:
        period = _period(row, remarks)
        number = number_of(row, "commitment", remarks)
        if row.get("commitment") is None:
            remarks.fault(row, "commitment", "a report needs the number of its commitment")
        if number is not None and period.end is not None:
            found.setdefault((_plan_key(row, vocabulary), number, period), []).append(row)
    return [_report(number, period, rows, vocabulary, remarks) for (_, number, period), rows in found.items()]


def _period(row: Row, remarks: Remarks) -> Period:
    """The days of a row's period: from its two columns, else from what is printed; no end where there is a fault."""
    before = len(remarks.faults)
    start, end = day_of(row, "period_start", remarks), day_of(row, "period_end", remarks)
    printed = row.get("period")
    if end is None and len(remarks.faults) == before:
        if start is None and printed is not None:
            read = read_period(printed)
            start, end = read.start, read.end
        if end is None:
            remarks.fault(row, "period_end", f"a report needs the end of its period; {DAY}")
    elif start is not None and end is not None and start > end:
        remarks.fault(row, "period_start", f"the period starts after its end, {end}")
    return Period(start, end if len(remarks.faults) == before else None)


def _report(number: str, period: Period, rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> ReportDraft:
    """A report from its rows; its findings are its own."""
    own = Remarks(faults=remarks.faults)
    head = _head(rows, own)
    milestones: Milestones = {}
    for row in rows:
        if (one := _progress(row, vocabulary, own)) is not None:
            _add(milestones, one, row, own)
    _remark(head, number, period, own)
    if not milestones:
        own.finding("no_milestones", "milestones", None, head, "The report lists no milestones.")
    return ReportDraft(
        plan=head.get("plan"),
        kind="progress",
        title=head.get("title"),
        commitment_number=number,
        commitment_title=head.get("commitment_title"),
        period_raw=head.get("period"),
        period_start=period.start,
        period_end=period.end,
        leads_raw=head.get("leads"),
        leads=leads_of(head, "leads", vocabulary, own),
        milestones=list(milestones.values()),
        findings=own.findings,
        source_url=head.get("source_url"),
    )


def _head(rows: Sequence[Row], remarks: Remarks) -> Row:
    """What is of the whole report: given in one of its rows or more, and everywhere the same."""
    cells = {"plan": plan} if (plan := rows[0].get("plan")) else {}
    for column in _OF_REPORT:
        filled = [row for row in rows if row.get(column)]
        for row in filled[1:]:
            if row.get(column) != filled[0].get(column):
                other = f"row {filled[0].number} of the same report has “{short(filled[0].get(column))}”"
                message = f"{other}; a report has one {column}"
                remarks.fault(row, column, message)
        if filled:
            cells[column] = filled[0].cells[column]
    return Row(rows[0].number, cells)


def _progress(row: Row, vocabulary: Vocabulary, remarks: Remarks) -> MilestoneDraft | None:
    """What a row says of a milestone; None where it stands for a report that lists none."""
    if row.get("milestone") is None and row.get("text") is None:
        for column in ("status", "starts", "ends"):
            if row.get(column) is not None:
                remarks.fault(
                    row, column, "this belongs to a milestone, and the row names none; give its number or its text"
                )
        return None
    raw = row.get("status")
    status, code = read_status(raw, vocabulary.words, row.get("ends"))
    if code is not None:
        remarks.finding(code, "status", raw, row, f"“{short(raw)}” is no status that we know; it is unknown.")
    elif raw is None:
        remarks.finding(
            "status_missing", "status", row.get("milestone"), row, "No progress is given for this milestone."
        )
    return milestone_of(row, remarks, (raw, status))


def _remark(head: Row, number: str, period: Period, remarks: Remarks) -> None:
    """What is odd about the period and the address of a report."""
    assert period.end is not None
    if period.start is None:
        message = "Only the end of the period is given; its start is not known."
        remarks.finding("period_end_only", "period", head.get("period"), head, message)
    for column in ("period", "title"):
        text = head.get(column)
        if text is not None and disagrees(period.start, period.end, text):
            message = (
                f"The {column} as printed names another period than period_start and period_end, which were followed."
            )
            remarks.finding("period_conflict", "period", text, head, message)
            break
    if "invalid_day" in read_period(head.get("period") or "").codes:
        remarks.finding("invalid_day", "period", head.get("period"), head, INVALID_DAY)
    url = head.get("source_url")
    if url is not None and (other := address_differs(url, number, period)) is not None:
        message = f"The address of the report speaks of {other}; the columns of the table were followed."
        remarks.finding("url_mismatch", "source_url", url, head, message)
