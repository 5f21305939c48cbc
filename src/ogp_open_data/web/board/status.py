"""`/status`: where the publication stands at this moment, for people; as JSON for who accepts that rather."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ogp_open_data.formats.markup import day
from ogp_open_data.web.asking import accepted, weight
from ogp_open_data.web.board.frame import Page, asked, shown
from ogp_open_data.web.board.words import plural
from ogp_open_data.web.reads import health, standing
from ogp_open_data.web.reads.documents import no_parameters
from ogp_open_data.web.site import Request, Response

HEADINGS = {
    "ok": "Everything works",
    "degraded": "You are served, but something needs the publisher's attention",
    "failed": "New answers cannot be given at the moment",
}
NAMES = {
    "database_readers": "Reading",
    "database_writer": "Publishing",
    "migrations": "Tables",
    "head": "Newest release",
    "daily_release": "Release of the day",
    "disk": "Room for files",
}
STATES = {"ok": "In order", "degraded": "Needs attention", "failed": "Out of order"}
KINDS = {"hub": "Hubs of the feeds", "webhook": "Webhooks"}


async def page(request: Request) -> Response:
    """The page of this moment: no cache keeps it, for it depends on the clock."""
    no_parameters(request)
    wanted = accepted(request)
    if weight(wanted, "application/json") > weight(wanted, "text/html"):
        return await health.status(request)
    one = await asked(request)
    zone = ZoneInfo(one.site.settings.time_zone)
    told = await standing.told(one.site)
    now = Page(
        template="status.html",
        path="/status",
        title="Status",
        description="The newest release, when the next one is due, and whether everything works.",
        index=False,
        cache_control="no-store",
    )
    answer = shown(
        one,
        now,
        status=told,
        heading=HEADINGS[told.state],
        names=NAMES,
        states=STATES,
        kinds=KINDS,
        moment=lambda at: _moment(at, zone),
        ago=lambda at: _span(told.at - at),
        span=lambda seconds: _span(timedelta(seconds=seconds)),
    )
    # It speaks of this moment: nobody's copy is still good, though no release was made since.
    for name in ("etag", "last-modified"):
        del answer.headers[name]
    return answer


def _moment(at: datetime, zone: ZoneInfo) -> str:
    """A day and the time of it, where the office is."""
    here = at.astimezone(zone)
    return f"{day(here.date())}, {here:%H:%M}"


def _span(span: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return plural(seconds // size, unit)
    return plural(seconds, "second")
