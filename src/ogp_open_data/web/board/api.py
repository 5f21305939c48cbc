"""`/docs`: the contract for people, with a form that tries each address, and `/docs/errors/{code}`."""

from typing import Any

import msgspec

from ogp_open_data.errors import NotFound, every
from ogp_open_data.formats.feed import OGP
from ogp_open_data.formats.happened import KINDS
from ogp_open_data.web import contract, sunset
from ogp_open_data.web.board import words
from ogp_open_data.web.board.frame import Page, asked, shown
from ogp_open_data.web.contract.operations import followed
from ogp_open_data.web.feeds import archives, news, stories
from ogp_open_data.web.site import Request, Response


async def docs(request: Request) -> Response:
    """`/docs`"""
    one = await asked(request)
    document = contract.openapi(one.site.settings, one.site.base, one.site.deprecated)
    page = Page(
        template="docs.html",
        path="/docs",
        title="API",
        description=document["info"]["description"],
        section="docs",
    )
    return shown(one, page, info=document["info"], tags=_by_tag(document))


def _by_tag(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations under the tag they have; HEAD is GET without a body, and a format is a button of its address."""
    known = {tag["name"]: tag["description"] for tag in document["tags"]}
    found: dict[str, list[dict[str, Any]]] = {tag: [] for tag in known}
    read: dict[str, dict[str, Any]] = {}
    for path, item in document["paths"].items():
        stem = _stem(path, document)
        for method, one in item.items():
            if method != "head" and stem == path:
                told = {"method": method.upper(), **_read(path, one, document)}
                found.setdefault(one["tags"][0], []).append(told)
                read |= {path: told} if method == "get" else {}
            elif method == "get":
                _as_format(read[stem], path, one)
    return [{"name": tag, "text": known.get(tag, ""), "operations": all} for tag, all in found.items() if all]


def _stem(path: str, document: dict[str, Any]) -> str:
    """The address that a path gives a format of; a path without such is its own."""
    stem = path.rpartition(".")[0]
    return stem if stem in document["paths"] else path


def _read(path: str, operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """An operation with its address, and its answers as they stand."""
    answers = {status: followed(one, document) for status, one in operation["responses"].items()}
    parameters = list(operation.get("parameters", []))
    return {"path": path, **operation, "responses": answers, "parameters": parameters, "formats": []}


def _as_format(one: dict[str, Any], path: str, operation: dict[str, Any]) -> None:
    """Adds a format to its address, with the parameters that only this format has."""
    suffix = path.rpartition(".")[2]
    one["formats"].append((path, words.FORMATS.get(suffix, suffix.upper())))
    names = {parameter["name"] for parameter in one["parameters"]}
    one["parameters"] += [other for other in operation.get("parameters", []) if other["name"] not in names]


async def feeds(request: Request) -> Response:
    """`/docs/feeds`: which feeds there are, and what is in them."""
    one = await asked(request)
    description = "What happened, for feed readers, and how things stand, for those who keep a copy."
    page = Page(template="feeds.html", path=stories.PAGE, title="Feeds", description=description, section="docs")
    return shown(one, page, media_types=news.MEDIA_TYPES, kinds=KINDS, span=archives.SPAN, namespace=OGP)


async def errors(request: Request) -> Response:
    """`/docs/errors`: every error there is."""
    one = await asked(request)
    page = Page(
        template="errors.html",
        path="/docs/errors",
        title="Errors",
        description="Every error that the API answers with, and what to do.",
        section="docs",
    )
    return shown(one, page, errors=every())


async def error(request: Request, code: str) -> Response:
    """`/docs/errors/{code}`: what the `type` of a problem leads to."""
    one = await asked(request)
    found = {known.code: known for known in every()}.get(code)
    if found is None:
        raise NotFound(f"there is no error {code[:100]}; /docs/errors lists them")
    path = f"/docs/errors/{code}"
    page = Page(template="error.html", path=path, title=found.titled(), description=found.cause, section="docs")
    problem = {
        "type": one.site.url(path),
        "title": found.titled(),
        "status": found.status,
        "detail": "…",
        "instance": "urn:uuid:…",
    }
    return shown(one, page, error=found, problem=msgspec.json.format(msgspec.json.encode(problem), indent=2).decode())


async def deprecations(request: Request) -> Response:
    """`/docs/deprecations`: what is on its way out, until when, and what to use instead."""
    one = await asked(request)
    page = Page(
        template="deprecations.html",
        path=sunset.PAGE,
        title="Deprecations",
        description="What is on its way out of the API, until when, and what to use instead.",
        section="docs",
    )
    return shown(one, page, deprecated=one.site.deprecated)
