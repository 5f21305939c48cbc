"""The nouns: one flat struct each, which is at once the JSON object, the CSV header and the JSON Schema.

A record is published as it stands here. `seal` turns it into the bytes that are stored, hashed and served: its keys in
alphabetical order, without white space, which for our values is exactly RFC 8785 (a test holds it against a library).
"""

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Id = Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", max_length=200, description="Stable identifier, never reused.")]
Version = Annotated[int, Meta(ge=1, description="Steps by one with each change of this record.")]
ReleaseNumber = Annotated[int, Meta(ge=1, description="The release that published this version.")]
Url = Annotated[str, Meta(pattern=r"^/v1/[a-z]+/[a-z0-9-]+$", description="Root-relative address of this record.")]
PartialDate = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$",
        description="ISO 8601 at the precision that was printed: a year, a month or a day.",
        examples=["2018", "2018-06", "2018-06-30"],
    ),
]
Raw = Annotated[str, Meta(description="The text as printed.")]
Status = Annotated[
    str,
    Meta(
        description="What the agency reports, in our words. An open list: accept values you do not know.",
        examples=["not_started", "underway", "delayed", "completed", "not_applicable", "withdrawn", "unknown"],
    ),
]
Timeliness = Annotated[
    str,
    Meta(
        description="Derived from the due date on the day of the release. An open list: accept values you do not know.",
        examples=["on_time", "due_soon", "overdue", "done", "unknown"],
    ),
]
STATUSES = ("not_started", "underway", "delayed", "completed", "not_applicable", "withdrawn", "unknown")
# How far along a status is; those that are not here cannot be compared.
FAR = {"not_started": 0, "underway": 1, "delayed": 1, "completed": 2}
TIMELINESS = ("on_time", "due_soon", "overdue", "done", "unknown")


class Finding(Struct, frozen=True):
    """What was odd in a source and how it was read."""

    code: Annotated[str, Meta(description="Stable code of the remark; docs/importing.md lists them.")]
    field: Annotated[str | None, Meta(description="The field it is about.")]
    raw: Annotated[str | None, Meta(description="The text as printed.")]
    line: Annotated[int | None, Meta(description="Line (or paragraph, or table row) of the source document.")]
    message: Annotated[str, Meta(description="What was odd and how it was read.")]


class Item(Struct, frozen=True):
    """A bullet of a report's narrative, with the bullets under it."""

    text: str
    items: list["Item"] = []


class Paragraph(Struct, frozen=True):
    """A paragraph or sub-heading of a section, and which top-level bullet it stands before."""

    kind: Literal["paragraph", "subheading"]
    text: str
    before: Annotated[int, Meta(ge=0, description="Index of the top-level item that follows it in print.")]


class Section(Struct, frozen=True):
    """One part of a report's narrative."""

    kind: Annotated[
        str,
        Meta(
            description="An open list: accept values you do not know.",
            examples=["done", "next", "links", "diverse_voices", "keeping_informed", "other"],
        ),
    ]
    heading: str
    items: list[Item] = []
    paragraphs: list[Paragraph] = []


class Source(Struct, frozen=True):
    """Where a report was read from; null where nobody said."""

    url: str | None = None
    sha256: Annotated[str | None, Meta(description="SHA-256 of the document's bytes, in hexadecimal.")] = None
    media_type: str | None = None
    retrieved_at: Annotated[datetime, Meta(tz=True)] | None = None


class Name(Struct, frozen=True):
    """A name that an organisation had, and from when until when."""

    text: str
    lang: Annotated[str, Meta(description="BCP 47 language tag.", examples=["en", "mi"])] = "en"
    kind: Annotated[str, Meta(examples=["legal", "brand", "abbreviation"])] = "legal"
    valid_from: date | None = None
    valid_to: date | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """A national action plan."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    country: Annotated[str, Meta(pattern=r"^[a-z]{2}$", description="ISO 3166-1 alpha-2, lower case.")]
    time_zone: Annotated[str, Meta(description="IANA name; calendar days of the plan are days there.")]
    number: str
    title: str
    title_mi: Annotated[str | None, Meta(description="Title in te reo Māori.")] = None
    labels: Annotated[list[str], Meta(description="Every name under which reports print the plan.")] = []
    starts_on: date | None = None
    ends_on: date | None = None
    ends_on_original: Annotated[date | None, Meta(description="The end before any extension.")] = None
    website: str | None = None
    licence: str | None = None


class Commitment(Struct, frozen=True, kw_only=True):
    """One promise of a plan, with what its milestones and reports say of it."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    plan: Id
    number: str
    title: Annotated[str | None, Meta(description="Null while no source has printed one.")] = None
    objective: str | None = None
    lead_organisations: list[Id] = []
    leads_raw: Raw | None = None
    supporting_organisations: list[Id] = []
    themes: list[str] = []
    ogp_values: list[str] = []
    ogp_id: Annotated[str | None, Meta(description="Identifier on opengovpartnership.org.")] = None
    starts: PartialDate | None = None
    ends: PartialDate | None = None
    status: Annotated[Status | None, Meta(description="Derived from the milestones; null without any.")] = None
    timeliness: Annotated[Timeliness | None, Meta(description="The worst of the milestones'.")] = None
    milestones_total: Annotated[int, Meta(ge=0)] = 0
    milestones_completed: Annotated[int, Meta(ge=0)] = 0
    latest_report: Id | None = None
    updated_on: Annotated[date | None, Meta(description="Last day that the latest report speaks of.")] = None
    source_url: Annotated[str | None, Meta(description="Where the plan's word on it was read.")] = None


class Milestone(Struct, frozen=True, kw_only=True):
    """A step of a commitment, as the plan and the latest reports give it."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    commitment: Id
    plan: Id
    number: Annotated[str | None, Meta(description="The latest printed number; it may change and never identifies.")]
    text: Annotated[str | None, Meta(description="The latest printed wording; null while none is known.")] = None
    starts: PartialDate | None = None
    ends: PartialDate | None = None
    ends_raw: Raw | None = None
    ends_original: Annotated[PartialDate | None, Meta(description="The first end date known.")] = None
    due_on: Annotated[date | None, Meta(description="The day that `ends` ends on.")] = None
    ongoing: Annotated[bool, Meta(description="True where the source says that there is no end.")] = False
    status: Status = "unknown"
    status_raw: Raw | None = None
    status_since: Annotated[date | None, Meta(description="Last day of the period of `status_report`.")] = None
    status_report: Annotated[
        Id | None, Meta(description="First report of the unbroken run that states the present status.")
    ] = None
    timeliness: Timeliness = "unknown"
    times_slipped: Annotated[int, Meta(ge=0, description="How often the end date was moved later.")] = 0
    source_url: Annotated[str | None, Meta(description="Where the plan's word on it was read.")] = None


class Report(Struct, frozen=True, kw_only=True):
    """One commitment's report for one period."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    commitment: Id
    plan: Id
    kind: Annotated[str, Meta(examples=["progress"])]
    title: str | None
    period_raw: Raw | None
    period_start: Annotated[date | None, Meta(description="First day; null where only an end is printed.")]
    period_end: date
    leads_raw: Raw | None = None
    organisations: Annotated[list[Id], Meta(description="Lead agencies named by the report.")] = []
    sections: list[Section] = []
    milestones: Annotated[list[Id], Meta(description="Milestones in printed order; `progress` has the lines.")] = []
    findings: list[Finding] = []
    source: Source = Source()
    published_on: date | None = None
    supporting_organisations: list[Id] = []
    plan_raw: Raw | None = None
    heading_raw: Annotated[str | None, Meta(description="The second heading as printed.")] = None
    commitment_title: Raw | None = None
    objective: Raw | None = None
    ambition: Raw | None = None
    ogp_values_raw: Raw | None = None


class Progress(Struct, frozen=True, kw_only=True):
    """What one report printed about one milestone."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    report: Id
    milestone: Id
    commitment: Id
    plan: Id
    period_end: date
    number: Annotated[str | None, Meta(description="As printed in this report.")]
    status: Status = "unknown"
    status_raw: Raw | None = None
    starts: PartialDate | None = None
    ends: PartialDate | None = None
    ends_raw: Raw | None = None
    text: Annotated[str | None, Meta(description="As printed in this report; null where it printed none.")] = None
    period_start: date | None = None
    starts_raw: Raw | None = None
    ongoing: bool = False


class Organisation(Struct, frozen=True, kw_only=True):
    """An agency that leads or supports commitments."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    name: str
    name_mi: Annotated[str | None, Meta(description="Name in te reo Māori.")] = None
    abbreviation: str | None = None
    names: list[Name] = []
    parent: Id | None = None
    website: str | None = None


class Assessment(Struct, frozen=True, kw_only=True):
    """What the IRM, or another independent assessor, found of a commitment: its own scale, never the reported status."""

    id: Id
    url: Url
    version: Version
    release: ReleaseNumber
    commitment: Id
    plan: Id
    assessor: Annotated[str, Meta(description="Who assessed, as printed.", examples=["IRM"])]
    phase: Annotated[
        str,
        Meta(
            description="What of the plan's term was assessed. An open list: accept values you do not know.",
            examples=["design", "mid_term", "end_of_term", "results"],
        ),
    ]
    completion: Annotated[
        str | None,
        Meta(
            description="How far it was carried out, on the IRM's scale. An open list: accept values you do not know.",
            examples=["no_evidence", "not_started", "limited", "substantial", "complete"],
        ),
    ] = None
    completion_raw: Raw | None = None
    early_results: Annotated[
        str | None,
        Meta(
            description="What it changed, on the IRM's scale. An open list: accept values you do not know.",
            examples=["no_data", "worsened", "did_not_change", "marginal", "major", "outstanding"],
        ),
    ] = None
    early_results_raw: Raw | None = None
    ambition: Annotated[
        str | None,
        Meta(
            description="What it could change (earlier: potential impact). An open list: accept values you do not know.",
            examples=["low", "high", "none", "minor", "moderate", "transformative"],
        ),
    ] = None
    ambition_raw: Raw | None = None
    verifiable: Annotated[bool | None, Meta(description="Whether its completion can be verified.")] = None
    relevant: Annotated[bool | None, Meta(description="Whether it is relevant to OGP values.")] = None
    ogp_values: Annotated[list[str], Meta(description="The values that it is found relevant to.")] = []
    published_on: date | None = None
    source: Source = Source()


Record = Plan | Commitment | Milestone | Report | Progress | Organisation | Assessment
NOUNS: dict[str, type[Record]] = {
    "plans": Plan,
    "commitments": Commitment,
    "milestones": Milestone,
    "reports": Report,
    "progress": Progress,
    "organisations": Organisation,
    "assessments": Assessment,
}
# The nouns of the first release. A later noun counts into the root of a release in which it has records, so that the roots of
# releases made before it was thought of stay what they were.
FIRST_NOUNS = ("plans", "commitments", "milestones", "reports", "progress", "organisations")
# The nouns whose records have a page for people.
PAGED = ("plans", "commitments", "milestones", "reports", "organisations")
NOUN_OF = {struct: noun for noun, struct in NOUNS.items()}
# Steps with each change of the structs above: a newer program then publishes every record anew in its shape, in a release.
SHAPE = 1
# What a record is apart from its place in the sequence of releases.
STAMP = ("id", "url", "version", "release")


class Filter(Struct, frozen=True):
    """Which records of a noun are asked for; None asks nothing."""

    plan: str | None = None
    commitment: str | None = None
    organisation: str | None = None
    status: tuple[str, ...] | None = None
    timeliness: tuple[str, ...] | None = None
    period_from: date | None = None
    period_to: date | None = None
    q: str | None = None
    id: tuple[str, ...] | None = None


def name_on(one: Organisation, day: date) -> str:
    """The name that an organisation had on a day: today's, unless it had another one then."""
    then = [
        name.text
        for name in one.names
        if name.lang == "en"
        and name.kind != "abbreviation"
        and (name.valid_from is None or name.valid_from <= day)
        and (name.valid_to is None or day <= name.valid_to)
    ]
    return one.name if one.name in then or not then else then[0]


def url_of(noun: str, id: str) -> str:
    return f"/v1/{noun}/{id}"


def page_of(noun: str, id: str) -> str:
    """Root-relative address of a record's page for people; of what has none, the record itself."""
    return f"/{noun}/{id}" if noun in PAGED else url_of(noun, id)


def columns(noun: str) -> tuple[str, ...]:
    """The field names of a noun, in the order of the struct."""
    return NOUNS[noun].__struct_fields__


def canonical(value: Any) -> bytes:
    """RFC 8785 JSON of a record (strings, integers, booleans, null, lists and objects with ASCII keys only)."""
    return msgspec.json.encode(value, order="sorted")


def digest(body: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(body).hexdigest()
