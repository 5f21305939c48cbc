"""Deprecation (RFC 9745) and Sunset (RFC 8594): what the table of deprecations does to answers, contract and docs."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from ogp_open_data.deprecations import Deprecated, instant
from ogp_open_data.errors import PastSunset
from ogp_open_data.web import query
from ogp_open_data.web.answers import Link, http_date
from ogp_open_data.web.asking import EPOCH
from ogp_open_data.web.site import Request, Response, Site, site_of

PAGE = "/docs/deprecations"


async def answered(request: Request, handler: Callable[[], Awaitable[Response]]) -> Response:
    """What the handler answers, with the notice where the request uses something deprecated. Raises PastSunset."""
    site = site_of(request)
    found = used(site.deprecated, request)
    if not found:
        return await handler()
    made_at = (await site.head()).made_at or EPOCH
    _refuse_ended(found, made_at, site)
    response = await handler()
    links = [response.headers.get("link", ""), *map(str, _links(found, site))]
    response.headers.update(_notice(found) | {"link": ", ".join(filter(None, links))})
    return response


def used(table: Sequence[Deprecated], request: Request) -> list[Deprecated]:
    """The entries whose address, or parameter at this address, a request asks for. Fields are told by the schemas alone."""
    here = [one for one in table if one.field is None and _is_at(one.address, request.scope["path"])]
    if not any(one.parameter for one in here):
        return here
    given = {name for name, _ in query.given(request.scope["query_string"])}
    return [one for one in here if one.parameter is None or one.parameter in given]


def _is_at(address: str, path: str) -> bool:
    """Whether a path is of an address as the contract writes it, `/v1/plans/{id}.csv`."""
    parts = re.split(r"\{\w+\}", address)
    return re.fullmatch("[^/.]+".join(map(re.escape, parts)), path) is not None


def _refuse_ended(found: Sequence[Deprecated], made_at: datetime, site: Site) -> None:
    ended = [one for one in found if instant(one.sunset) <= made_at]
    if ended:
        first = ended[0]
        more = {"successor": site.url(first.successor)} if first.successor else {}
        raise PastSunset(f"the {first} ended on {first.sunset}: {first.reason}", docs=_told_at(first, site), **more)


def _notice(found: Sequence[Deprecated]) -> dict[str, str]:
    """The header fields: of several entries the one announced first, and the one that ends first."""
    since = min(instant(one.on) for one in found)
    until = min(instant(one.sunset) for one in found)
    return {"deprecation": f"@{int(since.timestamp())}", "sunset": http_date(until)}


def _links(found: Sequence[Deprecated], site: Site) -> list[Link]:
    links = []
    for one in found:
        links += [Link(_told_at(one, site), rel, "text/html") for rel in ("deprecation", "sunset")]
        if one.successor:
            links.append(Link(site.url(one.successor), "successor-version"))
    return links


def _told_at(one: Deprecated, site: Site) -> str:
    return site.url(f"{PAGE}#{one.id}")


def marked(document: dict[str, Any], table: Sequence[Deprecated]) -> dict[str, Any]:
    """The OpenAPI document, with `deprecated` at each operation and parameter of the table; fields have it in their schemas."""
    paths = document["paths"]
    for one in table:
        if one.field is None and one.address in paths:
            paths[one.address] = {method: _deprecated(it, one) for method, it in paths[one.address].items()}
    return document


def _deprecated(operation: dict[str, Any], one: Deprecated) -> dict[str, Any]:
    if one.parameter is None:
        return {**operation, "deprecated": True}
    parameters = [it | ({"deprecated": True} if it["name"] == one.parameter else {}) for it in operation["parameters"]]
    return {**operation, "parameters": parameters}
