"""The data as schema.org describes a data set, for those who search for data."""

from typing import Any

from ogp_open_data.formats import FORMATS
from ogp_open_data.records import Plan
from ogp_open_data.web.board.frame import NAME, Asked


def dataset(one: Asked, plan: Plan | None = None) -> dict[str, Any]:
    """schema.org Dataset: of everything, or of a plan."""
    site, settings = one.site, one.site.settings
    base = plan.title if plan else NAME
    path, query = (f"/plans/{plan.id}", f"?plan={plan.id}") if plan else ("/", "")
    described = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": base,
        "description": f"Commitments, milestones and progress reports: {base}. Every release can be asked for again.",
        "url": site.url(path),
        "identifier": site.url(path),
        "license": settings.licence_url,
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": settings.publisher},
        "version": str(one.head.number),
        "dateModified": one.head.made_at.isoformat() if one.head.made_at else None,
        "temporalCoverage": _term(plan) if plan else None,
        "spatialCoverage": plan.country.upper() if plan else None,
        "distribution": [
            {
                "@type": "DataDownload",
                "name": f"Progress as {format.suffix.upper()}",
                "encodingFormat": format.media_type,
                "contentUrl": site.url(f"/v1/progress.{format.suffix}{query}"),
            }
            for format in FORMATS.values()
        ],
    }
    return {name: value for name, value in described.items() if value is not None}


def _term(plan: Plan) -> str | None:
    return f"{plan.starts_on}/{plan.ends_on or '..'}" if plan.starts_on else None
