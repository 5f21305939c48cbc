"""Documents in by HTTP: a plan of what would happen, kept for a day; and that very plan carried out, or refused."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest, DocumentRefused, ImportExpired, NotFound
from ogp_open_data.intake import importer, previews
from ogp_open_data.intake.importer import Document, Understood
from ogp_open_data.intake.questions import Question
from ogp_open_data.intake.releasing import Outcome, Writing, writing
from ogp_open_data.intake.terms import Terms
from ogp_open_data.store import audit, imports
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.imports import Pending, Plan
from ogp_open_data.web import query
from ogp_open_data.web.site import Request, Response, Site, site_of
from ogp_open_data.web.writes import bodies, said
from ogp_open_data.web.writes.access import Asker, asker_of
from ogp_open_data.web.writes.outcomes import release_told
from ogp_open_data.web.writes.walk import Done, response


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an apply: answers to questions, and the figure that was asked for, typed back."""

    answers: dict[str, str] = {}
    confirm: int | None = None


async def plan(request: Request, asker: Asker, body: bytes) -> Done:
    """`POST /v1/imports`: what importing a document would do; the real transaction, rolled back."""
    site = site_of(request)
    document = _document(request, body)
    one = await site.reading.understood(document)
    terms = Terms(by=asker.by, within=asker.within)
    try:
        async with writing(site.store, True, asker.by) as at:
            outcome = await importer.imported(at, one, terms)
            asked_back = terms.asks_back(at.head, outcome.made.touched if outcome.made else 0)
            head = at.head.number
    except DocumentRefused as error:
        # Doubts are questions: there is no plan before they are answered, but a place to answer them.
        doubts = error.extra.get("questions")
        if not doubts:
            raise
        head = (await site.newest()).number
        outcome, asked_back = Outcome(document.name, None, [], []), False
        return await _kept(site, asker, document, head, _told(site, outcome, doubts, asked_back))
    made = outcome.made
    questions = [*made.questions] if made else []
    return await _kept(site, asker, document, head, _told(site, outcome, questions, asked_back))


def _document(request: Request, body: bytes) -> Document:
    """The document of a request, with what is said of it in the query or the form. Raises BadRequest with every fault."""
    sent = bodies.sent(request, body)
    given = [*query.given(request.scope["query_string"]), *sent.said.items()]
    if sent.name and "filename" not in dict(given):
        given.append(("filename", sent.name))
    found = query.values(given, said.IMPORT)
    name = found.pop("filename", "document")
    return Document(name=name, body=sent.body, media_type=sent.media_type, **found)


def _told(site: Site, outcome: Outcome, questions: list[Question], asked_back: bool) -> dict[str, Any]:
    """What an import would do."""
    made = outcome.made
    return {
        "release": {"number": outcome.release, **made.digests._asdict()} if made and made.digests else None,
        "changes": [previews.change(edit, outcome.release) for edit in outcome.edits],
        "entries": previews.entries(outcome.edits, site.base),
        "findings": outcome.findings,
        "questions": questions,
        "confirm": made.touched if made and asked_back else None,
    }


async def _kept(site: Site, asker: Asker, document: Document, head: int, told: dict[str, Any]) -> Done:
    """Keep a plan, and answer it."""
    id, body, document = str(uuid4()), document.body, replace(document, body=b"")
    async with site.store.writing() as connection:
        expires_at = await imports.expiry(connection)
        data = {"id": id, "head": head, **told, "expires_at": expires_at}
        kept = Plan(id, asker.key.prefix, expires_at, head, _json(document), body, _json(data))
        await imports.plan(connection, kept)
        await audit.note(connection, Entry(asker.by.name, asker.by.address, audit.PLAN, document.name, id))
    links = _links(site, id)
    return Done(201, {"data": data, "links": links}, links["self"])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _links(site: Site, id: str) -> dict[str, str]:
    return {"self": site.url(f"/v1/imports/{id}"), "apply": site.url(f"/v1/imports/{id}/apply")}


async def pending(request: Request, name: str) -> Response:
    """`GET /v1/imports/{id}`: a plan again, for the key that made it."""
    query.read(query.given(request.scope["query_string"]), {})
    site, asker = site_of(request), await asker_of(request)
    one = await _pending(site, asker, name)
    data = {**msgspec.json.decode(one.planned), "applied": None}
    if one.applied is not None:
        data["applied"] = msgspec.json.decode(one.applied)["number"]
    elif one.late or one.body is None:
        raise _expired(name)
    return response(Done(200, {"data": data, "links": _links(site, one.id)}))


async def _pending(site: Site, asker: Asker, name: str) -> Pending:
    """The plan of an id, where it is the asker's. Raises NotFound: whose it is else is not told."""
    found = None
    try:
        id = str(UUID(name))
        async with site.store.writing() as connection:
            found = await imports.one(connection, id)
    except ValueError:
        pass
    if found is None or (found.key != asker.key.prefix and not asker.key.permits("admin")):
        raise NotFound(f"this key has no import {name[:60]}; hand the document in with POST /v1/imports")
    return found


def _expired(name: str) -> ImportExpired:
    return ImportExpired(f"the import {name} was not applied in its time; hand the document in again")


async def apply(request: Request, asker: Asker, body: bytes, name: str) -> Done:
    """`POST /v1/imports/{id}/apply`: do what was planned, with answers; the same answer however often it is asked for."""
    query.read(query.given(request.scope["query_string"]), {})
    site = site_of(request)
    given = _given(request, body)
    one = await _pending(site, asker, name)
    if one.applied is not None:
        return await _done(site, one.id, one.applied)
    if one.late or one.body is None:
        raise _expired(name)
    document = msgspec.json.decode(one.said, type=Document)
    document = replace(document, body=one.body, answers={**document.answers, **given.answers})
    understood = await site.reading.understood(document)
    terms = Terms(by=asker.by, head=one.head, confirm=given.confirm, within=asker.within)
    async with writing(site.store, by=asker.by) as at:
        again = await imports.one(at.connection, one.id)
        if again is not None and again.applied is not None:
            return await _done(site, one.id, again.applied)
        outcome = await _imported(at, understood, terms)
        answer = _json(await release_told(at.connection, outcome))
        await imports.applied(at.connection, one.id, answer)
    return await _done(site, one.id, answer)


async def _imported(at: Writing, one: Understood, terms: Terms) -> Outcome:
    """Import, where no question is left that has no default."""
    try:
        return await importer.imported(at, one, terms)
    except DocumentRefused as error:
        asked = error.extra.get("questions")
        if not asked:
            raise
        text = "; ".join(f"{question['key']}: {question['text']}" for question in asked)
        raise DocumentRefused(f"{text} Answer each of `questions` by its key, in `answers`", questions=asked) from error


def _given(request: Request, body: bytes) -> Said:
    try:
        found = bodies.json_of(request, body)
        one = msgspec.convert(found or {}, Said)
        said.answers(one.answers)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f'{error}; send {{"answers": {{…}}, "confirm": 12}}, or nothing') from error
    return one


async def _done(site: Site, id: str, answer: str) -> Done:
    """The answer of an apply; kept as it was given. Who reads next, here, reads what was just done."""
    number = msgspec.json.decode(answer)["number"]
    await site.head(number or 0)
    links = {"import": _links(site, id)["self"]}
    links |= {"release": site.url(f"/v1/releases/{number}")} if number else {}
    return Done(200, {"data": msgspec.Raw(answer.encode()), "links": links})
