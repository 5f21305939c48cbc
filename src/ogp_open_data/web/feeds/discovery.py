"""Which feed tells the news of what somebody looks at: for the header of lists and records."""

from datetime import date

import msgspec
from msgspec import Struct

from ogp_open_data.formats.feed import ATOM
from ogp_open_data.records import Filter
from ogp_open_data.store.news import Subject
from ogp_open_data.store.single import At
from ogp_open_data.web.answers import Link
from ogp_open_data.web.feeds.news import address
from ogp_open_data.web.site import Site


class _Of(Struct):
    """Whose a record is."""

    commitment: str | None = None


def of_list(site: Site, filter: Filter, as_of: int | date | None) -> Link:
    """The news of the plan, commitment or organisation that a list is of, else of everything."""
    return _link(site, Subject(filter.plan, filter.commitment, filter.organisation), as_of)


def of_record(site: Site, at: At, as_of: int | date | None) -> Link:
    """The news of a plan, commitment or organisation; of what belongs to a commitment, that commitment's."""
    match at.noun:
        case "plans":
            subject = Subject(plan=at.id)
        case "commitments":
            subject = Subject(commitment=at.id)
        case "organisations":
            subject = Subject(organisation=at.id)
        case _:
            above = msgspec.json.decode(at.doc, type=_Of) if at.doc is not None else _Of()
            subject = Subject(commitment=above.commitment)
    return _link(site, subject, as_of)


def _link(site: Site, subject: Subject, as_of: int | date | None) -> Link:
    """Beside a state of the past stands the feed as it was then."""
    return Link(site.url(address("atom", subject, as_of)), "alternate", ATOM)
