"""What a change does, for whoever has to agree to it: the records before and after, and what feeds will say of them."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.formats.entries import words
from ogp_open_data.intake.edits import Edit
from ogp_open_data.records import Record, url_of


class Entry(Struct, frozen=True):
    """What a feed says of one record: a title, a summary, and the root-relative address of the record."""

    title: str
    summary: str
    url: str


def change(edit: Edit, release: int | None) -> dict[str, Any]:
    """An edit as JSON: `before` and `after` are the records exactly as they are served before and from the release on."""
    after = None if edit.record is None or release is None else stamped(edit, release)
    return {
        "noun": edit.noun,
        "id": edit.id,
        "version": edit.version,
        "action": "withdraw" if edit.record is None else "publish",
        "change_kind": edit.change_kind,
        "changed_fields": edit.changed_fields,
        "reason": edit.reason,
        "before": msgspec.to_builtins(edit.before),
        "after": msgspec.to_builtins(after),
    }


def stamped(edit: Edit, release: int) -> Record:
    """The record of an edit with its place in the sequence of releases."""
    assert edit.record is not None
    return replace(edit.record, version=edit.version, release=release)


def entries(edits: Iterable[Edit], base: str) -> list[Entry]:
    """What feeds say of each record; `base` is the public address, without a slash at its end."""
    return [_entry(edit, base) for edit in edits]


def _entry(edit: Edit, base: str) -> Entry:
    known = edit.record or edit.before
    assert known is not None
    said = words(known, base)
    if edit.record is None:
        return Entry(f"Withdrawn: {said.title}", edit.reason or "", url_of(edit.noun, edit.id))
    return Entry(said.title, said.summary, url_of(edit.noun, edit.id))
