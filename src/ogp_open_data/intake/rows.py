"""An edit as the row that a release stores: the stamped record with its bytes, its CSV line, and what lists go by."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from ogp_open_data.formats import to_csv
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.records import (
    NOUN_OF,
    Assessment,
    Commitment,
    Milestone,
    Organisation,
    Plan,
    Progress,
    Record,
    Report,
    canonical,
    digest,
)
from ogp_open_data.store.releases import Row

# The fields whose words are searched; ids, addresses and dates have filters of their own.
SEARCHED = [
    "title",
    "title_mi",
    "labels",
    "name",
    "name_mi",
    "names",
    "abbreviation",
    "objective",
    "leads_raw",
    "themes",
    "ogp_values",
    "text",
    "sections",
    "commitment_title",
    "ambition",
    "period_raw",
    "status_raw",
    "assessor",
]
SEARCHED_OF = {struct: [name for name in SEARCHED if name in struct.__struct_fields__] for struct in NOUN_OF}
MOST_WORDS = 200_000
# Where marks can be: most of a text need not be looked at letter by letter.
NOT_ASCII = re.compile("[^\\x00-\\x7f]+")


def row(edit: Edit, release: int, document: str | None = None) -> Row:
    """The row of an edit in a release, made from a document (by its SHA-256).

    A tombstone keeps what the withdrawn record was found by.
    """
    known = edit.record or edit.before
    assert known is not None
    record = replace(known, version=edit.version, release=release)
    doc = canonical(record) if edit.record is not None else None
    return Row(
        from_release=release,
        noun=edit.noun,
        id=edit.id,
        version=edit.version,
        change_kind=edit.change_kind,
        changed_fields=edit.changed_fields,
        reason=edit.reason,
        successor=edit.successor,
        doc=doc.decode() if doc else None,
        sha256=digest(doc) if doc else None,
        csv=to_csv.line(record) if doc else None,
        plan=record.id if isinstance(record, Plan) else getattr(record, "plan", None),
        commitment=record.id if isinstance(record, Commitment) else getattr(record, "commitment", None),
        report=record.id if isinstance(record, Report) else getattr(record, "report", None),
        milestone=record.id if isinstance(record, Milestone) else getattr(record, "milestone", None),
        organisations=organisations(record),
        status=getattr(record, "status", None),
        timeliness=getattr(record, "timeliness", None),
        period_end=getattr(record, "period_end", None),
        due_on=getattr(record, "due_on", None),
        sort_key=sort_key(record),
        words=words(record),
        document=document,
        line=edit.line,
    )


def organisations(record: Record) -> list[str]:
    """The organisations that a record is found by."""
    if isinstance(record, Organisation):
        return [record.id]
    if isinstance(record, Commitment):
        return list(dict.fromkeys([*record.lead_organisations, *record.supporting_organisations]))
    if isinstance(record, Report):
        return list(dict.fromkeys([*record.organisations, *record.supporting_organisations]))
    return []


def sort_key(record: Record) -> str:
    """The natural order (2, 2A, 3, 10) as text that sorts by its bytes; its last word is the id, so no two are equal."""
    parts: list[Any] = []
    if isinstance(record, Commitment):
        parts = [record.plan, record.number]
    if isinstance(record, Milestone):
        parts = [record.commitment, record.number or "~"]
    if isinstance(record, Report):
        parts = [record.commitment, record.period_end.isoformat()]
    if isinstance(record, Progress):
        parts = [record.commitment, record.period_end.isoformat(), record.number or "~"]
    if isinstance(record, Assessment):
        parts = [record.commitment, record.published_on or "~"]
    return " ".join(natural(str(part)) for part in [*parts, record.id])


@lru_cache(maxsize=1024)
def natural(text: str) -> str:
    """Numbers padded to ten digits, lower case, no spaces."""
    return re.sub(r"\d+", lambda run: run[0].zfill(10), text.lower()).replace(" ", "")


def words(record: Record) -> str:
    """All text of a record that is searched, folded."""
    return fold(" ".join(texts(record)))[:MOST_WORDS]


def texts(record: Record) -> list[str]:
    """The texts of a record that are searched, as they stand in it."""
    found: list[str] = []
    _gather([getattr(record, name) for name in SEARCHED_OF[type(record)]], found)
    return found


def _gather(value: Any, texts: list[str]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, list):
        for one in value:
            _gather(one, texts)
    elif isinstance(value, msgspec.Struct):
        _gather([getattr(value, name) for name in value.__struct_fields__], texts)


def fold(text: str) -> str:
    """Text without macrons and other marks: “Māori” and “maori” are found by either."""
    return NOT_ASCII.sub(_unmarked, unicodedata.normalize("NFKD", text))


def _unmarked(run: re.Match[str]) -> str:
    return "".join(one for one in run[0] if not unicodedata.combining(one))
