"""The catalogue as DCAT 3 (and what DCAT-AP asks beyond it), once as a graph and from it as JSON-LD and as Turtle.

A dataset for each noun, which is all of it, with its files; a series for each plan, with what is of that plan. A node is a
JSON-LD object whose values are lists of references, typed values and texts, so both serialisations are the same statements.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec

from ogp_open_data.formats import facts
from ogp_open_data.formats.facts import Facts
from ogp_open_data.records import NOUNS, Plan

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
AUTHORITY = "http://publications.europa.eu/resource/authority"
MEDIA = "https://www.iana.org/assignments/media-types"
# What of each plan is a dataset of its own.
OF_PLAN = [noun for noun, struct in NOUNS.items() if "plan" in struct.__struct_fields__]
Node = dict[str, Any]


def jsonld(one: Facts) -> bytes:
    """`catalog.jsonld`"""
    whole = {"@context": PREFIXES, "@graph": list(graph(one))}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def turtle(one: Facts) -> bytes:
    """`catalog.ttl`"""
    head = [f"@prefix {name}: <{iri}> ." for name, iri in PREFIXES.items()]
    return ("\n".join([*head, "", *(_subject(node) for node in graph(one))]) + "\n").encode()


def graph(one: Facts) -> Iterator[Node]:
    """Every node of the catalogue, each once."""
    nouns = [_noun_iri(one, noun) for noun in one.files]
    parts = [_part_iri(one, plan, noun) for plan in one.plans for noun in OF_PLAN if noun in one.files]
    series = [_series_iri(one, plan) for plan in one.plans]
    datasets = [one.url("/#dataset"), *nouns, *series, *parts]
    yield _node(
        one.url("/#catalog"),
        "dcat:Catalog",
        **_described(facts.TITLE, facts.DESCRIPTION),
        **_published(one),
        **{"foaf:homepage": [_ref(one.url("/"))], "dcterms:license": [_ref(one.licence_url)]},
        **{"dcat:dataset": [*map(_ref, datasets)], "dcat:service": [_ref(one.url("/#api"))]},
    )
    yield from _people(one)
    yield _service(one, datasets)
    yield from _whole(one, nouns)
    for noun in one.files:
        yield from _noun(one, noun)
    for plan in one.plans:
        yield from _plan(one, plan)


def _people(one: Facts) -> Iterator[Node]:
    """Who publishes, whom to ask, and what countries it is about."""
    yield _node(one.url("/#publisher"), "foaf:Agent", **{"foaf:name": [_value(one.publisher)]})
    if one.contact:
        way = "vcard:hasEmail" if one.contact.startswith("mailto:") else "vcard:hasURL"
        yield _node(
            one.url("/#contact"), "vcard:Kind", **{"vcard:fn": [_value(one.publisher)], way: [_ref(one.contact)]}
        )
    for country in sorted({plan.country for plan in one.plans}):
        notation = _value(country.upper())
        yield _node(one.url(f"/#country-{country}"), "dcterms:Location", **{"skos:notation": [notation]})


def _service(one: Facts, datasets: list[str]) -> Node:
    return _node(
        one.url("/#api"),
        "dcat:DataService",
        **_described("The API", "Every list and record, now and as of any release, filtered and in every format."),
        **{"dcat:endpointURL": [_ref(one.url("/v1"))], "dcat:endpointDescription": [_ref(one.url("/openapi.json"))]},
        **{"dcat:servesDataset": [*map(_ref, datasets)], "dcterms:license": [_ref(one.licence_url)]},
        **{"dcterms:publisher": [_ref(one.url("/#publisher"))]},
    )


def _whole(one: Facts, nouns: list[str]) -> Iterator[Node]:
    """Everything, as one archive."""
    iri = one.url("/#dataset")
    before = {"dcat:previousVersion": [_ref(one.url(f"/datapackage.json?as_of={one.release - 1}"))]}
    yield _node(
        iri,
        "dcat:Dataset",
        **_dataset(one, facts.TITLE, facts.DESCRIPTION),
        **{"dcterms:hasPart": [*map(_ref, nouns)], "dcat:distribution": [_ref(one.url("/#zip"))]},
        **(before if one.release > 1 else {}),
        **_covering(iri, one.span),
    )
    yield from _period(iri, one.span)
    yield _distribution(one, one.url("/#zip"), "application/zip", "/dataset.zip", f"/dataset.zip?as_of={one.release}")


def _noun(one: Facts, noun: str) -> Iterator[Node]:
    """All records of a noun; its finished files with size and digest."""
    iri = _noun_iri(one, noun)
    forms = {suffix: one.url(f"/v1/{noun}#{suffix}") for suffix in one.suffixes}
    yield _node(
        iri,
        "dcat:Dataset",
        **_dataset(one, facts.title_of(noun), facts.description_of(noun)),
        **{"dcat:distribution": [*map(_ref, forms.values())]},
        **_covering(iri, one.span),
    )
    yield from _period(iri, one.span)
    for suffix, form in forms.items():
        path, size = f"/v1/{noun}.{suffix}", one.files[noun].get(suffix)
        sized: dict[str, Any] = {}
        if size is not None:
            checksum = f"{form}-checksum"
            sized = {"dcat:byteSize": [_value(size.bytes, "nonNegativeInteger")], "spdx:checksum": [_ref(checksum)]}
            algorithm = {"spdx:algorithm": [{"@id": "spdx:checksumAlgorithm_sha256"}]}
            yield _node(
                checksum, "spdx:Checksum", **algorithm, **{"spdx:checksumValue": [_value(size.sha256, "hexBinary")]}
            )
        download = f"{path}?as_of={one.release}" if size else path
        yield _distribution(one, form, one.suffixes[suffix], path, download) | sized


def _plan(one: Facts, plan: Plan) -> Iterator[Node]:
    """A plan as a series, and what is of it."""
    series = _series_iri(one, plan)
    span = (plan.starts_on, plan.ends_on) if plan.starts_on and plan.ends_on else None
    landing = {"dcat:landingPage": [_ref(plan.website)]} if plan.website else {}
    yield _node(
        series,
        "dcat:DatasetSeries",
        **_dataset(one, plan.title, f"What is published of {plan.title}, by kind of record."),
        **landing,
        **_covering(series, span),
    )
    yield from _period(series, span)
    for noun in OF_PLAN:
        if noun not in one.files:
            continue
        iri, query = _part_iri(one, plan, noun), f"plan={plan.id}"
        forms = {suffix: one.url(f"/v1/{noun}.{suffix}?{query}#distribution") for suffix in one.suffixes}
        yield _node(
            iri,
            "dcat:Dataset",
            **_dataset(one, f"{facts.title_of(noun)} of {plan.title}", facts.description_of(noun)),
            **{"dcat:inSeries": [_ref(series)], "dcat:distribution": [*map(_ref, forms.values())]},
            **_covering(series, span),
        )
        for suffix, form in forms.items():
            path = f"/v1/{noun}.{suffix}?{query}"
            yield _distribution(one, form, one.suffixes[suffix], path, path)


def _distribution(one: Facts, iri: str, media_type: str, access: str, download: str) -> Node:
    return _node(
        iri,
        "dcat:Distribution",
        **{"dcat:accessURL": [_ref(one.url(access))], "dcat:downloadURL": [_ref(one.url(download))]},
        **{"dcat:mediaType": [_ref(f"{MEDIA}/{media_type}")], "dcterms:license": [_ref(one.licence_url)]},
        **{"dcterms:modified": [_value(one.made, "dateTime")], "dcat:accessService": [_ref(one.url("/#api"))]},
    )


def _dataset(one: Facts, title: str, description: str) -> Node:
    countries = sorted({plan.country for plan in one.plans})
    return {
        **_described(title, description),
        **_published(one),
        "dcat:keyword": [_text(word) for word in facts.KEYWORDS],
        "dcat:theme": [_ref(f"{AUTHORITY}/data-theme/GOVE")],
        "dcat:version": [_value(one.version)],
        "dcterms:accrualPeriodicity": [_ref(f"{AUTHORITY}/frequency/DAILY")],
        "dcterms:accessRights": [_ref(f"{AUTHORITY}/access-right/PUBLIC")],
        "dcterms:spatial": [_ref(one.url(f"/#country-{country}")) for country in countries],
        "dcat:contactPoint": [_ref(one.url("/#contact"))] if one.contact else [],
    }


def _described(title: str, description: str) -> Node:
    return {"dcterms:title": [_text(title)], "dcterms:description": [_text(description)]}


def _published(one: Facts) -> Node:
    return {
        "dcterms:publisher": [_ref(one.url("/#publisher"))],
        "dcterms:modified": [_value(one.made, "dateTime")],
        "dcterms:language": [_ref(f"{AUTHORITY}/language/ENG")],
    }


def _covering(iri: str, span: tuple[date, date] | None) -> Node:
    return {"dcterms:temporal": [_ref(f"{iri}-period")]} if span else {}


def _period(iri: str, span: tuple[date, date] | None) -> Iterator[Node]:
    if span:
        first, last = (_value(day.isoformat(), "date") for day in span)
        yield _node(f"{iri}-period", "dcterms:PeriodOfTime", **{"dcat:startDate": [first], "dcat:endDate": [last]})


def _noun_iri(one: Facts, noun: str) -> str:
    return one.url(f"/v1/{noun}#dataset")


def _series_iri(one: Facts, plan: Plan) -> str:
    return one.url(f"/v1/plans/{plan.id}#series")


def _part_iri(one: Facts, plan: Plan, noun: str) -> str:
    return one.url(f"/v1/{noun}?plan={plan.id}#dataset")


def _node(iri: str, kind: str, **values: list[dict[str, Any]]) -> Node:
    return {"@id": iri, "@type": kind, **{name: some for name, some in values.items() if some}}


def _ref(iri: str) -> dict[str, Any]:
    """A reference; what an IRI cannot have is percent-encoded."""
    return {"@id": quote(iri, safe=":/?#[]@!$&'()*+,;=%~")}


def _text(text: str) -> dict[str, Any]:
    return {"@value": text, "@language": "en"}


def _value(value: str | int, kind: str = "string") -> dict[str, Any]:
    return {"@value": str(value), "@type": f"xsd:{kind}"}


def _subject(node: Node) -> str:
    """A node as Turtle."""
    lines = [f"    {name} {', '.join(map(_object, some))}" for name, some in node.items() if name[0] != "@"]
    return f"<{node['@id']}> a {node['@type']} ;\n" + " ;\n".join(lines) + " .\n"


def _object(one: dict[str, Any]) -> str:
    if "@id" in one:
        iri = one["@id"]
        return iri if iri.partition(":")[0] in PREFIXES else f"<{iri}>"
    text = re.sub(r'[\\"\n\r\t]', lambda found: ESCAPES[found[0]], one["@value"])
    return f'"{text}"@{one["@language"]}' if "@language" in one else f'"{text}"^^{one["@type"]}'


ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
