"""Personal data taken out of everything that was published: a visible mark in its place, and a release that tells of it.

The words go from the field that is named, in every version of the record, and wherever the same words were carried along in its
commitment: a milestone has the wording of its lines, and the next derivation would bring it back.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.formats import to_csv
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.deciding.world import Decision
from ogp_open_data.intake.releasing import Outcome, Writing, prepared, publish, writing
from ogp_open_data.intake.rows import words
from ogp_open_data.intake.terms import TERMS, Terms
from ogp_open_data.records import STAMP, canonical, digest
from ogp_open_data.store import imports, redactions, releases, replays
from ogp_open_data.store.doors import Store
from ogp_open_data.store.redactions import Published, Rewritten

MARK = "[redacted]"
CAUSE = "redact"
# Words of ours and references, in which there is no personal data.
OURS = frozenset(
    (
        *STAMP,
        *("status", "timeliness", "kind", "phase", "country", "time_zone", "number", "code", "field", "lang", "sha256"),
        *("media_type", "retrieved_at", "valid_from", "valid_to", "ends_original", "status_report", "latest_report"),
        *("plan", "commitment", "milestone", "milestones", "report", "organisations", "lead_organisations", "parent"),
        *("supporting_organisations", "starts", "ends", "due_on", "starts_on", "ends_on", "ends_on_original"),
        *("period_start", "period_end", "published_on", "updated_on", "status_since"),
    )
)


async def redact(
    store: Store,
    id: str,
    field: str,
    reason: str,
    text: str | None = None,
    dry_run: bool = False,
    terms: Terms = TERMS,
) -> Outcome:
    """Redact a field of a record, or only `text` in it, from every version and release; live records get a new version.

    What waits to be applied, and what is kept for repeated requests, may have the words too: it is handed in again.
    Raises NotFound for an id that was never published, Refused for a field that is no text or has nothing to redact.
    """
    async with writing(store, dry_run, terms.by) as at:
        published = await redactions.versions(at.connection, id)
        own = [one for one in published if one.id == id]
        if not own:
            raise NotFound(f"there is no record {id}")
        found = _words(own, field, text)
        # What is derived copies plain fields only: a heading that other reports have too is nobody's.
        carried = found & {msgspec.json.decode(one.doc).get(field) for one in own if _is_plain(one, field)}
        going = [(one, found if one.id == id else carried) for one in published]
        rewritten = [new for one, words in going if (new := _rewritten(one, words, text)) is not None]
        grounds = [(one, _redacted(doc, carried, text)[0]) for one, doc in await redactions.facts(at.connection, id)]
        await redactions.rewrite(at.connection, rewritten, grounds)
        await imports.let_go(at.connection)
        await replays.let_go(at.connection)
        return await _told(at, id, reason, published, rewritten)


def _words(versions: Sequence[Published], field: str, text: str | None) -> set[str]:
    """The texts that the field has in any version, and that go."""
    docs = [msgspec.json.decode(one.doc) for one in versions]
    if field not in docs[-1] or field in OURS:
        texts = [name for name in docs[-1] if name not in OURS]
        raise Refused(f"{field}: there is nothing to redact in it; what can be: {', '.join(texts)}")
    leaves = {leaf for doc in docs for leaf in _leaves(doc.get(field)) if leaf != MARK}
    found = {leaf for leaf in leaves if text is None or text in leaf}
    if not found:
        said = f"has “{text}” in it" if text else "is filled"
        raise Refused(f"no version of {versions[0].id} {said}: nothing is redacted from {field}")
    return found


def _is_plain(one: Published, field: str) -> bool:
    return isinstance(msgspec.json.decode(one.doc).get(field), str)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    if isinstance(value, dict):
        return [leaf for name, one in value.items() if name not in OURS for leaf in _leaves(one)]
    return []


def _rewritten(one: Published, found: Collection[str], text: str | None) -> Rewritten | None:
    """A version without the words; None where it has none of them."""
    doc, fields = _redacted(one.doc, found, text)
    if not fields:
        return None
    record = releases.decode(one.noun, doc)
    return Rewritten(
        noun=one.noun,
        id=one.id,
        version=one.version,
        fields=fields,
        doc=doc,
        csv=to_csv.line(record),
        words=words(record),
        sha256_before=one.sha256,
        sha256=digest(doc.encode()),
    )


def _redacted(doc: str, found: Collection[str], text: str | None) -> tuple[str, list[str]]:
    """A record's text without the words, and the fields that they were in. Its shape, whichever it is, stays."""
    before = msgspec.json.decode(doc)
    after = {name: value if name in OURS else _without(value, found, text) for name, value in before.items()}
    return canonical(after).decode(), [name for name in sorted(after) if after[name] != before[name]]


def _without(value: Any, found: Collection[str], text: str | None) -> Any:
    if isinstance(value, str):
        return value if value not in found else MARK if text is None else value.replace(text, MARK)
    if isinstance(value, list):
        return [_without(one, found, text) for one in value]
    if isinstance(value, dict):
        return {name: one if name in OURS else _without(one, found, text) for name, one in value.items()}
    return value


async def _told(
    at: Writing, id: str, reason: str, published: Sequence[Published], rewritten: Sequence[Rewritten]
) -> Outcome:
    """The release of a redaction: a new version of each live record, so that copies take it over, and the list of digests."""
    before = {(one.noun, one.id, one.version): one for one in published}
    edits = [
        _edit(one, before[one.noun, one.id, one.version], reason)
        for one in rewritten
        if before[one.noun, one.id, one.version].live
    ]
    number = await publish(at, prepared(at, Decision(edits, [], [], []), CAUSE, reason, empty=True, subject=id))
    assert number is not None
    await redactions.record(at.connection, number, rewritten)
    return Outcome(id, number, edits, [])


def _edit(one: Rewritten, before: Published, reason: str) -> Edit:
    return Edit(
        one.noun,
        one.id,
        releases.decode(one.noun, one.doc),
        releases.decode(one.noun, before.doc),
        one.version + 1,
        "redaction",
        one.fields,
        reason,
    )
