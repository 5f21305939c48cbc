"""Where a world differs from what is held: the edits a release records, and which of their fields changed."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ogp_open_data.records import NOUN_OF, NOUNS, STAMP, Finding, Progress, Record, canonical
from ogp_open_data.store.releases import Held, decode

# Findings about the page around a report, or about what was held when it was read, differ between copies of one report.
ABOUT_THE_COPY = ("site_furniture", "milestone_text_changed")


class Edit(Struct, frozen=True):
    """One record to publish, or (`record` None) to withdraw. The record's version and release are not yet what they will be.

    `line` is where the document has it.
    """

    noun: str
    id: str
    record: Record | None
    before: Record | None
    version: int
    change_kind: str
    changed_fields: list[str]
    reason: str | None = None
    successor: str | None = None
    line: int | None = None


class Remark(Struct, frozen=True):
    """What is said of a record that is changed by hand: its kind of change, the reason, and what took its place."""

    reason: str
    change_kind: str = "correction"
    successor: str | None = None


def edits(held: Held, world: Mapping[str, Record], remarks: Mapping[str, Remark] | None = None) -> list[Edit]:
    """The edits that turn what is held into the world, in the order of the nouns, then of ids."""
    made = [edit for id, record in world.items() if (edit := _edit(held, id, record)) is not None]
    made += [_withdrawal(held, id, record) for id, record in held.records.items() if id not in world]
    made += _reports_of(held, world, made)
    order = {noun: i for i, noun in enumerate(NOUNS)}
    told = [_remarked(edit, remarks[edit.id]) if remarks and edit.id in remarks else edit for edit in made]
    return sorted(told, key=lambda edit: (order[edit.noun], edit.id))


def _remarked(edit: Edit, remark: Remark) -> Edit:
    return msgspec.structs.replace(
        edit, reason=remark.reason, change_kind=remark.change_kind, successor=remark.successor
    )


def _edit(held: Held, id: str, record: Record) -> Edit | None:
    before = held.records.get(id)
    if before is record:
        return None
    noun = NOUN_OF[type(record)]
    if before is None:
        fields = [name for name in record.__struct_fields__ if name not in STAMP]
        return Edit(noun, id, record, None, held.versions.get(id, 0) + 1, "data", fields)
    fields = changed_fields(before, record)
    if not fields:
        return None
    kind = (
        "time"
        if fields == ["timeliness"]
        else "correction"
        if noun in ("reports", "progress", "assessments")
        else "data"
    )
    return Edit(noun, id, record, before, held.versions[id] + 1, kind, fields)


def _reports_of(held: Held, world: Mapping[str, Record], made: list[Edit]) -> list[Edit]:
    """A report whose lines changed is a new version of it, with its new source, though its own fields say the same."""
    lines = [known for edit in made if isinstance(known := edit.record or edit.before, Progress)]
    lacking = {line.report for line in lines} - {edit.id for edit in made}
    return [
        Edit("reports", id, world[id], held.records[id], held.versions[id] + 1, "correction", ["source"])
        for id in sorted(lacking)
        if world.get(id) is not held.records.get(id)
    ]


def _withdrawal(held: Held, id: str, record: Record) -> Edit:
    return Edit(
        NOUN_OF[type(record)],
        id,
        None,
        record,
        held.versions[id] + 1,
        "correction",
        [],
        "no longer printed in the report",
    )


def changed_fields(before: Record, after: Record) -> list[str]:
    """The fields that differ in what they say: the stamp, the source, and how white space was set do not count."""
    if msgspec.structs.replace(after, version=before.version, release=before.release) == before:
        return []
    return [
        name
        for name in before.__struct_fields__
        if name not in STAMP and name != "source" and said(getattr(before, name)) != said(getattr(after, name))
    ]


def said(value: Any) -> Any:
    """A value for comparison: white space folded, remarks about the copy and where a line stood left out."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Finding):
        return value.code, value.field, said(value.raw)
    if isinstance(value, list):
        return [said(one) for one in value if not (isinstance(one, Finding) and one.code in ABOUT_THE_COPY)]
    if isinstance(value, Struct):
        return said(msgspec.json.decode(canonical(value)))
    if isinstance(value, dict):
        return {key: said(one) for key, one in value.items()}
    return value


def reshaped(noun: str, id: str, version: int, doc: str) -> Edit | None:
    """The edit that gives a stored record the shape of today's structs; None where it has it."""
    record = decode(noun, doc)
    if canonical(record).decode() == doc:
        return None
    before, after = msgspec.json.decode(doc), msgspec.json.decode(canonical(record))
    fields = sorted(name for name in before | after if before.get(name, ...) != after.get(name, ...))
    return Edit(noun, id, record, record, version + 1, "schema", fields)
