"""`/v1/{noun}/{id}/versions`: every version of a record with where it was read, and the history of one field."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ogp_open_data.errors import NotFound
from ogp_open_data.formats import FORMATS
from ogp_open_data.records import url_of
from ogp_open_data.store import provenance
from ogp_open_data.store.provenance import Told
from ogp_open_data.web import query
from ogp_open_data.web.answers import Link, Representation, answer
from ogp_open_data.web.asking import about, common_links, query_string
from ogp_open_data.web.site import Request, Response, site_of

# Where the column of a table is called otherwise than the field that is read from it.
COLUMN_OF = {
    "number": ("number", "milestone"),
    "lead_organisations": ("leads",),
    "supporting_organisations": ("supporting",),
    "organisations": ("leads",),
    "starts_on": ("starts",),
    "ends_on": ("ends",),
    "due_on": ("ends",),
    "ongoing": ("ongoing", "ends"),
}


async def list_versions(request: Request, noun: str, name: str) -> Response:
    """Every version, withdrawals included; of a `field` those in which its value is another."""
    asked = query.read(query.given(request.scope["query_string"]), query.versions(noun))
    site = site_of(request)
    field = asked.fields[0] if asked.fields else None
    found = await site.store.reading(provenance.versions, noun, name, field)
    if not found:
        raise NotFound(f"there is no {noun} record with the id {name[:200]}; /v1/{noun} lists them")
    url = url_of(noun, name)
    data = [{**_version(one, field), "url": f"{url}?as_of={one.version.release}"} for one in _told(found, field)]
    links = {"self": site.url(f"{url}/versions{query_string(request)}"), "latest-version": site.url(url)}
    body = msgspec.json.encode({"data": data, "meta": {"total": len(data), **about(site)}, "links": links})
    made = Representation(
        content_type=FORMATS["json"].content_type,
        body=body,
        last_modified=found[-1].version.made_at,
        links=[*(Link(href, rel, "application/json") for rel, href in links.items()), *common_links(site)],
    )
    return answer(request, made)


def _told(versions: Sequence[Told], field: str | None) -> list[Told]:
    """All versions, or those in which a field's value is another than in the version before."""
    if field is None:
        return list(versions)
    before = [None, *versions[:-1]]
    return [
        one
        for one, last in zip(versions, before, strict=True)
        if last is None or (one.value, one.version.withdrawn) != (last.value, last.version.withdrawn)
    ]


def _version(one: Told, field: str | None) -> dict[str, Any]:
    """A version as it is told of."""
    said = one.version._asdict()
    if field is not None:
        said |= {"field": field, "value": msgspec.Raw((one.value or "null").encode())}
    said["source"] = None if one.document is None else _source(one, field)
    return said


def _source(one: Told, field: str | None) -> dict[str, Any]:
    """Where a version was read; of a table's field the cell."""
    columns = [] if one.columns is None or field is None else one.columns
    names = [field or "", (field or "").removesuffix("_raw"), *COLUMN_OF.get(field or "", ())]
    place = next((columns.index(name) for name in names if name in columns), None)
    return {
        "sha256": one.document,
        "name": one.name,
        "media_type": one.media_type,
        "url": one.url,
        "sheet": one.sheet,
        "line": one.line,
        "cell": f"{letters(place)}{one.line}" if place is not None and one.line is not None else None,
    }


def letters(place: int) -> str:
    """A column as a spreadsheet names it: 0 is A, 26 is AA."""
    return (letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)
