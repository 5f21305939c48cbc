"""What a feed says of a record, noun by noun, in words that a citizen reads: a title, a summary, a piece of HTML."""

import re
from typing import NamedTuple
from urllib.parse import urlencode

from ogp_open_data.formats.markup import (
    STATUS_WORDS,
    Row,
    anchor,
    bulleted,
    commitment_words,
    day,
    due,
    escape,
    fragment,
    in_words,
    inside,
    inside_all,
    late,
    leads,
    lower,
    maori,
    milestone_words,
    moment,
    name_html,
    one_line,
    outside,
    paragraph,
    period_words,
    remarks,
    section_html,
    sentence,
    shorten,
    standing,
)
from ogp_open_data.records import (
    Assessment,
    Commitment,
    Milestone,
    Organisation,
    Plan,
    Progress,
    Record,
    Report,
)

KIND_WORDS = {"progress": "progress report"}
TE_REO = '<span lang="mi">te reo Māori</span>'


class Words(NamedTuple):
    """What an entry says, all of it clean (see `clean`): a line, a shortened line, and HTML."""

    title: str
    summary: str
    html: str


def words(record: Record, base: str) -> Words:
    """The words of a record; `base` is the public address of the program, without a slash at its end."""
    match record:
        case Plan():
            title, summary, html = _plan(record)
        case Commitment():
            title, summary, html = _commitment(record, base)
        case Milestone():
            title, summary, html = _milestone(record, base)
        case Report():
            title, summary, html = _report(record, base)
        case Progress():
            title, summary, html = _progress(record, base)
        case Organisation():
            title, summary, html = _organisation(record, base)
        case Assessment():
            title, summary, html = _assessment(record, base)
    title = one_line(title) or record.id
    return Words(title, shorten(summary) or title, html)


def _plan(plan: Plan) -> tuple[str, str, str]:
    term = " to ".join(day(one) for one in (plan.starts_on, plan.ends_on) if one)
    rows: list[Row] = [
        ("Title", escape(plan.title)),
        (f"Title in {TE_REO}", maori(plan.title_mi)),
        ("Country", escape(plan.country.upper())),
        ("Number", escape(plan.number)),
        ("Starts", moment(plan.starts_on)),
        ("Ends", moment(plan.ends_on)),
        ("Was to end", moment(plan.ends_on_original) if plan.ends_on_original != plan.ends_on else None),
        ("Also called", "; ".join(map(escape, plan.labels))),
        ("Website", outside(plan.website)),
        ("Licence", outside(plan.licence)),
    ]
    return plan.title, f"National action plan {plan.number}. {sentence(term)}", fragment(rows)


def _commitment(one: Commitment, base: str) -> tuple[str, str, str]:
    name = f"Commitment {one.number}"
    done = f"{one.milestones_completed} of {one.milestones_total} milestones completed" if one.milestones_total else ""
    rows: list[Row] = [
        *standing(one.status, None, one.timeliness),
        ("Milestones", escape(done)),
        ("Lead agency", leads(base, one.leads_raw, one.lead_organisations)),
        ("Supporting agencies", inside_all(base, "organisations", one.supporting_organisations)),
        ("Starts", moment(one.starts)),
        ("Ends", moment(one.ends)),
        ("Themes", "; ".join(map(escape, one.themes))),
        ("OGP values", "; ".join(map(escape, one.ogp_values))),
        ("Latest report", inside(base, "reports", one.latest_report, "what the agency reported")),
        ("Plan", inside(base, "plans", one.plan)),
    ]
    said = sentence(in_words(one.status, STATUS_WORDS), lower(done))
    title = f"{name}: {one.title}" if one.title else name
    return title, f"{said} {one.objective or ''}", paragraph(one.objective) + fragment(rows)


def _milestone(one: Milestone, base: str) -> tuple[str, str, str]:
    commitment = commitment_words(one.commitment, one.plan)
    slipped = {0: None, 1: "Once"}.get(one.times_slipped, f"{one.times_slipped} times")
    rows: list[Row] = [
        *standing(one.status, one.status_raw, one.timeliness),
        (
            "Status since",
            inside(
                base, "reports", one.status_report, f"report to {day(one.status_since)}" if one.status_since else None
            ),
        ),
        ("Starts", moment(one.starts)),
        ("Due", due(one.ends, one.ongoing)),
        ("Was first due", moment(one.ends_original) if one.ends_original != one.ends else None),
        ("End date moved later", slipped),
        ("Commitment", inside(base, "commitments", one.commitment, commitment)),
        ("Plan", inside(base, "plans", one.plan)),
    ]
    status = in_words(one.status, STATUS_WORDS)
    said = sentence(status, f"due {day(one.ends)}" if one.ends else "", lower(late(one.timeliness)))
    title = f"{commitment}, {milestone_words(one.number)}: {status}"
    return title, f"{said} {one.text or ''}", paragraph(one.text) + fragment(rows)


def _report(one: Report, base: str) -> tuple[str, str, str]:
    commitment = commitment_words(one.commitment, one.plan)
    kind = KIND_WORDS.get(one.kind) or one_line(re.sub("[-_]", " ", one.kind))
    period = period_words(one.period_start, one.period_end)
    asked = {"commitment": one.commitment, "period_from": one.period_end, "period_to": one.period_end}
    count = f"{len(one.milestones)} milestone{'s' if len(one.milestones) != 1 else ''}"
    rows: list[Row] = [
        ("Commitment", inside(base, "commitments", one.commitment, one.commitment_title or commitment)),
        ("Period", escape(period)),
        ("Lead agency", leads(base, one.leads_raw, one.organisations)),
        ("Supporting agencies", inside_all(base, "organisations", one.supporting_organisations)),
        ("Objective", escape(one.objective)),
        ("Ambition", escape(one.ambition)),
        ("OGP values", escape(one.ogp_values_raw)),
        (
            "Milestones",
            anchor(f"{base}/v1/progress?{urlencode(asked)}", f"status of {count}") if one.milestones else None,
        ),
        ("Title as printed", escape(one.title)),
        ("Published", moment(one.published_on)),
        ("Source", outside(one.source.url)),
        ("Plan", inside(base, "plans", one.plan)),
    ]
    told = next((item.text for section in one.sections if section.kind == "done" for item in section.items), "")
    summary = f"{sentence(one.commitment_title or '')} {sentence(one.leads_raw or '')} {told}"
    narrative = "".join(map(section_html, one.sections))
    return f"{commitment}: {kind}, {period}", summary, fragment(rows) + narrative + remarks(one.findings)


def _progress(one: Progress, base: str) -> tuple[str, str, str]:
    commitment = commitment_words(one.commitment, one.plan)
    status = in_words(one.status, STATUS_WORDS)
    period = period_words(one.period_start, one.period_end)
    rows: list[Row] = [
        *standing(one.status, one.status_raw, None),
        ("Period", escape(period)),
        ("Starts", moment(one.starts)),
        ("Due", due(one.ends, one.ongoing)),
        ("Report", inside(base, "reports", one.report, f"report for {period}")),
        ("Milestone", inside(base, "milestones", one.milestone, f"{commitment}, {milestone_words(one.number)}")),
        ("Commitment", inside(base, "commitments", one.commitment, commitment)),
        ("Plan", inside(base, "plans", one.plan)),
    ]
    title = f"{commitment}, {milestone_words(one.number)}: {status}, {period}"
    said = sentence(status, f"due {day(one.ends)}" if one.ends else "")
    return title, f"{said} {one.text or ''}", paragraph(one.text) + fragment(rows)


def _organisation(one: Organisation, base: str) -> tuple[str, str, str]:
    rows: list[Row] = [
        ("Name", escape(one.name)),
        (f"Name in {TE_REO}", maori(one.name_mi)),
        ("Abbreviation", escape(one.abbreviation)),
        ("Names", bulleted(map(name_html, one.names))),
        ("Part of", inside(base, "organisations", one.parent)),
        ("Website", outside(one.website)),
    ]
    return one.name, "; ".join(filter(None, [one.abbreviation, one.name_mi])), fragment(rows)


def _assessment(one: Assessment, base: str) -> tuple[str, str, str]:
    """The scale is the assessor's, and its words are kept: “substantial” is no status that an agency reports."""
    commitment = commitment_words(one.commitment, one.plan)
    scales = {"Completion": one.completion, "Early results": one.early_results, "Ambition": one.ambition}
    said = {name: in_words(value, {}) for name, value in scales.items() if value}
    yes = {None: None, True: "Yes", False: "No"}
    rows: list[Row] = [
        ("Assessor", escape(one.assessor)),
        *((name, escape(value)) for name, value in said.items()),
        ("Verifiable", yes[one.verifiable]),
        ("Relevant to OGP values", yes[one.relevant]),
        ("OGP values", "; ".join(map(escape, one.ogp_values))),
        ("Published", moment(one.published_on)),
        ("Source", outside(one.source.url)),
        ("Commitment", inside(base, "commitments", one.commitment, commitment)),
        ("Plan", inside(base, "plans", one.plan)),
    ]
    summary = " ".join(sentence(f"{name}: {lower(value)}") for name, value in said.items())
    return f"{commitment}: {lower(in_words(one.phase, {}))} assessment, {one.assessor}", summary, fragment(rows)
