"""One document, one release.

bytes → blocks → Draft (pure) → writer's lock → seen these bytes? → held → decide (pure) → rows → publish → commit
"""

from collections.abc import Iterator
from datetime import date, datetime
from importlib import resources
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake import questions
from ogp_open_data.intake.deciding.decide import Asked, decide
from ogp_open_data.intake.deciding.identify import Registry
from ogp_open_data.intake.deciding.world import Decision
from ogp_open_data.intake.reading import documents
from ogp_open_data.intake.reading.drafts import Draft
from ogp_open_data.intake.reading.sheet import Workbook
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.intake.releasing import Made, Outcome, Writing, held, prepared, publish, writing
from ogp_open_data.intake.terms import TERMS, Terms
from ogp_open_data.records import Plan, Source, digest
from ogp_open_data.store import history, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.releases import Held, Prepared
from ogp_open_data.tracing import traced

# The longest plans have some twenty to a commitment. Matching compares each printed one with each held one.
MOST_MILESTONES = 100
# The tables name the source of each line; the text of a report does not.
SAMPLE_SOURCE = (
    "https://ogp.org.nz/new-zealands-plan/completed-national-action-plans/second-national-action-plan/"
    "commitment-4-progress-report-sep-nov-3"
)


class Document(Struct, frozen=True):
    """A document as it was handed in, and what its publisher says beside it.

    `plan` is the plan's id where the document names none; `answers` settle doubts about milestones (`{"4": "m3"}`).
    `reason` says why what was published before is corrected.
    """

    name: str
    body: bytes
    media_type: str | None = None
    plan: str | None = None
    source_url: str | None = None
    published_on: date | None = None
    retrieved_at: datetime | None = None
    answers: dict[str, str] = {}
    reason: str | None = None


def read(document: Document, vocabulary: Vocabulary) -> tuple[str, Draft]:
    """Media type and Draft of a document. Pure; raises DocumentRefused where it cannot be read at all."""
    # Who serves reads none: another process does, when one is handed in.
    from ogp_open_data.intake.reading import from_table
    from ogp_open_data.intake.reading.report import read_report

    media_type, content = documents.read(document.body, document.name, document.media_type)
    if isinstance(content, str | Workbook):
        return media_type, from_table.read_table(content, vocabulary)
    return media_type, read_report(content, vocabulary, document.source_url)


class Understood(Struct, frozen=True):
    """A document with what it claims, and the vocabulary that its publisher's answers have taught."""

    document: Document
    sha256: str
    media_type: str
    draft: Draft
    vocabulary: Vocabulary


def understood(document: Document, vocabulary: Vocabulary) -> Understood:
    """A document that can be imported. Pure; raises DocumentRefused with the reason where it is no report or plan."""
    known = questions.taught(vocabulary, document.answers)
    media_type, draft = read(document, known)
    if draft.kind == "unrecognised":
        raise DocumentRefused(
            f"{document.name}: {draft.reason or 'this is not a progress report'}", findings=draft.findings
        )
    _short(document, draft)
    return Understood(document, digest(document.body), media_type, draft, known)


def _short(document: Document, draft: Draft) -> None:
    """Raises DocumentRefused where a commitment would have more milestones than can be told apart while others wait."""
    commitments = [*draft.reports, *(draft.plan.commitments if draft.plan is not None else ())]
    most = max((len(one.milestones) for one in commitments), default=0)
    if most > MOST_MILESTONES:
        raise DocumentRefused(
            f"{document.name}: one commitment has {most} milestones, and {MOST_MILESTONES} are the most that are read"
        )


async def import_document(
    store: Store, document: Document, vocabulary: Vocabulary, dry_run: bool = False, terms: Terms = TERMS
) -> Outcome:
    """Import one document: one transaction, one release, none where nothing changes.

    Raises DocumentRefused with the reason where the document is no report or plan, or leaves a doubt, and what `terms` refuse;
    nothing is changed then. A dry run refuses no amount of change.
    """
    one = understood(document, vocabulary)
    async with writing(store, dry_run, terms.by) as at:
        return await imported(at, one, terms)


@traced("import")
async def imported(at: Writing, one: Understood, terms: Terms = TERMS) -> Outcome:
    """Import a document within a transaction that others add to."""
    if not one.document.answers and await releases.seen(at.connection, [one.sha256]):
        return unchanged(at, one)
    directory = await releases.directory(at.connection)
    about = resolved(one, directory)
    found = await held(at.connection, directory, about.commitments)
    outcome, made = concluded(at, about, found, terms)
    await publish(at, made)
    if at.dry_run and outcome.release is not None and outcome.made is not None:
        digests = await history.digests(at.connection, outcome.release)
        return replace(outcome, made=replace(outcome.made, digests=digests))
    return outcome


class Resolved(Struct):
    """A document with what it speaks of: its plan, its commitments by id, and the names and numbers that led there."""

    understood: Understood
    directory: Held
    registry: Registry
    plan: Plan
    commitments: list[str]


def resolved(one: Understood, directory: Held) -> Resolved:
    """What a document speaks of, by what is held of plans and organisations. Raises DocumentRefused where nobody can tell."""
    registry = Registry(one.vocabulary, directory, one.document.plan)
    return Resolved(one, directory, registry, *_addressed(one.draft, registry))


def unchanged(at: Writing, one: Understood) -> Outcome:
    """The outcome of bytes that were imported before."""
    return Outcome(one.document.name, None, [], [], Made(at.head.number, {}, 0, None, []))


def concluded(at: Writing, about: Resolved, found: Held, terms: Terms) -> tuple[Outcome, Prepared | None]:
    """What comes of a document, by all that is held of what it speaks of, and what is to be written for that. Pure.

    Raises DocumentRefused where it leaves a doubt, and what `terms` refuse.
    """
    one, document = about.understood, about.understood.document
    source = Source(document.source_url, one.sha256, one.media_type, document.retrieved_at)
    asked = Asked(source, document.published_on, questions.of_milestones(document.answers), document.reason)
    on = at.made_at.astimezone(ZoneInfo(about.plan.time_zone)).date()
    decision = decide(one.draft, found, on, asked, about.registry)
    reads = _rests(decision, found, about)
    terms.check_ground(found, reads)
    terms.check_scope(found, decision.edits)
    touched = _taken_back(decision, found)
    if not at.dry_run:
        terms.check_amount(at.head, touched)
    draft, size = one.draft, len(document.body)
    kept = releases.Document(
        one.sha256, document.name, one.media_type, size, decision.reports, draft.sheet, draft.columns
    )
    made = prepared(at, decision, "import", document.name, document.source_url, kept)
    left = questions.of_findings(decision.findings, one.vocabulary)
    number = made.release.number if made is not None else None
    rests = Made(at.head.number, reads, touched, None, left)
    return Outcome(document.name, number, decision.edits, decision.findings, rests), made


def _rests(decision: Decision, found: Held, about: Resolved) -> dict[str, int]:
    """The version of each record that a decision rests on; of plans and organisations only those that are spoken of."""
    rests = {*found.versions, *(edit.id for edit in decision.edits)} - set(about.directory.versions)
    rests |= {record.id for record in about.registry.mentioned()}
    return {id: found.versions.get(id, 0) for id in sorted(rests)}


def _taken_back(decision: Decision, held: Held) -> int:
    """How many statements that were published are changed or withdrawn; what follows from new reports is not counted."""
    stated = {
        edit.id
        for edit in decision.edits
        if edit.before is not None and edit.noun in ("plans", "reports", "progress", "assessments")
    }
    withdrawn = {edit.id for edit in decision.edits if edit.record is None}
    return len(stated | withdrawn | {fact.id for fact in decision.facts if fact.id in held.facts})


def _addressed(draft: Draft, registry: Registry) -> tuple[Plan, list[str]]:
    """The plan and the commitments that a draft speaks of."""
    speaks = [(one.plan, one.commitment_number) for one in draft.reports]
    if draft.plan is not None:
        speaks += [(draft.plan.plan, one.number) for one in draft.plan.commitments]
    speaks += [(one.plan, one.commitment_number) for one in draft.assessments]
    if not speaks:
        raise DocumentRefused("the document names no commitment")
    plan = registry.plan(speaks[0][0])
    return plan, list(dict.fromkeys(registry.commitment(registry.plan(p).id, number) for p, number in speaks))


def sample() -> Iterator[Document]:
    """The bundled documents of the 2016-2018 plan, the plan first; one report is there as text too, in our own words."""
    files = [file for file in resources.files("ogp_open_data").joinpath("sample").iterdir() if file.name[:2] == "nz"]
    for file in sorted(files, key=lambda file: (not file.name.endswith("-plan.csv"), file.name)):
        source = None if file.name.endswith(".csv") else SAMPLE_SOURCE
        yield Document(name=file.name, body=file.read_bytes(), source_url=source)
