"""Blank tables for offices that keep a spreadsheet."""

from ogp_open_data.intake.reading.templates import template
from ogp_open_data.web.answers import Representation, answer
from ogp_open_data.web.asking import MADE, common_links
from ogp_open_data.web.reads.documents import no_parameters
from ogp_open_data.web.site import Request, Response, site_of


async def blank(request: Request, name: str) -> Response:
    """`/templates/{name}`: a table to be filled in, such as `progress.xlsx`."""
    no_parameters(request)
    media_type, body = template(name)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return answer(
        request,
        Representation(
            content_type=media_type,
            body=body,
            last_modified=MADE,
            links=common_links(site_of(request)),
            headers=headers,
        ),
    )
