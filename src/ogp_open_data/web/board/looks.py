"""Style sheet, script and icon: files named by their digest, so that browsers keep them for good."""

import hashlib
from functools import cache
from importlib import resources

from ogp_open_data.errors import NotFound
from ogp_open_data.web import query
from ogp_open_data.web.answers import CURRENT, Representation, answer
from ogp_open_data.web.asking import MADE, common_links
from ogp_open_data.web.site import Request, Response, site_of

FOREVER = "max-age=31536000, immutable"
TYPES = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def _file(name: str) -> tuple[bytes, str]:
    """A file and the name that its digest gives it."""
    body = resources.files("ogp_open_data.web").joinpath("static", name).read_bytes()
    stem, _, suffix = name.partition(".")
    return body, f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{suffix}"


def address(name: str) -> str:
    """Where a page loads a file from."""
    return f"/static/{_file(name)[1]}"


async def file(request: Request, name: str) -> Response:
    """`/static/{name}`: a file by name, or by name and digest; pages of another version of the program get today's."""
    query.read(query.given(request.scope["query_string"]), {})
    parts = name.split(".")
    plain = f"{parts[0]}.{parts[-1]}"
    if plain not in TYPES or len(parts) > 3:
        raise NotFound(f"there is no file {name[:100]}")
    body, named = _file(plain)
    one = Representation(
        content_type=TYPES[plain],
        body=body,
        last_modified=MADE,
        cache_control=FOREVER if name == named else CURRENT,
        links=common_links(site_of(request)),
    )
    return answer(request, one)
