"""The table of assessments: what the IRM found of each commitment, a row each (docs/tables.md)."""

from collections.abc import Sequence
from typing import NamedTuple

from ogp_open_data.intake.reading.cells import day_of, number_of, own_id
from ogp_open_data.intake.reading.drafts import AssessmentDraft
from ogp_open_data.intake.reading.sheet import Remarks, Row, items, short
from ogp_open_data.intake.reading.statuses import key
from ogp_open_data.intake.reading.vocabulary import Vocabulary

_YES = {"yes": True, "true": True, "y": True, "1": True, "no": False, "false": False, "n": False, "0": False}


class Rated(NamedTuple):
    """A value on a scale and the words that it was read from."""

    value: str | None
    raw: str | None


def assessments(rows: Sequence[Row], vocabulary: Vocabulary, remarks: Remarks) -> list[AssessmentDraft]:
    """An assessment for each row; two of one commitment, assessor and phase are a fault."""
    found: dict[tuple[str | None, str, str, str], AssessmentDraft] = {}
    for row in rows:
        one = _assessment(row, vocabulary, remarks)
        if one is None:
            continue
        twin = found.setdefault((one.plan, one.commitment_number, key(one.assessor), one.phase), one)
        if twin is not one:
            remarks.fault(row, "phase", f"row {twin.line} is the same assessment of this commitment; keep one")
    return list(found.values())


def _assessment(row: Row, vocabulary: Vocabulary, remarks: Remarks) -> AssessmentDraft | None:
    """What a row says; None where it cannot be told what it is about."""
    number = own_id(row, "commitment") or number_of(row, "commitment", remarks)
    for column in ("commitment", "assessor", "phase"):
        if row.get(column) is None:
            remarks.fault(row, column, f"an assessment needs its {column}")
    phase, assessor = _rated(row, "phase", vocabulary, remarks).value, row.get("assessor")
    completion = _rated(row, "completion", vocabulary, remarks)
    results = _rated(row, "early_results", vocabulary, remarks)
    ambition = _rated(row, "ambition", vocabulary, remarks)
    verifiable, relevant = _yes(row, "verifiable", remarks), _yes(row, "relevant", remarks)
    published_on = day_of(row, "published_on", remarks)
    if number is None or phase is None or assessor is None:
        return None
    return AssessmentDraft(
        plan=row.get("plan"),
        commitment_number=number,
        assessor=assessor,
        phase=phase,
        completion=completion.value,
        completion_raw=completion.raw,
        early_results=results.value,
        early_results_raw=results.raw,
        ambition=ambition.value,
        ambition_raw=ambition.raw,
        verifiable=verifiable,
        relevant=relevant,
        ogp_values=items(row.get("ogp_values")),
        published_on=published_on,
        source_url=row.get("source_url"),
        line=row.number,
    )


def _rated(row: Row, column: str, vocabulary: Vocabulary, remarks: Remarks) -> Rated:
    """A value of a scale: as our own export gives it beside its words, else read from the words.

    A word that the scale does not have is a value of its own, for the scale is the assessor's; it is remarked.
    """
    said, raw = row.get(column), row.get(f"{column}_raw") or row.get(column)
    if raw is None:
        return Rated(None, None)
    known = vocabulary.scales[column]
    if said != raw and said in known.values():
        return Rated(said, raw)
    word = key(raw)
    value = known.get(word, word.replace(" ", "_"))
    if value not in known.values():
        message = f"“{short(raw)}” is no word of this scale that we know; it stands as {short(value)}."
        remarks.finding("scale_unknown", column, short(raw), row, message)
    return Rated(value, raw)


def _yes(row: Row, column: str, remarks: Remarks) -> bool | None:
    """Yes or no; None where the cell is empty."""
    cell = row.get(column)
    if cell is None:
        return None
    if (found := _YES.get(cell.strip().lower())) is None:
        remarks.fault(row, column, "write yes or no, or leave the cell empty")
    return found
