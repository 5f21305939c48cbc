"""A publisher's own vocabulary, laid over the package's: other plans, agencies, roles, status words, without a change of code.

An entry with the id of a known one changes the fields that it has; any other is new. A word takes the meaning that it has here.
"""

import re
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ogp_open_data.errors import Refused
from ogp_open_data.intake.reading.entries import Country, File, OrganisationEntry, PlanEntry, Role, package
from ogp_open_data.intake.reading.statuses import key
from ogp_open_data.records import STATUSES

E = TypeVar("E", bound=Struct)
# What identifies an entry of each list.
_KEYS = {"countries": "code", "plans": "id", "organisations": "id"}
_COUNTRY = re.compile(r"[a-z]{2}")
_ID = re.compile(r"[a-z]{2}-[a-z0-9-]+")
LARGEST = 1_000_000


class _Text(Struct, frozen=True):
    """The text of the file, for naming places in it."""

    path: str
    text: str

    def refused(self, line: int | None, what: str) -> Refused:
        place = f", line {line}" if line else ""
        return Refused(f"{self.path}{place}: {what} (docs/vocabulary.md explains the file)", line=line)

    def entry(self, table: str, number: int) -> int | None:
        """The line of the n-th [[table]], from 0."""
        return self._line(rf"^\s*\[\[\s*{re.escape(table)}\s*\]\]", number)

    def key(self, name: str) -> int | None:
        """The line of a key or of a [table]."""
        return self._line(rf"^\s*(?:\[\s*(?:[\w]+\.)?)?[\"']?{re.escape(name)}[\"']?\s*[=\]]", 0)

    def _line(self, pattern: str, number: int) -> int | None:
        found = list(re.finditer(pattern, self.text, re.MULTILINE))
        return self.text.count("\n", 0, found[number].start()) + 1 if number < len(found) else None


def laid_over(path: str) -> File:
    """The package's file with that of a path laid over it. Raises Refused naming the file, the line and the key."""
    base = package()
    one = _Text(path, _read(path))
    given = _decoded(one)
    if unknown := sorted(given.keys() - set(File.__struct_fields__)):
        known = ", ".join(File.__struct_fields__)
        raise one.refused(
            one.key(unknown[0]) or one.entry(unknown[0], 0), f"there is no {unknown[0]}; there are {known}"
        )
    countries = _entries(one, "countries", base.countries, Country, given)
    zones = {country.code: country.time_zone for country in countries}
    for plan in _list(one, "plans", given):
        if plan.get("country") in zones:
            plan.setdefault("time_zone", zones[plan["country"]])
    return File(
        countries=countries,
        plans=_entries(one, "plans", base.plans, PlanEntry, given),
        organisations=_entries(one, "organisations", base.organisations, OrganisationEntry, given),
        roles=[
            *base.roles,
            *(_entry(one, "roles", n, role, Role) for n, role in enumerate(_list(one, "roles", given))),
        ],
        statuses=_words(one, base.statuses, given.get("statuses", {}), STATUSES),
        scales=_scales(one, base.scales, given.get("scales", {})),
    )


def _read(path: str) -> str:
    try:
        body = Path(path).read_bytes()
        if len(body) > LARGEST:
            raise Refused(f"{path}: larger than {LARGEST:,} bytes; is this the vocabulary?")
        return body.decode("utf-8-sig")
    except OSError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror}); OGP_VOCABULARY names the vocabulary file") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _decoded(one: _Text) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.toml.decode(one.text)
        return found
    except msgspec.DecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise one.refused(int(line[1]) if line else None, f"this is no TOML: {error}") from error


def _list(one: _Text, table: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    rows = given.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise one.refused(one.key(table), f"{table} is a list of tables: begin each entry with [[{table}]]")
    return rows


def _entries(one: _Text, table: str, base: list[E], kind: type[E], given: dict[str, Any]) -> list[E]:
    """The entries of the package with those of the file in their place, or after them."""
    by = _KEYS[table]
    found = {getattr(entry, by): entry for entry in base}
    for number, row in enumerate(_list(one, table, given)):
        name = row.get(by)
        if not isinstance(name, str) or not (_ID if by == "id" else _COUNTRY).fullmatch(name):
            example = "nz-nap2: a country and a name in lower case" if by == "id" else "nz"
            raise one.refused(one.entry(table, number), f"an entry of {table} needs its {by}, such as {example}")
        known = msgspec.to_builtins(found[name], builtin_types=(date,)) if name in found else {}
        found[name] = _entry(one, table, number, {**known, **row}, kind)
    return list(found.values())


def _entry(one: _Text, table: str, number: int, row: dict[str, Any], kind: type[E]) -> E:
    try:
        entry = msgspec.convert(row, kind)
        if zone := getattr(entry, "time_zone", None):
            ZoneInfo(zone)
        return entry
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        name = row.get("id") or row.get("code") or table
        raise one.refused(one.entry(table, number), f"{name}: {error}".replace("`$.", "`")) from error


def _scales(one: _Text, base: dict[str, dict[str, list[str]]], given: Any) -> dict[str, dict[str, list[str]]]:
    if not isinstance(given, dict) or (unknown := sorted(given.keys() - base.keys())):
        name = unknown[0] if isinstance(given, dict) else "scales"
        raise one.refused(one.key(name), f"there is no scale {name}; there are {', '.join(base)}")
    return {name: _words(one, scale, given.get(name, {}), None) for name, scale in base.items()}


def _words(
    one: _Text, base: dict[str, list[str]], given: Any, meanings: tuple[str, ...] | None
) -> dict[str, list[str]]:
    """Words by their meaning, those of the file last; a word that it has goes from where the package has it."""
    if not isinstance(given, dict):
        raise one.refused(one.key("statuses"), 'give words under each meaning: underway = ["on track"]')
    for meaning, words in given.items():
        if meanings is not None and meaning not in meanings:
            raise one.refused(one.key(meaning), f"{meaning} is no status; there are {', '.join(meanings)}")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise one.refused(one.key(meaning), f'{meaning} is a list of words: {meaning} = ["…", "…"]')
    taken = {key(word) for words in given.values() for word in words}
    kept = {meaning: [word for word in words if key(word) not in taken] for meaning, words in base.items()}
    return {meaning: [*kept.get(meaning, []), *given.get(meaning, [])] for meaning in {**kept, **given}}
