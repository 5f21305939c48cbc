"""Addresses that need a key: imports, corrections, the daily release."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ogp_open_data.intake.previews import Entry
from ogp_open_data.intake.questions import Question
from ogp_open_data.intake.reading.documents import CSV, MEDIA_TYPES, XLSX
from ogp_open_data.records import NOUNS, Finding
from ogp_open_data.web.contract.operations import EVERYWHERE, ID, in_path, named, operations, parameter, problems
from ogp_open_data.web.query import Parameter
from ogp_open_data.web.shapes import TEXT, object_of
from ogp_open_data.web.writes import said
from ogp_open_data.web.writes.corrections import MERGE_PATCH, Redacted
from ogp_open_data.web.writes.imports import Said
from ogp_open_data.web.writes.walk import LONGEST_NAME

TAG = "publishing"
SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key that the office has given to an agency; for some organisations and actions. Reading needs none.",
    }
}
# Of every write; what more may come of one stands with it.
REFUSALS = ("400", "401", "403", "405", "409", "413", "414", "422", "429", "503")
OF_A_RECORD = (*REFUSALS, "404", "410", "412")
MOMENT = {"type": "string", "format": "date-time"}
COUNT = {"type": "integer", "minimum": 0}


def paths() -> dict[str, Any]:
    id = in_path("id", "The import.", {"type": "string", "format": "uuid"})
    pending = operations(
        "get_import",
        TAG,
        {
            "summary": "A plan again, for the key that made it",
            "parameters": [id],
            "security": [{"key": []}],
            "responses": {
                "200": _answer("The plan.", "ImportPlan"),
                **problems(("400", "401", "404", "405", "410", "414", "429", "503")),
            },
        },
    )
    found: dict[str, Any] = {
        "/v1/imports": {"post": _plan()},
        "/v1/imports/{id}": pending,
        "/v1/imports/{id}/apply": {"post": _apply(id)},
        "/v1/releases": {"post": _release()},
    }
    record = in_path("id", "The record's id.", ID)
    for noun in NOUNS:
        found[f"/v1/{noun}/{{id}}"] = {"patch": _correct(noun, record), "delete": _withdraw(noun, record)}
        found[f"/v1/{noun}/{{id}}/restore"] = {
            "post": _write(f"restore_{noun}", f"Bring one of {noun} back", [record, *_of(said.REASON)])
        }
        found[f"/v1/{noun}/{{id}}/redact"] = {"post": _redact(noun, record)}
    for noun in ("organisations", "milestones"):
        asked = [record, IF_MATCH, *_of(said.INTO, said.REASON)]
        summary = f"Let another of {noun} take its place"
        found[f"/v1/{noun}/{{id}}/merge"] = {"post": _write(f"merge_{noun}", summary, asked, (*OF_A_RECORD, "428"))}
    asked = [record, IF_MATCH, *_of(said.NUMBER, said.REASON)]
    summary = "Give a milestone another printed number"
    found["/v1/milestones/{id}/renumber"] = {
        "post": _write("renumber_milestones", summary, asked, (*OF_A_RECORD, "428"))
    }
    return found


def _plan() -> dict[str, Any]:
    document = {"type": "string", "format": "binary", "minLength": 1}
    fields = {name: {**one.schema, "description": one.help} for name, one in said.IMPORT.items()}
    form = {"type": "object", "required": ["file"], "properties": {"file": document, **fields}}
    content: dict[str, Any] = {media_type: {"schema": document} for media_type in MEDIA_TYPES}
    content["multipart/form-data"] = {"schema": form}
    parameters = [*map(parameter, said.IMPORT.values()), IDEMPOTENCY_KEY]
    made = {**_answer("What would happen. Nothing has happened yet.", "ImportPlan")}
    made["headers"] = {**made["headers"], **named(["Location"])}
    return {
        "operationId": "plan_import",
        "tags": [TAG],
        "summary": "Hand a document in, and see what it would change",
        "parameters": parameters,
        "requestBody": {"required": True, "content": content},
        "security": [{"key": []}],
        "responses": {"201": made, **problems((*REFUSALS, "415")), "422": _rejected()},
    }


def _rejected() -> dict[str, Any]:
    """A document that is refused; of a table the faulty rows, for who asks for them as a table."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    tables = {CSV: {"schema": TEXT}, XLSX: {"schema": {"type": "string", "contentMediaType": XLSX}}}
    return {
        "description": "The document is refused. Ask for CSV or a workbook, and the faulty rows of a table come back as one.",
        "headers": named([*EVERYWHERE, "Content-Disposition"]),
        "content": {"application/problem+json": problem, **tables},
    }


def _apply(id: dict[str, Any]) -> dict[str, Any]:
    one = _write("apply_import", "Do what was planned", [id], (*REFUSALS, "404", "410", "415"))
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Said"}}}}
    return {**one, "requestBody": {"required": False, **body}}


def _release() -> dict[str, Any]:
    one = _write("make_release", "The release of the day; nothing where it is made already", [])
    made = {**one["responses"]["200"], "description": "The release."}
    made["headers"] = {**made["headers"], **named(["Location"])}
    return {
        **one,
        "parameters": [parameter(said.MESSAGE), IDEMPOTENCY_KEY],
        "responses": {"201": made, **one["responses"]},
    }


def _correct(noun: str, record: dict[str, Any]) -> dict[str, Any]:
    asked = [record, IF_MATCH, *_of(said.REASON)]
    one = _write(f"correct_{noun}", f"Set fields of one of {noun}", asked, (*OF_A_RECORD, "415", "428"))
    patch = {"type": "object", "minProperties": 1, "description": "A JSON merge patch (RFC 7396)."}
    content = {media_type: {"schema": patch} for media_type in MERGE_PATCH}
    return {**one, "requestBody": {"required": True, "content": content}}


def _redact(noun: str, record: dict[str, Any]) -> dict[str, Any]:
    summary = f"Take personal data out of every version of one of {noun}"
    one = _write(f"redact_{noun}", summary, [record, *_of(said.REASON)], (*REFUSALS, "404", "415"))
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Redacted"}}}
    return {**one, "requestBody": {"required": True, "content": content}}


def _withdraw(noun: str, record: dict[str, Any]) -> dict[str, Any]:
    asked = [record, IF_MATCH, *_of(said.REASON)]
    return _write(f"withdraw_{noun}", f"Withdraw one of {noun}; its history stays", asked, (*OF_A_RECORD, "428"))


def _write(
    id: str, summary: str, parameters: Sequence[dict[str, Any]], statuses: Iterable[str] = OF_A_RECORD
) -> dict[str, Any]:
    """A change that answers with the release it made."""
    return {
        "operationId": id,
        "tags": [TAG],
        "summary": summary,
        "parameters": [*parameters, IDEMPOTENCY_KEY],
        "security": [{"key": []}],
        "responses": {"200": _answer("The release that it made, and its changes.", "Applied"), **problems(statuses)},
    }


def _of(*needed: Parameter) -> list[dict[str, Any]]:
    """Parameters that must be given, and the switch that shows what would happen."""
    return [*({**parameter(one), "required": True} for one in needed), parameter(said.DRY_RUN)]


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "headers": named(EVERYWHERE), "content": content}


IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the record's JSON as you read it, or its `sha256`: a change of anything newer is 412.",
    "schema": {"type": "string", "pattern": '^(\\*|"[!#-~]*")$'},
    "example": '"0123456789abcdef0123456789abcdef"',
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A name of your own for this request, a UUID: sent again within a day it is not done twice, but answered again.",
    "schema": {"type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": LONGEST_NAME},
}


def schemas() -> dict[str, Any]:
    """What a plan and a finished change are told in."""
    template = "#/components/schemas/{name}"
    _, known = msgspec.json.schema_components([Entry, Question, Finding, Redacted, Said], ref_template=template)
    known.pop("Finding")
    record = {"type": ["object", "null"]}
    change = object_of(
        {"noun": TEXT, "id": TEXT, "action": {"enum": ["publish", "withdraw"]}, "before": record, "after": record},
        version={"type": "integer"},
        change_kind=TEXT,
        changed_fields={"type": "array", "items": TEXT},
        reason={"type": ["string", "null"]},
    )
    plan = {
        "id": {"type": "string", "format": "uuid"},
        "head": COUNT,
        "release": record,
        "changes": _list("PlannedChange"),
        "entries": _list("Entry"),
        "findings": _list("Finding"),
        "questions": _list("Question"),
        "confirm": {"type": ["integer", "null"], "description": "The figure to type back, where so much would change."},
        "expires_at": MOMENT,
    }
    links = {"$ref": "#/components/schemas/Links"}
    return {
        **known,
        "PlannedChange": change,
        "ImportPlan": object_of({"data": object_of(plan), "links": links}),
        "Applied": object_of({"data": object_of({"changes": _list("PlannedChange")}), "links": {"type": "object"}}),
    }


def _list(schema: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
