"""Which feed tells the news of what somebody looks at: for the header of lists and records, and for the page about feeds."""

from datetime import date
from html import escape

import msgspec
from msgspec import Struct

from ogp_open_data.formats import to_feed
from ogp_open_data.formats.happened import KINDS
from ogp_open_data.records import Filter
from ogp_open_data.store.listings import At
from ogp_open_data.store.news import Subject
from ogp_open_data.web import archives, states
from ogp_open_data.web.answers import Link
from ogp_open_data.web.news import MEDIA_TYPES, address
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
    return Link(site.url(address("atom", subject, as_of)), "alternate", to_feed.MEDIA_TYPE)


def explained() -> str:
    """The page about feeds, as HTML: where they are, what an entry can be of, and what in them is ours."""
    feeds = "".join(f'<li><a href="/feed.{suffix}">/feed.{suffix}</a></li>' for suffix in MEDIA_TYPES)
    kinds = "".join(f"<dt><code>{kind}</code></dt><dd>{escape(said)}</dd>" for kind, said in KINDS.items())
    path = states.CURRENT_PATH
    return (
        "<h2>What happened</h2><p>An entry for each thing that happened, the newest first, with the same ids in each format. "
        "<code>?plan=</code>, <code>?commitment=</code> and <code>?organisation=</code> with an id narrow it. "
        f"Older entries are in archives of {archives.SPAN} releases each, which <code>prev-archive</code> leads to.</p>"
        f'<ul>{feeds}</ul><h2 id="kinds">What an entry can be of</h2><dl>{kinds}</dl>'
        "<h2>How things stand</h2><p>Each list is a feed too, <code>/v1/commitments.atom</code>, with an entry for each record. "
        f'<a href="{path}">{path}</a> has every record that changed, and archives from which the whole can be rebuilt.</p>'
        f'<h2 id="elements">What is ours in them</h2><p>Elements in the namespace <code>{to_feed.OGP}</code>: '
        "<code>record</code> in an entry is the record itself, in JSON, with its version, release and SHA-256; "
        "<code>state</code> is the release that a document tells. In JSON Feed, <code>_ogp</code> has licence, rights, links and "
        "categories, and <code>_ogp_deleted</code> the entries that were taken back (Atom: RFC 6721).</p>"
    )
