"""The fields between a commitment's line and its milestones: lead, objective, ambition and values, labelled or not."""

from collections.abc import Sequence

from msgspec import Struct

from ogp_open_data.intake.reading.leads import organisations_of, split_leads
from ogp_open_data.intake.reading.lines import Line, bulleted, unplaced
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.records import Finding

KINDS = ("lead", "objective", "ambition", "values", "timeline", "aside")
# Fields whose value is one paragraph or one list; what follows it has lost its label or never had one.
_SHORT = ("lead", "values", "timeline")
_LONGEST_LEAD = 160


class Fields(Struct):
    """The fields as printed, which labels were there, and what was odd."""

    labels: set[str] = set()
    leads_raw: str | None = None
    leads: list[str] = []
    objective: str | None = None
    ambition: str | None = None
    values_raw: str | None = None
    timeline_raw: str | None = None
    findings: list[Finding] = []


class _Sorted(Struct):
    """Lines under their labels, as texts; lines without one, and lines of no field."""

    texts: dict[str, list[str]] = {}
    nameless: list[Line] = []
    others: list[Line] = []
    footnotes: list[Line] = []
    empty_values: Line | None = None


def read_fields(lines: Sequence[Line], vocabulary: Vocabulary) -> Fields:
    """The fields that the lines hold. Without the label “Objective:” the text after the lead is the objective."""
    found = _sorted(lines)
    fields = Fields(labels=set(found.texts))
    nameless = _without_lead(found, fields, vocabulary)
    if "objective" in found.texts:
        found.others += nameless
    else:
        _by_place(nameless, found, fields)
    for name in ("objective", "ambition"):
        if texts := found.texts.get(name):
            setattr(fields, name, "\n".join(texts))
    fields.leads_raw = fields.leads_raw or "\n".join(found.texts.get("lead", [])) or None
    fields.leads = split_leads(fields.leads_raw, vocabulary) if fields.leads_raw else []
    fields.values_raw = "\n".join(found.texts.get("values", [])) or None
    fields.timeline_raw = "\n".join(found.texts.get("timeline", [])) or None
    if found.empty_values and fields.values_raw is None:
        line = found.empty_values
        fields.findings.append(
            Finding(
                "ogp_values_empty", "ogp_values_raw", line.text, line.line, "No OGP values stand after their label."
            )
        )
    fields.findings += [unplaced(line) for line in found.others]
    fields.findings += [
        Finding("footnote", None, line.text, line.line, "A footnote; no part of a field.") for line in found.footnotes
    ]
    return fields


def _sorted(lines: Sequence[Line]) -> _Sorted:
    found = _Sorted()
    current = ""
    for line in lines:
        mark = line.mark
        if mark and mark.kind == "footnote":
            found.footnotes.append(line)
        elif mark and mark.kind in KINDS and (mark.kind == "aside" or mark.kind not in found.texts):
            current = mark.kind
            found.texts.setdefault(current, [])
            if current == "aside":
                found.others.append(line)
            elif mark.value:
                found.texts[current].append(mark.value)
            elif current == "values":
                found.empty_values = line
        elif current == "aside" or line.kind == "heading":
            found.others.append(line)
        elif current in _SHORT and (not found.texts[current] or line.kind == "item"):
            found.texts[current].append(line.text)
            current = current if line.kind == "item" else ""
        elif current in ("objective", "ambition"):
            found.texts[current].append(bulleted(line))
        else:
            current = ""
            found.nameless.append(line)
    return found


def _without_lead(found: _Sorted, fields: Fields, vocabulary: Vocabulary) -> list[Line]:
    """The lines without a label, less the first where it is an agency and no lead has a label."""
    nameless = found.nameless
    if "lead" in found.texts or not nameless or len(nameless[0].text) > _LONGEST_LEAD:
        return nameless
    known, _, unknown = organisations_of(nameless[0].text, vocabulary)
    if not known or unknown:
        return nameless
    fields.leads_raw = nameless[0].text
    fields.findings.append(_missing("lead", nameless[0]))
    return nameless[1:]


def _by_place(nameless: list[Line], found: _Sorted, fields: Fields) -> None:
    """Objective, and where a report of the labelled kind has lost both labels the ambition, by their places."""
    if not nameless:
        return
    has_labels = bool({"ambition", "values"} & found.texts.keys())
    end = len(nameless)
    if has_labels and "ambition" not in found.texts:
        end = next((n for n, line in enumerate(nameless) if n and line.kind == "paragraph"), end)
    found.texts["objective"] = [bulleted(line) for line in nameless[:end]]
    if has_labels:
        fields.findings.append(_missing("objective", nameless[0]))
    if nameless[end:]:
        found.texts["ambition"] = [bulleted(line) for line in nameless[end:]]
        fields.findings.append(_missing("ambition", nameless[end]))


def _missing(field: str, line: Line) -> Finding:
    message = f"The label of the {field} is missing; it was read by its place."
    return Finding("label_missing", field, line.text, line.line, message)
