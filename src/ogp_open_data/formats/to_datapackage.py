"""The tables as a Data Package (version 2 of the standard), and as an archive that is valid without a network."""

import zipfile
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ogp_open_data.formats import facts, to_csvw
from ogp_open_data.formats.columns import Column, table
from ogp_open_data.formats.facts import Facts

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean", "trueValues": ["true"], "falseValues": ["false"]},
    "date": {"type": "date", "format": "default"},
    "instant": {"type": "datetime", "format": "default"},
    "list": {"type": "list", "delimiter": "|", "itemType": "string"},
    "json": {"type": "array"},
}
DIALECT = {
    "header": True,
    "delimiter": ",",
    "lineTerminator": "\r\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
}


def descriptor(one: Facts, inside: bool = False) -> bytes:
    """`datapackage.json`: with public addresses of this very release, or, `inside` an archive, with the names beside it."""
    licence = {"path": one.licence_url, "title": one.licence_name} | (
        {"name": one.licence_id} if one.licence_id else {}
    )
    contact = {"path": one.contact} if one.contact and not one.contact.startswith("mailto:") else {}
    email = {"email": one.contact.removeprefix("mailto:")} if one.contact and not contact else {}
    sources = [{"title": plan.title, "path": plan.website} for plan in one.plans if plan.website]
    package = {
        "$schema": PROFILE,
        "name": "open-government-partnership",
        "id": one.url("/#dataset"),
        "title": facts.TITLE,
        "description": facts.DESCRIPTION,
        "homepage": one.url("/"),
        "version": one.version,
        "created": one.made,
        "keywords": facts.KEYWORDS,
        "licenses": [licence],
        "contributors": [{"title": one.publisher, "roles": ["publisher"], **contact, **email}],
        **({"sources": sources} if sources else {}),
        "resources": [_resource(one, noun, inside) for noun in one.files],
    }
    return msgspec.json.format(msgspec.json.encode(package), indent=2) + b"\n"


def _resource(one: Facts, noun: str, inside: bool) -> dict[str, Any]:
    size = one.files[noun]["csv"]
    return {
        "name": noun,
        "type": "table",
        "title": facts.title_of(noun),
        "description": facts.description_of(noun),
        "path": f"{noun}.csv" if inside else one.pinned(noun, "csv"),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": size.bytes,
        "hash": f"sha256:{size.sha256}",
        "dialect": DIALECT,
        "schema": schema(noun),
    }


def schema(noun: str) -> dict[str, Any]:
    """The Table Schema of a noun's CSV."""
    columns = table(noun)
    keys = [
        {"fields": one.name, "reference": {"resource": one.refers, "fields": "id"}} for one in columns if one.refers
    ]
    return {
        "fields": [_field(one) for one in columns],
        "missingValues": [""],
        "primaryKey": "id",
        **({"foreignKeys": keys} if keys else {}),
    }


def _field(column: Column) -> dict[str, Any]:
    """A text that a spreadsheet would run begins with an apostrophe, which no pattern of ours lets through: ids never need one."""
    limits = {
        "required": column.required or None,
        "unique": column.name == "id" or None,
        "pattern": column.pattern,
        "minimum": column.minimum,
    }
    constraints = {name: value for name, value in limits.items() if value is not None}
    described = {"description": column.description} if column.description else {}
    return {
        "name": column.name,
        **TYPES[column.kind],
        **described,
        **({"constraints": constraints} if constraints else {}),
    }


def archive(out: BinaryIO, one: Facts, tables: Mapping[str, Path]) -> None:
    """Write the tables (files by noun) and their descriptions as a ZIP: the same bytes for the same release."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(_entry("datapackage.json", one), descriptor(one, inside=True))
        file.writestr(_entry(to_csvw.OF_ALL, one), to_csvw.of_all(one))
        for noun, path in tables.items():
            with path.open("rb") as rows, file.open(_entry(f"{noun}.csv", one), "w", force_zip64=True) as entry:
                while chunk := rows.read(1 << 20):
                    entry.write(chunk)


def _entry(name: str, one: Facts) -> zipfile.ZipInfo:
    """An entry with the time of the release, and nothing of this machine."""
    entry = zipfile.ZipInfo(name, one.made_at.astimezone(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
