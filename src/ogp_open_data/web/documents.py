"""The program's own documents: the index, schemas, contract, and the pages that explain them. None needs the internet."""

from datetime import UTC, datetime
from html import escape
from importlib import resources

import msgspec

from ogp_open_data import schemas
from ogp_open_data.errors import NotFound, every
from ogp_open_data.formats import FORMATS
from ogp_open_data.records import NOUNS
from ogp_open_data.web import contract, query, sunset
from ogp_open_data.web.answers import Link, Representation, answer
from ogp_open_data.web.asking import EPOCH
from ogp_open_data.web.pages import explain, explain_error, page
from ogp_open_data.web.site import Request, Response, site_of

# What the program says of itself changes with the program only; this is when its present contract was made.
MADE = datetime(2026, 11, 24, tzinfo=UTC)
HTML = "text/html; charset=utf-8"
ASSETS = {
    "style.css": ("docs.css", "text/css; charset=utf-8"),
    "script.js": ("docs.js", "text/javascript; charset=utf-8"),
}


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


async def docs(request: Request) -> Response:
    """`/docs`: the contract for people, with a form to try each address."""
    no_parameters(request)
    site = site_of(request)
    return document(request, HTML, page("API", explain(contract.openapi(site.settings, site.base, site.deprecated))))


async def asset(request: Request, name: str) -> Response:
    """`/docs/{name}`: what the pages load."""
    no_parameters(request)
    file, content_type = ASSETS[name]
    return document(request, content_type, resources.files("ogp_open_data.web").joinpath("static", file).read_bytes())


async def home(request: Request) -> Response:
    """`/`: what this is, what is in it, and where to go on."""
    no_parameters(request)
    site = site_of(request)
    head = await site.head()
    rows = "".join(
        f'<tr><th scope="row">{noun}</th><td>{head.counts[noun]}</td>'
        + "".join(f'<td><a href="/v1/{noun}.{suffix}">{suffix.upper()}</a></td>' for suffix in FORMATS)
        + "</tr>"
        for noun in NOUNS
    )
    body = (
        f"<p>Plans, commitments, milestones and progress reports, published by {escape(site.settings.publisher)} "
        f'under <a rel="license" href="{escape(site.settings.licence_url)}">{escape(site.settings.licence_name)}</a>. '
        f"Release {head.number}.</p><table><thead><tr><th>Records</th><th>Number</th>"
        f'<th colspan="{len(FORMATS)}">Get them</th></tr></thead><tbody>{rows}</tbody></table>'
        '<p><a href="/docs">How to use the API</a> · <a href="/v1">Where everything is</a></p>'
    )
    return document(request, HTML, page("Open Government Partnership: open data", body), head.made_at or EPOCH)


async def deprecations(request: Request) -> Response:
    """`/docs/deprecations`: what is on its way out, until when, and what to use instead."""
    no_parameters(request)
    return document(request, HTML, page("Deprecations", sunset.explained(site_of(request).deprecated)))


async def error(request: Request, code: str) -> Response:
    """`/docs/errors/{code}`: what the `type` of a problem leads to."""
    no_parameters(request)
    found = {one.code: one for one in every()}.get(code)
    if found is None:
        raise NotFound(f"there is no error {code[:100]}; /docs/errors lists them")
    return document(request, HTML, page(code, explain_error(found, site_of(request).url(f"/docs/errors/{code}"))))


async def errors(request: Request) -> Response:
    """`/docs/errors`: every error there is."""
    no_parameters(request)
    rows = "".join(
        f'<tr><th scope="row"><a href="/docs/errors/{one.code}">{one.code}</a></th><td>{one.status}</td>'
        f"<td>{escape(one.__doc__ or '')}</td></tr>"
        for one in every()
    )
    return document(request, HTML, page("Errors", f"<table><tbody>{rows}</tbody></table>"))
