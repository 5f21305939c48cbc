"""What a change does, for whoever has to agree to it: the records before and after, and what feeds will say of them."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.formats.happened import Happened
from ogp_open_data.formats.news import Story, stories
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.rows import organisations
from ogp_open_data.records import Commitment, Plan, Record, url_of


class Entry(Struct, frozen=True):
    """An entry of the news: a title, a summary, and the root-relative address of the record, where it is about one."""

    title: str
    summary: str
    url: str | None


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


def entries(edits: Iterable[Edit], base: str, cause: str = "import") -> list[Entry]:
    """The entries of the news of a release; `base` is the public address, without a slash at its end."""
    return [_entry(story) for story in stories(cause, [_happened(edit) for edit in edits], base)]


def _entry(story: Story) -> Entry:
    first = story.about[0]
    alone = len(story.about) == 1
    return Entry(story.words.title, story.words.summary, url_of(first.noun, first.id) if alone else None)


def _happened(edit: Edit) -> Happened:
    known = edit.record or edit.before
    assert known is not None
    return Happened(
        noun=edit.noun,
        id=edit.id,
        after=edit.record,
        before=edit.before,
        change_kind=edit.change_kind,
        changed_fields=edit.changed_fields,
        reason=edit.reason,
        successor=edit.successor,
        again=edit.before is None and edit.version > 1,
        plan=known.id if isinstance(known, Plan) else getattr(known, "plan", None),
        commitment=known.id if isinstance(known, Commitment) else getattr(known, "commitment", None),
        organisations=organisations(known),
    )
