"""What programs look for at fixed places: security.txt (RFC 9116), the catalogue of APIs (RFC 9727), robots.txt."""

from datetime import timedelta

import msgspec

from ogp_open_data.errors import NotFound
from ogp_open_data.store import releases
from ogp_open_data.web.asking import EPOCH
from ogp_open_data.web.reads.documents import document, no_parameters
from ogp_open_data.web.site import Request, Response, site_of

TEXT = "text/plain; charset=utf-8"
CATALOG = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
# Counted from the newest release and not from the clock, so that an answer is the same for all who know the release, and an
# office that stopped publishing is not vouched for. RFC 9116 recommends less than a year.
VOUCHED_FOR = timedelta(days=180)


async def security(request: Request) -> Response:
    """`/.well-known/security.txt`: whom to tell of a hole; 404 where the office named no contact."""
    no_parameters(request)
    site = site_of(request)
    if site.settings.contact is None:
        raise NotFound("the office has named no contact; operators set OGP_CONTACT")
    made_at = (await site.store.reading(releases.head)).made_at or EPOCH
    lines = [
        f"Contact: {site.settings.contact}",
        f"Expires: {(made_at + VOUCHED_FOR).strftime('%Y-%m-%dT%H:%M:%SZ')}",
        "Preferred-Languages: en",
        f"Canonical: {site.url('/.well-known/security.txt')}",
    ]
    return document(request, TEXT, "".join(f"{line}\r\n" for line in lines).encode(), made_at)


async def catalog(request: Request) -> Response:
    """`/.well-known/api-catalog`: the one API there is, and where its contract, docs and health are."""
    no_parameters(request)
    site = site_of(request)
    one = {
        "anchor": site.url("/v1"),
        "service-desc": [{"href": site.url("/openapi.json"), "type": "application/vnd.oai.openapi+json"}],
        "service-doc": [{"href": site.url("/docs"), "type": "text/html"}],
        "status": [{"href": site.url("/status.json"), "type": "application/json"}],
        "license": [{"href": site.settings.licence_url}],
    }
    return document(request, CATALOG, msgspec.json.encode({"linkset": [one]}))


async def robots(request: Request) -> Response:
    """`/robots.txt`: everything may be read by anybody."""
    no_parameters(request)
    return document(request, TEXT, b"User-agent: *\nDisallow:\n")
