"""Single records in every format."""

import asyncio
from collections.abc import Mapping

from ogp_open_data.errors import Gone, NotFound
from ogp_open_data.formats import FORMATS, KNOWN, Format, build, to_csv, to_json
from ogp_open_data.records import url_of
from ogp_open_data.store import releases
from ogp_open_data.store.single import At
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, PINNED, Link, Representation, answer, etag_of
from ogp_open_data.web.asking import about, about_file, belonging, common_links, negotiated, query_string, release_of
from ogp_open_data.web.feeds import discovery, envelope
from ogp_open_data.web.query import Query
from ogp_open_data.web.reads import memento
from ogp_open_data.web.site import Request, Response, Site, site_of


async def one_record(request: Request, noun: str, name: str) -> Response:
    """A single record, `name` being its id with or without a suffix."""
    id, _, suffix = name.partition(".")
    if suffix and suffix not in KNOWN:
        raise NotFound(f"there is no format .{suffix[:40]}; known are {', '.join(FORMATS)}")
    format = negotiated(request, suffix or None)
    asked = query.read(query.given(request.scope["query_string"]), query.item_parameters(noun, format))
    site = site_of(request)
    if (past := await memento.redirected(request, site, noun, id, asked.as_of)) is not None:
        return past
    release = (await release_of(site, asked.as_of)).number
    at = await record_at(site, noun, id, release)
    path = url_of(noun, id)
    links, headers = await memento.of_record(request, site, at, asked.as_of)
    # Another format of the same: of that release, where one is asked for.
    then = query_string(request, fields=None, include=None, bom=None)
    others = {one: f"{path}.{one.suffix}{then}" for one in FORMATS.values() if one is not format}
    return answer(
        request,
        Representation(
            content_type=format.content_type,
            body=await _body(request, format, at, asked, release, {one.suffix: href for one, href in others.items()}),
            last_modified=at.made_at,
            cache_control=PINNED if isinstance(asked.as_of, int) else CURRENT,
            links=[
                Link(site.url(path), "canonical"),
                Link(site.url(f"/v1/{noun}"), "collection"),
                *(Link(site.url(href), "alternate", one.media_type) for one, href in others.items()),
                discovery.of_record(site, at, asked.as_of),
                *links,
                *common_links(site, noun),
            ],
            headers=headers,
            location=None if suffix else site.url(f"{path}.{format.suffix}") + query_string(request),
        ),
    )


async def record_at(site: Site, noun: str, id: str, release: int) -> At:
    """The record as of a release. Raises NotFound or Gone."""
    at = await site.records.of((noun, id, release))
    if at is None:
        raise NotFound(f"there is no {noun} record with the id {id[:200]}; /v1/{noun} lists them")
    if at.doc is None:
        path = url_of(noun, id)
        raise Gone(
            f"{id} was withdrawn: {at.reason or 'no reason was given'}",
            withdrawn_in=at.release,
            last_version=site.url(f"{path}?as_of={at.release - 1}"),
            versions=site.url(f"{path}/versions"),
            **({"successor": site.url(url_of(noun, at.successor))} if at.successor else {}),
        )
    return at


def etag(site: Site, at: At) -> str:
    """The validator of a record's JSON, without quotes: what a change of it is asked for by."""
    path = url_of(at.noun, at.id)
    others = {one.suffix: f"{path}.{one.suffix}" for one in FORMATS.values() if one.suffix != "json"}
    return etag_of(_json(site, at, Query(), f"{path}.json", others, None))


async def _body(
    request: Request, format: Format, at: At, asked: Query, release: int, others: Mapping[str, str]
) -> bytes:
    """The bytes of a record, which links to itself as it was asked for."""
    assert at.doc is not None
    site = site_of(request)
    own = f"{url_of(at.noun, at.id)}.{format.suffix}{query_string(request)}"
    if format.suffix == "csv":
        line = to_csv.line(releases.decode(at.noun, at.doc), asked.fields)
        mark = "\ufeff" if asked.bom else ""
        return f"{mark}{to_csv.header(at.noun, asked.fields)}\r\n{line}\r\n".encode()
    if format.rows == "built":
        title = f"{at.id} ({at.noun} of the national action plans)"
        origin = about_file(
            site, title, at.release, at.made_at, site.url(f"{url_of(at.noun, at.id)}?as_of={at.release}")
        )
        return await asyncio.to_thread(
            build.built, format.suffix, at.noun, at.doc.encode() + b"\n", asked.fields, origin
        )
    if format.suffix == "ndjson":
        return to_json.chosen(at.doc.encode(), asked.fields) + b"\n"
    if format.suffix == "atom":
        return await envelope.of_item(site, at, own)
    included = await belonging(site, asked.include, at.noun, release, [at.doc.encode()])
    return _json(site, at, asked, own, others, included)


def _json(
    site: Site, at: At, asked: Query, own: str, others: Mapping[str, str], included: list[tuple[str, bytes]] | None
) -> bytes:
    assert at.doc is not None
    links = {"self": own, "collection": f"/v1/{at.noun}", **others}
    absolute = {rel: site.url(href) for rel, href in links.items()}
    return to_json.item(
        at.doc.encode(), {"sha256": at.sha256, **about(site)}, absolute, asked.fields, asked.include, included
    )
