"""Addresses of the nouns: lists, single records, versions, TimeMaps."""

from typing import Any

from ogp_open_data.formats import FORMATS, Format
from ogp_open_data.records import NOUNS
from ogp_open_data.web import query, shapes
from ogp_open_data.web.contract.operations import (
    ACCEPT_DATETIME,
    ID,
    RANGE,
    in_path,
    ok,
    operations,
    parameter,
    part,
    problems,
    redirected,
    unchanged,
)
from ogp_open_data.web.shapes import TEXT


def paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for noun in NOUNS:
        for format in (None, *FORMATS.values()):
            suffix = f".{format.suffix}" if format else ""
            found[f"/v1/{noun}{suffix}"] = operations(*_list(noun, format))
            found[f"/v1/{noun}/{{id}}{suffix}"] = operations(*_item(noun, format))
        found[f"/v1/{noun}/{{id}}/versions"] = operations(*_versions(noun))
        found[f"/v1/{noun}/timemap"] = operations(*_timemap(noun, of_list=True))
        found[f"/v1/{noun}/{{id}}/timemap"] = operations(*_timemap(noun, of_list=False))
    return found


def _list(noun: str, format: Format | None) -> tuple[str, str, dict[str, Any]]:
    formats = [format] if format else list(FORMATS.values())
    parameters = [*(parameter(one) for one in query.parameters(noun, format).values()), ACCEPT_DATETIME]
    content = {one.media_type: shapes.list_of(noun, one) for one in formats}
    responses = {
        "200": ok("The records.", content, bulk=True),
        "302": redirected(),
        "304": unchanged(),
        **problems(["400", "404", "405", "410", "414", "503", *([] if format else ["406"])]),
    }
    if format is None or format.bulk:
        parameters.append(RANGE)
        responses |= {"206": part(content), **problems(["416"])}
    operation = {
        "summary": f"List {noun}" + (f" as {format.suffix.upper()}" if format else ""),
        "parameters": parameters,
        "responses": responses,
    }
    return f"list_{noun}" + (f"_{format.suffix}" if format else ""), noun, operation


def _item(noun: str, format: Format | None) -> tuple[str, str, dict[str, Any]]:
    formats = [format] if format else list(FORMATS.values())
    id = in_path("id", "The record's id.", ID)
    statuses = ["400", "404", "405", "410", "414", "503"] + ([] if format else ["406"])
    operation = {
        "summary": f"One of {noun}" + (f" as {format.suffix.upper()}" if format else ""),
        "parameters": [id, *(parameter(one) for one in query.item_parameters(noun, format).values()), ACCEPT_DATETIME],
        "responses": {
            "200": ok("The record.", {one.media_type: shapes.item_of(noun, one) for one in formats}),
            "302": redirected(),
            "304": unchanged(),
            **problems(statuses),
        },
    }
    return f"get_{noun}" + (f"_{format.suffix}" if format else ""), noun, operation


def _versions(noun: str) -> tuple[str, str, dict[str, Any]]:
    parameters = [in_path("id", "The record's id.", ID), *map(parameter, query.versions(noun).values())]
    content = {"application/json": shapes.envelope("Version")}
    responses = {
        "200": ok("Every version.", content),
        "304": unchanged(),
        **problems(["400", "404", "405", "414", "503"]),
    }
    return (
        f"versions_{noun}",
        noun,
        {"summary": f"Versions of one of {noun}", "parameters": parameters, "responses": responses},
    )


def _timemap(noun: str, of_list: bool) -> tuple[str, str, dict[str, Any]]:
    parameters = [*map(parameter, query.TIMEMAP.values())] if of_list else [in_path("id", "The record's id.", ID)]
    responses = {
        "200": ok("Every Memento.", {"application/link-format": TEXT}),
        "304": unchanged(),
        **problems(["400", "404", "405", "414", "503"]),
    }
    what = f"When the list of {noun} changed" if of_list else f"When one of {noun} changed"
    operation = {"summary": f"{what}, as a TimeMap (RFC 7089)", "parameters": parameters, "responses": responses}
    return f"timemap_{noun}" + ("_list" if of_list else ""), noun, operation
