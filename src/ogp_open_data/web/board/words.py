"""Values in the words of a page: dates as they are written in New Zealand, statuses, and what is counted."""

from collections.abc import Callable
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from ogp_open_data.formats.markup import (
    ADDRESS,
    MONTHS,
    STATUS_WORDS,
    TIMELINESS_WORDS,
    commitment_words,
    day,
    in_words,
    is_address,
    period_words,
    shorten,
)
from ogp_open_data.records import STATUSES

NOUNS = {
    "plans": "Plans",
    "commitments": "Commitments",
    "milestones": "Milestones",
    "reports": "Reports",
    "organisations": "Organisations",
    "progress": "Progress lines",
    "assessments": "Assessments",
}
# What people call a noun.
TITLES = {"organisations": "Agencies"}
SINGULAR = {
    "plans": "plan",
    "commitments": "commitment",
    "milestones": "milestone",
    "reports": "report",
    "organisations": "organisation",
    "progress": "progress line",
    "assessments": "assessment",
}
FORMATS = {"atom": "Atom", "xlsx": "Excel", "parquet": "Parquet"}
# What a citizen calls a field that changed; those that are not here are spelt out.
FIELDS = {
    "ends": "end date",
    "ends_raw": "end date as printed",
    "starts": "start date",
    "text": "wording",
    "status_raw": "status as printed",
    "leads_raw": "lead agency as printed",
    "lead_organisations": "lead agency",
    "period_raw": "period as printed",
    "sections": "narrative",
    "findings": "notes on the source",
    "source": "the document it was read from",
    "plan_raw": "plan as printed",
    "heading_raw": "heading as printed",
    "starts_raw": "start date as printed",
    "ogp_values_raw": "OGP values as printed",
    "names": "its names",
    "ogp_id": "OGP number",
    "milestones_completed": "milestones completed",
    "milestones_total": "number of milestones",
    "updated_on": "reported up to",
}
CAUSES = {
    "import": "A document was taken in",
    "daily": "The release of the day",
    "correction": "A correction",
    "withdraw": "A withdrawal",
    "restore": "A restoration",
}


def status(value: str | None) -> str:
    return in_words(value, STATUS_WORDS) if value else "No status yet"


def known(value: str | None) -> str:
    """A status for class names and symbols: one of ours, else unknown."""
    return value if value in STATUSES else "unknown"


def timeliness(value: str | None) -> str:
    return in_words(value, TIMELINESS_WORDS)


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 milestone, 2 milestones."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def short_month(when: date) -> str:
    """Nov 2017, for the head of a column."""
    return f"{MONTHS[when.month - 1][:3]} {when.year}"


def period(one: Any) -> str:
    """The period of a report or progress line, in words."""
    return period_words(one.period_start, one.period_end)


def field(name: str) -> str:
    return FIELDS.get(name) or name.replace("_", " ")


def linked(text: str) -> Markup:
    """Text in which web addresses are links."""
    parts, done = [], 0
    for found in ADDRESS.finditer(text):
        address = found[0].rstrip(".,;:!?)’'")
        if is_address(address):
            parts += [escape(text[done : found.start()]), _anchor(address)]
            done = found.start() + len(address)
    return Markup("").join([*parts, escape(text[done:])])


def _anchor(address: str) -> Markup:
    return Markup('<a href="{0}" rel="nofollow">{0}</a>').format(address)


def cause(one: Any) -> str:
    """Why a release was made."""
    return CAUSES.get(one.cause) or one.cause.replace("_", " ").replace("-", " ").capitalize()


FILTERS: dict[str, Callable[..., Any]] = {
    "day": day,
    "status": status,
    "known": known,
    "timeliness": timeliness,
    "short_month": short_month,
    "period": period,
    "field": field,
    "linked": linked,
    "is_address": is_address,
    "shorten": shorten,
    "noun": lambda name: TITLES.get(name, NOUNS[name]),
    "singular": lambda name: SINGULAR[name],
    "cause": cause,
    "commitment": commitment_words,
}
