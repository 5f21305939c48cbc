"""`/v1/reports/{id}/diff`: what changed between two reports of a commitment, or two versions of one."""

from typing import Any

import msgspec

from ogp_open_data.errors import BadRequest, NotFound
from ogp_open_data.formats import FORMATS
from ogp_open_data.intake.deciding.compare import Side, compare, previous
from ogp_open_data.records import Milestone, Progress, Report, url_of
from ogp_open_data.store import history, releases
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, PINNED, Representation, answer
from ogp_open_data.web.asking import about, common_links, query_string, release_of
from ogp_open_data.web.reads.items import record_at
from ogp_open_data.web.site import Request, Response, Site, site_of


async def differ(request: Request, name: str) -> Response:
    """The difference of a report to the one before it, or of any two that are named."""
    asked = query.read(query.given(request.scope["query_string"]), query.DIFF)
    site = site_of(request)
    release = (await release_of(site, asked.as_of)).number
    after = await side(site, name, asked.to, release)
    before = await side(site, name, asked.from_, release) if asked.from_ else previous(after)
    same_commitment(before, after)
    sides = {"from": before and _told(before.report), "to": _told(after.report)}
    difference = msgspec.to_builtins(compare(before, after))
    links = {"self": site.url(f"/v1/reports/{name}/diff") + query_string(request)}
    links |= {key: site.url(f"{one['url']}?as_of={one['release']}") for key, one in sides.items() if one}
    body = {"data": {"commitment": after.report.commitment, **sides, **difference}, "meta": about(site), "links": links}
    newest = max(one.release for one in [after.report, *([before.report] if before else [])])
    made = (await site.store.reading(history.made, newest + 1, 1))[0]
    return answer(
        request,
        Representation(
            content_type=FORMATS["json"].content_type,
            body=msgspec.json.encode(body),
            last_modified=made.made_at,
            cache_control=PINNED if isinstance(asked.as_of, int) else CURRENT,
            links=common_links(site),
        ),
    )


def same_commitment(before: Side | None, after: Side) -> None:
    """Raises BadRequest where two reports cannot be compared."""
    if before is not None and before.report.commitment != after.report.commitment:
        detail = f"{before.report.id} is of another commitment than {after.report.id}"
        raise BadRequest(f"from: {detail}", errors=[{"parameter": "from", "detail": detail}])


async def side(site: Site, id: str, named: str | None, release: int) -> Side:
    """A report with what stands beside it: the one asked about, a version of it by number, or another one by id."""
    if named is not None and named.isdigit():
        release = await _release_of_version(site, id, int(named), release)
    elif named is not None:
        id = named
    at = await record_at(site, "reports", id, release)
    assert at.doc is not None
    report = msgspec.json.decode(at.doc, type=Report)
    rows = await site.store.reading(history.beside, report.commitment, release)
    records = [releases.decode(noun, doc) for noun, doc in rows]
    return Side(
        report,
        [one for one in records if isinstance(one, Report)],
        [one for one in records if isinstance(one, Progress)],
        [one for one in records if isinstance(one, Milestone)],
    )


async def _release_of_version(site: Site, id: str, number: int, upto: int) -> int:
    """The release that published a version. Raises NotFound where there is none by a release."""
    for one in await site.store.reading(history.versions, "reports", id):
        if one.version == number and one.release <= upto and not one.withdrawn:
            return one.release
    raise NotFound(f"{id} has no version {number} to compare; {url_of('reports', id)}/versions lists them")


def _told(report: Report) -> dict[str, Any]:
    """Which report it is, as of which version."""
    names = ("id", "url", "version", "release", "period_raw", "period_start", "period_end")
    return {name: getattr(report, name) for name in names}
