"""`data.json`: the catalogue in the fields of DCAT-US 1.1, but for those that only agencies of the United States have."""

from typing import Any

import msgspec

from ogp_open_data.formats import facts
from ogp_open_data.formats.facts import Facts

SCHEMA = "https://project-open-data.cio.gov/v1.1/schema"


def catalogue(one: Facts) -> bytes:
    """A dataset for each noun, and one for all of them together."""
    archive = {
        "@type": "dcat:Distribution",
        "title": "All tables as CSV, with their description",
        "downloadURL": one.url("/dataset.zip"),
        "mediaType": "application/zip",
        "format": "ZIP",
        "describedBy": one.url("/datapackage.json"),
        "describedByType": "application/json",
    }
    whole = _dataset(one, "/#dataset", facts.TITLE, facts.DESCRIPTION, [archive])
    nouns = [
        _dataset(
            one,
            f"/v1/{noun}#dataset",
            facts.title_of(noun),
            facts.description_of(noun),
            [_distribution(one, noun, suffix) for suffix in one.suffixes],
        )
        for noun in one.files
    ]
    body = {
        "@context": f"{SCHEMA}/catalog.jsonld",
        "@id": one.url("/data.json"),
        "@type": "dcat:Catalog",
        "conformsTo": SCHEMA,
        "describedBy": f"{SCHEMA}/catalog.json",
        "dataset": [whole, *nouns],
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n"


def _dataset(one: Facts, path: str, title: str, description: str, forms: list[dict[str, Any]]) -> dict[str, Any]:
    contact = {"@type": "vcard:Contact", "fn": one.publisher}
    if one.contact and one.contact.startswith("mailto:"):
        contact["hasEmail"] = one.contact
    countries = sorted({plan.country.upper() for plan in one.plans})
    return {
        "@type": "dcat:Dataset",
        "identifier": one.url(path),
        "title": title,
        "description": description,
        "keyword": facts.KEYWORDS,
        "modified": one.made,
        "accrualPeriodicity": "R/P1D",
        "accessLevel": "public",
        "publisher": {"@type": "org:Organization", "name": one.publisher},
        "contactPoint": contact,
        "license": one.licence_url,
        "landingPage": one.url("/"),
        "language": ["en"],
        **({"temporal": "/".join(day.isoformat() for day in one.span)} if one.span else {}),
        **({"spatial": ", ".join(countries)} if countries else {}),
        "distribution": forms,
    }


def _distribution(one: Facts, noun: str, suffix: str) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "title": f"{facts.title_of(noun)} as {suffix.upper()}",
        "downloadURL": one.url(f"/v1/{noun}.{suffix}"),
        "mediaType": one.suffixes[suffix],
        "format": suffix.upper(),
        "describedBy": one.url(f"/schemas/v1/{noun}.json"),
        "describedByType": "application/schema+json",
    }
