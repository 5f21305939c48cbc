"""Rehearsals: answers of `/v1/changes` that seldom come, always there, so that a copying job can be tried on them.

They speak of a plan `zz-rehearsal` that no publisher has; nothing of it is in the dataset.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ogp_open_data.errors import BadRequest, CursorGone
from ogp_open_data.formats import FORMATS
from ogp_open_data.records import Milestone, canonical, digest, url_of
from ogp_open_data.web.answers import Representation, answer
from ogp_open_data.web.asking import EPOCH, about
from ogp_open_data.web.query import REHEARSALS
from ogp_open_data.web.site import Request, Response, Site

ID = "zz-rehearsal-c1-m1"


def _published(version: int, status: str = "underway") -> dict[str, Any]:
    record = Milestone(
        id=ID,
        url=url_of("milestones", ID),
        version=version,
        release=1,
        commitment="zz-rehearsal-c1",
        plan="zz-rehearsal",
        number="1",
        text="A milestone that exists in rehearsals only",
        status=status,
    )
    doc = canonical(record)
    return _change(version, "publish", ["status"], digest(doc), msgspec.Raw(doc), None)


def _change(
    version: int, action: str, fields: list[str], sha256: str | None, record: Any, reason: str | None
) -> dict[str, Any]:
    place = {"noun": "milestones", "id": ID, "version": version, "release": 1, "action": action}
    said = {"change_kind": "data", "changed_fields": fields, "sha256": sha256, "record": record, "reason": reason}
    return {**place, **said}


PAGES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "rehearsal-empty": list,
    "rehearsal-tombstone": lambda: [_change(2, "withdraw", [], None, None, "withdrawn in rehearsal")],
    "rehearsal-duplicate": lambda: [_published(1), _published(1)],
    "rehearsal-new-value": lambda: [_published(1, "a_status_of_the_future")],
}


async def answered(request: Request, site: Site, name: str, suffix: str | None) -> Response:
    """The answer of a rehearsal. Raises CursorGone for the one that is that, BadRequest for an unknown name."""
    if name == "rehearsal-410":
        raise CursorGone(
            "a rehearsal: take a fresh copy, then go on from its release", snapshot=site.url("/v1"), resume_after=0
        )
    if name not in PAGES:
        detail = f"there is no {name[:60]}; known are {', '.join(REHEARSALS)}"
        raise BadRequest(f"since: {detail}", errors=[{"parameter": "since", "detail": detail}])
    epoch = (await site.dataset()).epoch
    meta = {"release": 1, "next_since": 1, "up_to_date": True, "epoch": epoch, "rehearsal": name, **about(site)}
    links = {"self": site.url(f"/v1/changes?since={name}")}
    items = PAGES[name]()
    format = FORMATS["ndjson" if suffix == "ndjson" else "json"]
    body = msgspec.json.encode({"data": items, "meta": meta, "links": links})
    if suffix == "ndjson":
        body = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
    headers = {"ogp-next-since": "1", "ogp-epoch": epoch}
    return answer(
        request, Representation(content_type=format.content_type, body=body, last_modified=EPOCH, headers=headers)
    )
