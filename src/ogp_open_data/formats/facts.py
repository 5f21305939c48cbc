"""What a release's catalogues tell of it: all that the descriptions are made of, and nothing that changes with the clock."""

from datetime import UTC, date, datetime

from msgspec import Struct

from ogp_open_data import schemas
from ogp_open_data.records import NOUNS, Plan

TITLE = "Open Government Partnership: national action plans"
DESCRIPTION = (
    "Plans, commitments, milestones, progress reports and independent assessments of the Open Government Partnership, "
    "as published by the responsible office, with the history of every record."
)
KEYWORDS = ["open government", "national action plan", "commitments", "milestones", "progress reports", "OGP"]
# Names of licences in the Open Definition's list, by their addresses.
LICENCE_NAMES = {
    "https://creativecommons.org/licenses/by/4.0/": "CC-BY-4.0",
    "https://creativecommons.org/publicdomain/zero/1.0/": "CC0-1.0",
}


class Size(Struct, frozen=True):
    """A finished file: its bytes, and their SHA-256 in hexadecimal."""

    bytes: int
    sha256: str


class Facts(Struct, frozen=True, kw_only=True):
    """A release, who publishes it and how; `files` are the finished ones, by noun and suffix, `suffixes` all that there are."""

    base: str
    release: int
    made_at: datetime
    publisher: str
    contact: str | None
    licence_name: str
    licence_url: str
    counts: dict[str, int]
    plans: list[Plan]
    files: dict[str, dict[str, Size]]
    suffixes: dict[str, str]

    @property
    def version(self) -> str:
        """Semantic: the version of the schemas, and the release in place of the patch."""
        return f"{schemas.VERSION.rpartition('.')[0]}.{self.release}"

    @property
    def made(self) -> str:
        """When it was made, as RFC 3339."""
        return self.made_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    @property
    def licence_id(self) -> str | None:
        """The licence's name in the Open Definition's list."""
        return LICENCE_NAMES.get(self.licence_url)

    @property
    def span(self) -> tuple[date, date] | None:
        """From the first day of the first plan to the last of the last."""
        days = [day for plan in self.plans for day in (plan.starts_on, plan.ends_on) if day is not None]
        return (min(days), max(days)) if days else None

    def url(self, path: str) -> str:
        return self.base + path

    def pinned(self, noun: str, suffix: str) -> str:
        """The address of a file whose bytes stay what they are."""
        return self.url(f"/v1/{noun}.{suffix}?as_of={self.release}")


def title_of(noun: str) -> str:
    return noun.capitalize()


def description_of(noun: str) -> str:
    """What the records of a noun are, in a sentence."""
    return (NOUNS[noun].__doc__ or "").strip().splitlines()[0]
