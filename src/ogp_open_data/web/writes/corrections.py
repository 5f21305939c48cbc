"""Corrections by HTTP, each one release: PATCH, DELETE, restore, merge, renumber, redact; and the daily release."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest, ChangedSince, Forbidden, NotFound, PreconditionFailed, PreconditionRequired
from ogp_open_data.intake import hand, previews
from ogp_open_data.intake.deciding import redacting
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.intake.terms import Terms
from ogp_open_data.store import single
from ogp_open_data.store.single import At
from ogp_open_data.web import query
from ogp_open_data.web.query import Parameter
from ogp_open_data.web.reads import items
from ogp_open_data.web.site import Request, Site, site_of
from ogp_open_data.web.writes import bodies, said
from ogp_open_data.web.writes.access import Asker
from ogp_open_data.web.writes.outcomes import release_told
from ogp_open_data.web.writes.walk import Done

MERGE_PATCH = ("application/merge-patch+json", "application/json")
# A strong tag; the answer in a content coding has one of its own, which names the same version.
TAG = re.compile(r'(?<!W/)"([^"]*?)(?:-(?:gzip|br|zstd))?"')


async def correct(request: Request, asker: Asker, body: bytes, noun: str, name: str) -> Done:
    """`PATCH /v1/{noun}/{id}`: set fields, by a JSON merge patch (RFC 7396)."""
    asked = _asked(request, said.REASON)
    patch = bodies.json_of(request, body, MERGE_PATCH)
    if not isinstance(patch, dict) or not patch:
        raise BadRequest('send the fields to set as a JSON object, for example {"status": "completed"}')
    at = await _matched(request, noun, name)
    whole = msgspec.json.decode(at.doc or "{}")
    values = {field: msgspec.json.encode(merged(whole.get(field), value)).decode() for field, value in patch.items()}
    return await _changed(request, asker, asked, at, partial(hand.correct, id=name, values=values))


def merged(target: Any, patch: Any) -> Any:
    """A value after a merge patch: objects are merged, null takes out, anything else takes the place of what was there."""
    if not isinstance(patch, dict):
        return patch
    kept = target if isinstance(target, dict) else {}
    found = {**kept, **{name: merged(kept.get(name), value) for name, value in patch.items()}}
    return {name: value for name, value in found.items() if patch.get(name, value) is not None}


async def withdraw(request: Request, asker: Asker, body: bytes, noun: str, name: str) -> Done:
    """`DELETE /v1/{noun}/{id}`: a tombstone; the history stays."""
    asked, at = _asked(request, said.REASON), await _matched(request, noun, name)
    return await _changed(request, asker, asked, at, partial(hand.withdraw, id=name))


async def restore(request: Request, asker: Asker, body: bytes, noun: str, name: str) -> Done:
    """`POST /v1/{noun}/{id}/restore`: bring a withdrawn record back. A tombstone has no ETag to be asked for."""
    asked, site = _asked(request, said.REASON), site_of(request)
    head = await site.newest()
    at = await site.store.reading(single.item, noun, name, head.number)
    if at is None:
        raise NotFound(f"there is no {noun} record with the id {name[:200]}")
    return await _changed(request, asker, asked, at, partial(hand.restore, id=name))


async def merge(request: Request, asker: Asker, body: bytes, noun: str, name: str) -> Done:
    """`POST /v1/{noun}/{id}/merge`: let another record take the place of this one."""
    asked, at = _asked(request, said.INTO, said.REASON), await _matched(request, noun, name)
    return await _changed(request, asker, asked, at, partial(hand.merge, old=name, new=asked["into"]))


async def renumber(request: Request, asker: Asker, body: bytes, name: str) -> Done:
    """`POST /v1/milestones/{id}/renumber`: another printed number; the id stays."""
    asked, at = _asked(request, said.NUMBER, said.REASON), await _matched(request, "milestones", name)
    return await _changed(request, asker, asked, at, partial(hand.renumber, id=name, number=asked["number"]))


class Redacted(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a redaction: the field, and the words in it; without words, all that the field has."""

    field: str
    text: Annotated[str, msgspec.Meta(min_length=1)] | None = None


async def redact(request: Request, asker: Asker, body: bytes, noun: str, name: str) -> Done:
    """`POST /v1/{noun}/{id}/redact`: take personal data out of every version, of a withdrawn record too.

    The words come in the body, for addresses are logged, and nothing that is answered or kept repeats them.
    """
    asked, site = _asked(request, said.REASON), site_of(request)
    if asker.within is not None:
        raise Forbidden("this key speaks for some agencies only; what was published is rewritten by a key for all")
    try:
        one = msgspec.convert(bodies.json_of(request, body), Redacted)
    except msgspec.ValidationError as error:
        raise BadRequest(f'{error}; send {{"field": "sections", "text": "the words"}}, or the field alone') from error
    head, dry_run = await site.newest(), asked.get("dry_run", False)
    if await site.store.reading_primary(single.item, noun, name, head.number) is None:
        raise NotFound(f"there is no {noun} record with the id {name[:200]}")
    terms = Terms(by=asker.by)
    outcome = await redacting.redact(site.store, name, one.field, asked["reason"], one.text, dry_run, terms)
    outcome = replace(outcome, edits=[replace(edit, before=None) for edit in outcome.edits])
    return _tried(outcome, []) if dry_run else await _told(site, outcome, 200)


async def release(request: Request, asker: Asker, body: bytes) -> Done:
    """`POST /v1/releases`: the release of the day; where it is made already, nothing."""
    found = query.values(query.given(request.scope["query_string"]), {"message": said.MESSAGE})
    site = site_of(request)
    zone = ZoneInfo(site.settings.time_zone)
    terms = Terms(by=asker.by)
    outcome = await hand.daily(
        site.store, vocabulary.load(site.settings.vocabulary), zone, found.get("message"), terms=terms
    )
    return await _told(site, outcome, 201)


def _asked(request: Request, *needed: Parameter) -> Mapping[str, Any]:
    """What the query says. Raises BadRequest with every fault, also for what is missing."""
    allowed = {one.name: one for one in (*needed, said.DRY_RUN)}
    found = query.values(query.given(request.scope["query_string"]), allowed)
    missing = [
        {"parameter": one.name, "detail": f"it is needed: {one.help}"} for one in needed if one.name not in found
    ]
    if missing:
        raise BadRequest("; ".join(f"{one['parameter']}: {one['detail']}" for one in missing), errors=missing)
    return found


async def _matched(request: Request, noun: str, name: str) -> At:
    """The record as it stands, where it is the one that If-Match names: by the ETag of its JSON, or its sha256."""
    site = site_of(request)
    head = await site.newest()
    at = await items.record_at(site, noun, name, head.number)
    condition = request.headers.get("if-match")
    if condition is None:
        raise PreconditionRequired("say which version this is about: read the record, and send its ETag in If-Match")
    if condition.strip() != "*" and not {items.etag(site, at), at.sha256} & set(TAG.findall(condition)):
        raise PreconditionFailed(f"{name} has changed since: version {at.version} stands now; read it again")
    return at


async def _changed(
    request: Request, asker: Asker, asked: Mapping[str, Any], at: At, work: Callable[..., Awaitable[Outcome]]
) -> Done:
    """Make a change of a record, if nobody else made one meanwhile."""
    site, dry_run = site_of(request), asked.get("dry_run", False)
    terms = Terms(by=asker.by, versions={at.id: at.version}, within=asker.within)
    known = vocabulary.load(site.settings.vocabulary)
    try:
        outcome = await work(site.store, known, reason=asked["reason"], dry_run=dry_run, terms=terms)
    except ChangedSince as error:
        raise PreconditionFailed(error.detail, **error.extra) from error
    return _tried(outcome, previews.entries(outcome.edits, site.base)) if dry_run else await _told(site, outcome, 200)


def _tried(outcome: Outcome, entries: list[previews.Entry]) -> Done:
    """What a dry run would change, and what feeds would say of it."""
    changes = [previews.change(edit, outcome.release) for edit in outcome.edits]
    return Done(200, {"data": {"changes": changes, "entries": entries}, "links": {}})


async def _told(site: Site, outcome: Outcome, status: int) -> Done:
    """The release that a change made; 200 where it made none."""
    async with site.store.writing() as connection:
        data = await release_told(connection, outcome)
    if outcome.release is None:
        return Done(200, {"data": data, "links": {}})
    # Who reads next, here, reads what was just done.
    await site.head(outcome.release)
    url = site.url(f"/v1/releases/{outcome.release}")
    return Done(status, {"data": data, "links": {"release": url}}, url if status == 201 else None)
