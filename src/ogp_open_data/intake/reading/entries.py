"""A vocabulary as it is written in TOML, and the one of this package."""

from datetime import date
from importlib import resources

import msgspec
from msgspec import Struct

from ogp_open_data.records import Name, Organisation, Plan, url_of


class PlanEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan, and the ordinals and terms by which its labels are told from those of others."""

    id: str
    country: str
    time_zone: str
    number: str
    title: str
    ordinals: list[str] = []
    years: list[str] = []
    labels: list[str] = []
    title_mi: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    ends_on_original: date | None = None
    website: str | None = None
    licence: str | None = None

    def record(self) -> Plan:
        """The plan as it is published when a document first mentions it."""
        known = {name: getattr(self, name) for name in Plan.__struct_fields__ if name in self.__struct_fields__}
        return Plan(**known, url=url_of("plans", self.id), version=1, release=1)


class OrganisationEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agency; `also` are spellings that are met but are no names of their own."""

    id: str
    name: str
    names: list[Name]
    name_mi: str | None = None
    abbreviation: str | None = None
    parent: str | None = None
    website: str | None = None
    also: list[str] = []

    def record(self) -> Organisation:
        """The organisation as it is published when a document first mentions it."""
        known = {name: getattr(self, name) for name in self.__struct_fields__ if name != "also"}
        return Organisation(**known, url=url_of("organisations", self.id), version=1, release=1)


class Role(Struct, frozen=True, forbid_unknown_fields=True):
    """An office that is printed like an agency, and the agency that it sits in."""

    names: list[str]
    organisation: str | None = None


class Country(Struct, frozen=True, forbid_unknown_fields=True):
    """A country by its ISO 3166-1 code: the names that labels of its plans have, and where its calendar days are."""

    code: str
    names: list[str]
    time_zone: str


class File(Struct, forbid_unknown_fields=True):
    """A vocabulary as it is written in TOML."""

    countries: list[Country] = []
    plans: list[PlanEntry] = []
    organisations: list[OrganisationEntry] = []
    roles: list[Role] = []
    statuses: dict[str, list[str]] = {}
    scales: dict[str, dict[str, list[str]]] = {}


def package() -> File:
    """The file of this package."""
    text = resources.files("ogp_open_data.intake.reading").joinpath("vocabulary.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=File)
