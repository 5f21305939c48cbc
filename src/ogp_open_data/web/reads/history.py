"""Releases, changes and versions: what happened, for those who keep a copy and those who ask what changed."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ogp_open_data.errors import BadRequest, CursorGone, NotFound
from ogp_open_data.formats import FORMATS
from ogp_open_data.records import NOUNS
from ogp_open_data.store import history
from ogp_open_data.store.history import Change, Made, Since
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, Link, Representation, answer
from ogp_open_data.web.asking import EPOCH, about, common_links, query_string
from ogp_open_data.web.query import Query
from ogp_open_data.web.reads import rehearsals
from ogp_open_data.web.site import Request, Response, Site, site_of

JSON = FORMATS["json"].content_type
# Each comes with its digests, which are made when they are first asked for.
RELEASES_OF_A_PAGE = 20
# What a release says never changes.
FOREVER = "max-age=86400"


def _links(site: Site, media_type: str = "application/json", **more: str) -> list[Link]:
    return [*(Link(href, rel, media_type) for rel, href in more.items()), *common_links(site)]


async def list_releases(request: Request) -> Response:
    """`/v1/releases`: the newest first."""
    asked = query.read(query.given(request.scope["query_string"]), query.RELEASES)
    site = site_of(request)
    head = await site.head()
    limit = asked.limit or RELEASES_OF_A_PAGE
    made = await site.store.reading(history.made, asked.before or head.number + 1, limit + 1)
    address = site.url("/v1/releases")
    links = {"self": address + query_string(request)}
    if len(made) > limit:
        links["next"] = address + query_string(request, before=str(made[limit - 1].number))
    meta = {"release": head.number, "total": head.number, **await _now(site, head.made_at), **about(site)}
    body = {"data": [await _told(site, one) for one in made[:limit]], "meta": meta, "links": links}
    last = head.made_at or EPOCH
    return answer(
        request,
        Representation(
            content_type=JSON, body=msgspec.json.encode(body), last_modified=last, links=_links(site, **links)
        ),
    )


async def _now(site: Site, made_at: datetime | None) -> dict[str, Any]:
    """Which history this is, and when its next release comes at the latest."""
    return {"epoch": (await site.dataset()).epoch, "next_expected_at": next_expected(site, made_at)}


def next_expected(site: Site, made_at: datetime | None) -> datetime | None:
    """When the release after one of that time comes at the latest; None where there is none yet."""
    if made_at is None:
        return None
    zone = ZoneInfo(site.settings.time_zone)
    day = made_at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time.fromisoformat(site.settings.daily_at), zone).astimezone(EPOCH.tzinfo)


async def _told(site: Site, one: Made) -> dict[str, Any]:
    """A release as it is published."""
    digests: dict[str, Any] = (await site.digests(one.number))._asdict()
    digests["redactions"] = [item._asdict() for item in await site.redactions(one.number)]
    return {**one._asdict(), "counts": msgspec.Raw(one.counts.encode()), **digests, "url": f"/v1/releases/{one.number}"}


async def one_release(request: Request, number: str) -> Response:
    """`/v1/releases/{n}`: one release, with its digests."""
    query.read(query.given(request.scope["query_string"]), {})
    site = site_of(request)
    one = await release_named(site, number.removesuffix(".json"))
    body = {
        "data": await _told(site, one),
        "meta": {"epoch": (await site.dataset()).epoch, **about(site)},
        "links": {
            "self": site.url(f"/v1/releases/{one.number}"),
            "changes": site.url(f"/v1/changes?since={one.number - 1}&until={one.number}"),
            **{noun: site.url(f"/v1/releases/{one.number}/{noun}.tsv") for noun in NOUNS},
        },
    }
    return answer(
        request,
        Representation(
            content_type=JSON,
            body=msgspec.json.encode(body),
            last_modified=one.made_at,
            cache_control=FOREVER,
            links=_links(site),
        ),
    )


async def release_named(site: Site, number: str) -> Made:
    """The release of a number. Raises NotFound."""
    found = []
    if number.isascii() and number.isdigit() and len(number) <= 18:
        # Another process may have told of a release that this one has not heard of.
        await site.head(int(number))
        found = await site.store.reading(history.made, int(number) + 1, 1)
    if not found or found[0].number != int(number):
        raise NotFound(f"there is no release {number[:40]}; /v1/releases lists them")
    return found[0]


async def release_lines(request: Request, number: str, name: str) -> Response:
    """`/v1/releases/{n}/{noun}.tsv`: the lines that the digest of a noun is made of."""
    query.read(query.given(request.scope["query_string"]), {})
    site = site_of(request)
    one = await release_named(site, number)
    noun = name.removesuffix(".tsv")
    if noun not in NOUNS or not name.endswith(".tsv"):
        raise NotFound(f"there is no {name[:60]}; known are {', '.join(f'{noun}.tsv' for noun in NOUNS)}")
    text = await site.store.reading(history.lines, noun, one.number)
    return answer(
        request,
        Representation(
            content_type="text/tab-separated-values; charset=utf-8",
            body=text.encode(),
            last_modified=one.made_at,
            cache_control=FOREVER,
            links=_links(site),
        ),
    )


async def list_changes(request: Request, suffix: str | None) -> Response:
    """`/v1/changes`: releases after one, in order, as upserts and tombstones."""
    asked = query.read(query.given(request.scope["query_string"]), query.CHANGES)
    site = site_of(request)
    if asked.since is not None and asked.since.startswith("rehearsal-"):
        return await rehearsals.answered(request, site, asked.since, suffix)
    head = await site.head(max(int(asked.since or 0), asked.until or 0))
    since = await _since(site, asked, head.number)
    until = min(asked.until, head.number) if asked.until is not None else head.number
    if until < since:
        fault = {"parameter": "until", "detail": "it comes before since"}
        raise BadRequest(f"until: {until} comes before since, {since}", errors=[fault])
    question = Since(
        since=since,
        until=until,
        noun=asked.noun,
        plan=asked.filter.plan,
        folded=asked.history != "full",
        limit=asked.limit or query.MOST,
    )
    # A poll that finds nothing new is answered from the head alone.
    found, end, more = await site.store.reading(history.changes, question) if since < until else ([], since, False)
    meta = {"release": head.number, "next_since": end, "up_to_date": end == head.number, **about(site)}
    meta["epoch"] = (await site.dataset()).epoch
    address = site.url(f"/v1/changes{'.ndjson' if suffix == 'ndjson' else ''}")
    links = {"self": address + query_string(request)}
    if more:
        links["next"] = address + query_string(request, since=str(end), epoch=str(meta["epoch"]))
    return _changes(request, site, suffix, [_item(one) for one in found], meta, links, head.made_at or EPOCH)


def _changes(
    request: Request,
    site: Site,
    suffix: str | None,
    items: list[bytes],
    meta: dict[str, Any],
    links: dict[str, str],
    made_at: datetime,
) -> Response:
    """The answer of a page of changes, as JSON or NDJSON."""
    format = FORMATS["ndjson" if suffix == "ndjson" else "json"]
    if suffix == "ndjson":
        body = b"".join(item + b"\n" for item in items)
    else:
        body = b'{"data":[%b],"meta":%b,"links":%b}' % (
            b",".join(items),
            msgspec.json.encode(meta),
            msgspec.json.encode(links),
        )
    return answer(
        request,
        Representation(
            content_type=format.content_type,
            body=body,
            last_modified=made_at,
            cache_control=CURRENT,
            links=_links(site, format.media_type, **links),
            headers={"ogp-next-since": str(meta["next_since"]), "ogp-epoch": meta["epoch"]},
        ),
    )


async def _since(site: Site, asked: Query, head: int) -> int:
    """The release to begin after. Raises BadRequest where it is none of ours, CursorGone where it is another history's."""
    if asked.epoch is not None and asked.epoch != (await site.dataset()).epoch:
        raise CursorGone(
            "this history began anew since your last visit: take a fresh copy, then go on from its release",
            snapshot=site.url("/v1"),
            resume_after=head,
        )
    since = asked.since or "0"
    if int(since) > head:
        detail = f"{since} is above the newest release, {head}; was it taken from another publisher?"
        raise BadRequest(f"since: {detail}", errors=[{"parameter": "since", "detail": detail}])
    return int(since)


def _item(one: Change) -> bytes:
    """A change with its whole record, or null for a withdrawal."""
    return msgspec.json.encode(
        {
            "noun": one.noun,
            "id": one.id,
            "version": one.version,
            "release": one.release,
            "action": "withdraw" if one.doc is None else "publish",
            "change_kind": one.change_kind,
            "changed_fields": one.changed_fields,
            "sha256": one.sha256,
            "record": None if one.doc is None else msgspec.Raw(one.doc.encode()),
            "reason": one.reason,
        }
    )
