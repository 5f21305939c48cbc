"""Addresses for other portals and tools: descriptions of the dataset and of its tables, and all of it as an archive."""

from typing import Any

from ogp_open_data.formats import to_csvw
from ogp_open_data.records import NOUNS
from ogp_open_data.web.contract.operations import (
    RANGE,
    in_path,
    ok,
    operations,
    parameter,
    part,
    problems,
    unchanged,
)
from ogp_open_data.web.reads import catalogue
from ogp_open_data.web.shapes import BYTES, TEXT

SUMMARIES = {
    "/datapackage.json": ("datapackage", "The tables as a Data Package, with Table Schemas, sizes and digests"),
    "/catalog.jsonld": ("catalog_jsonld", "The catalogue as DCAT 3, in JSON-LD"),
    "/catalog.ttl": ("catalog_ttl", "The same in Turtle"),
    "/data.json": ("data_json", "The catalogue in the fields of DCAT-US 1.1"),
    f"/v1/{to_csvw.OF_ALL}": ("csvw", "CSV on the Web metadata of every table"),
}


def paths() -> dict[str, Any]:
    noun = in_path("noun", "The noun.", {"type": "string", "enum": list(NOUNS)})
    found = {
        path: _document(*SUMMARIES[path], media_type.partition(";")[0])
        for path, (media_type, _) in catalogue.DOCUMENTS.items()
    }
    summary = "CSV on the Web metadata of a table"
    found["/v1/{noun}.csv-metadata.json"] = _document("csvw_table", summary, to_csvw.MEDIA_TYPE, noun)
    responses = {"200": ok("The places.", {"text/plain": TEXT}), "304": unchanged(), **problems(["400", "405", "414"])}
    places = {"summary": "Where the metadata of a CSV is", "parameters": [], "responses": responses}
    found["/.well-known/csvm"] = operations("csvm", "about", places)
    found["/dataset.zip"] = _document(
        "dataset", "Every table and its description, valid without a network", "application/zip", whole=False
    )
    return found


def _document(id: str, summary: str, media_type: str, *variables: dict[str, Any], whole: bool = True) -> dict[str, Any]:
    """A description of a release; what is not `whole` is a file that can be asked for in parts."""
    schema = BYTES if not whole else {"type": "object"} if media_type.endswith("json") else TEXT
    content = {media_type: schema}
    parameters = [*variables, *map(parameter, catalogue.PARAMETERS.values()), *([] if whole else [RANGE])]
    responses = {
        "200": ok(f"{summary}.", content, bulk=not whole),
        "304": unchanged(),
        **({} if whole else {"206": part(content)}),
        **problems(["400", "404", "405", "414", "503", *([] if whole else ["416"])]),
    }
    return operations(id, "about", {"summary": summary, "parameters": parameters, "responses": responses})
