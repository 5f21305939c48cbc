"""Addresses of what happened: releases, changes, differences."""

from typing import Any

from ogp_open_data.records import NOUNS
from ogp_open_data.web import query, shapes
from ogp_open_data.web.contract.operations import ID, in_path, named, ok, operations, parameter, problems, unchanged
from ogp_open_data.web.shapes import TEXT


def paths() -> dict[str, Any]:
    number = in_path("number", "A release.", query.NUMBER | {"minimum": 1, "examples": [1]})
    noun = in_path("noun", "The noun.", {"type": "string", "enum": list(NOUNS)})
    report = in_path("id", "A report.", ID)
    tsv = {"text/tab-separated-values": TEXT}
    made: dict[str, Any] = {}
    for path, id, summary, parameters, content, statuses in [
        (
            "/v1/releases",
            "list_releases",
            "Releases, the newest first",
            query.RELEASES,
            {"application/json": shapes.envelope("Release")},
            [],
        ),
        (
            "/v1/releases/{number}",
            "get_release",
            "One release",
            [number],
            {"application/json": shapes.single("Release")},
            ["404"],
        ),
        ("/v1/releases/{number}/{noun}.tsv", "get_lines", "What a digest is made of", [number, noun], tsv, ["404"]),
        (
            "/v1/reports/{id}/diff",
            "diff_report",
            "What changed since the report before, or between any two",
            [report, *map(parameter, query.DIFF.values())],
            {"application/json": shapes.single("Difference")},
            ["404", "410"],
        ),
        (
            "/v1/changes",
            "list_changes",
            "Changes after a release",
            query.CHANGES,
            {"application/json": shapes.envelope("Change")},
            ["410"],
        ),
        (
            "/v1/changes.json",
            "list_changes_json",
            "The same, whatever is accepted",
            query.CHANGES,
            {"application/json": shapes.envelope("Change")},
            ["410"],
        ),
        (
            "/v1/changes.ndjson",
            "list_changes_ndjson",
            "The same by line",
            query.CHANGES,
            {"application/x-ndjson": TEXT},
            ["410"],
        ),
    ]:
        given = [parameter(one) for one in parameters.values()] if isinstance(parameters, dict) else parameters
        found = ok(summary, content)
        found["headers"] |= named(["OGP-Next-Since", "OGP-Epoch"]) if "changes" in path else {}
        responses = {"200": found, "304": unchanged(), **problems(["400", "405", "414", "503", *statuses])}
        made[path] = operations(id, "history", {"summary": summary, "parameters": given, "responses": responses})
    return made
