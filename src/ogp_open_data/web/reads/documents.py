"""The program's own documents for machines: the index, the schemas, the contract."""

from datetime import datetime

import msgspec

from ogp_open_data import schemas
from ogp_open_data.errors import NotFound
from ogp_open_data.formats import FORMATS
from ogp_open_data.records import NOUNS
from ogp_open_data.web import contract, query
from ogp_open_data.web.answers import Link, Representation, answer
from ogp_open_data.web.asking import EPOCH, MADE
from ogp_open_data.web.site import Request, Response, site_of


def no_parameters(request: Request) -> None:
    """Raises BadRequest where a document is asked for with parameters."""
    query.read(query.given(request.scope["query_string"]), {})


def document(request: Request, content_type: str, body: bytes, made: datetime = MADE) -> Response:
    """The answer with a document of ours; `made` is when its bytes changed last."""
    site = site_of(request)
    links = [
        Link(site.settings.licence_url, "license"),
        Link(site.url("/openapi.json"), "service-desc", "application/vnd.oai.openapi+json"),
    ]
    return answer(request, Representation(content_type=content_type, body=body, last_modified=made, links=links))


async def index(request: Request) -> Response:
    """`/v1`: where everything is."""
    no_parameters(request)
    site = site_of(request)
    head = await site.head()
    links = {"self": site.url("/v1"), **{noun: site.url(f"/v1/{noun}") for noun in NOUNS}}
    links |= {
        "licence": site.settings.licence_url,
        "releases": site.url("/v1/releases"),
        "changes": site.url("/v1/changes"),
        "changes_feed": site.url("/v1/changes.atom"),
        "feed": site.url("/feed.atom"),
        "datapackage": site.url("/datapackage.json"),
        "dataset": site.url("/dataset.zip"),
        "catalogue": site.url("/catalog.jsonld"),
    }
    links |= {"openapi": site.url("/openapi.json"), "docs": site.url("/docs")}
    links |= {f"{noun}_schema": site.url(f"/schemas/v1/{noun}.json") for noun in NOUNS}
    body = {
        "data": {"release": head.number, "released_at": head.made_at, "counts": head.counts, "formats": list(FORMATS)},
        "meta": {
            "licence": site.settings.licence_url,
            "attribution": site.settings.publisher,
            "api_version": contract.VERSION,
        },
        "links": links,
    }
    return document(request, "application/json", msgspec.json.encode(body), head.made_at or EPOCH)


async def schema(request: Request, name: str) -> Response:
    """`/schemas/v1/{noun}.json`"""
    no_parameters(request)
    noun = name.removesuffix(".json")
    if noun not in NOUNS or not name.endswith(".json"):
        raise NotFound(f"there is no schema {name[:100]}; known are {', '.join(f'{noun}.json' for noun in NOUNS)}")
    return document(request, "application/schema+json", schemas.text(noun))


async def openapi(request: Request) -> Response:
    """`/openapi.json`"""
    no_parameters(request)
    site = site_of(request)
    body = msgspec.json.encode(contract.openapi(site.settings, site.base, site.deprecated))
    return document(request, "application/json", body)
