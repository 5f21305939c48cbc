"""What the columns of each CSV hold, as CSV on the Web metadata (W3C, Metadata Vocabulary for Tabular Data)."""

from typing import Any

import msgspec

from ogp_open_data.formats import facts
from ogp_open_data.formats.columns import Column, table
from ogp_open_data.formats.facts import Facts

MEDIA_TYPE = "application/csvm+json"
# The name that the standard looks for beside any CSV.
OF_ALL = "csv-metadata.json"
CONTEXT = ["http://www.w3.org/ns/csvw", {"@language": "en"}]
TYPES = {"text": "string", "list": "string", "json": "json", "instant": "dateTimeStamp"}


def of_table(one: Facts, noun: str) -> bytes:
    """The metadata of one CSV, which lies beside it."""
    return _text({"@context": CONTEXT, **_table(noun, foreign=False), **_about(one)})


def of_all(one: Facts) -> bytes:
    """The metadata of all of them together, with what refers to what."""
    tables = [_table(noun, foreign=True) for noun in one.files]
    return _text({"@context": CONTEXT, "@type": "TableGroup", "tables": tables, **_about(one)})


def _about(one: Facts) -> dict[str, Any]:
    return {
        "dc:license": {"@id": one.licence_url},
        "dc:publisher": one.publisher,
        "dc:isVersionOf": {"@id": one.url("/#dataset")},
    }


def _table(noun: str, foreign: bool) -> dict[str, Any]:
    columns = table(noun)
    keys = [
        {"columnReference": one.name, "reference": {"resource": f"{one.refers}.csv", "columnReference": "id"}}
        for one in columns
        if one.refers and foreign
    ]
    return {
        "@type": "Table",
        "url": f"{noun}.csv",
        "dc:title": facts.title_of(noun),
        "dc:description": facts.description_of(noun),
        "dialect": {"header": True, "encoding": "utf-8", "lineTerminators": ["\r\n"]},
        "tableSchema": {
            "columns": [_column(one) for one in columns],
            "primaryKey": "id",
            **({"foreignKeys": keys} if keys else {}),
        },
    }


def _column(column: Column) -> dict[str, Any]:
    datatype: dict[str, Any] = {"base": TYPES.get(column.kind, column.kind)}
    if column.pattern is not None:
        datatype["format"] = column.pattern
    if column.minimum is not None:
        datatype["minimum"] = column.minimum
    if column.kind == "boolean":
        datatype["format"] = "true|false"
    described = {"dc:description": column.description} if column.description else {}
    listed = {"separator": "|"} if column.kind == "list" else {}
    return {
        "name": column.name,
        "titles": column.name,
        "datatype": datatype,
        "required": column.required,
        **listed,
        **described,
    }


def _text(value: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
