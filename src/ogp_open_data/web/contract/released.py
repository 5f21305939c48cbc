"""The contract that was released last, kept in the repository, and what of today's would break it.

A directory `schemas/released/{version}` holds the JSON Schema of each noun, the OpenAPI document and the columns of each CSV.
It is written once and never again; the newest one is what v1 is held to.
"""

import re
from pathlib import Path
from typing import Any

import msgspec

from ogp_open_data import schemas
from ogp_open_data.errors import Refused
from ogp_open_data.formats import to_csv
from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.web import contract
from ogp_open_data.web.contract.compatible import Comparison, breaks

BASE = "https://data.example.org"
OPENAPI, COLUMNS = "openapi.json", "columns.json"
Files = dict[str, Any]


def today() -> Files:
    """What this program would release: the files by their names."""
    documents = {f"{noun}.json": schemas.schema(noun) for noun in NOUNS}
    return {
        **documents,
        OPENAPI: contract.openapi(Settings(), BASE),
        COLUMNS: {noun: to_csv.columns(noun) for noun in NOUNS},
    }


def newest(directory: Path) -> tuple[str, Files] | None:
    """The version and the files of the last release."""
    found = [one.name for one in directory.glob("released/*") if re.fullmatch(r"\d+\.\d+\.\d+", one.name)]
    if not found:
        return None
    version = max(found, key=_numbers)
    files = sorted((directory / "released" / version).glob("*.json"))
    return version, {one.name: msgspec.json.decode(one.read_bytes()) for one in files}


def write(directory: Path) -> Path:
    """Release today's contract under its version. Raises Refused where that is taken, or where it breaks the last one."""
    place = directory / "released" / contract.VERSION
    if place.exists():
        raise Refused(f"{place} is there already; raise VERSION in schemas.py, a released contract stays as it is")
    if found := faults(directory):
        raise Refused("\n".join(found))
    place.mkdir(parents=True)
    for name, one in today().items():
        text = msgspec.json.format(msgspec.json.encode(one, order=None if name == COLUMNS else "sorted"), indent=2)
        (place / name).write_bytes(text + b"\n")
    return place


def faults(directory: Path) -> list[str]:
    """What in today's contract breaks the one released last, or is not yet told by its version."""
    last = newest(directory)
    if last is None:
        return []
    version, old = last
    new = msgspec.json.decode(msgspec.json.encode(today()))
    if _numbers(contract.VERSION)[0] > _numbers(version)[0]:
        return []
    found = broken(old, new)
    if not found and old != new and _numbers(contract.VERSION) <= _numbers(version) and _grown(old, new):
        found = [f"there is more than {version} had; raise VERSION in schemas.py to the next minor version"]
    return found


def broken(old: Files, new: Files) -> list[str]:
    """The breaks between two contracts of one major version."""
    found = breaks(old[OPENAPI], new[OPENAPI])
    for name in old.keys() - {OPENAPI, COLUMNS}:
        if name not in new:
            found.append(f"{name}: is gone")
        else:
            found += Comparison(old[name], new[name]).schemas(
                old[name], new[name], name.removesuffix(".json"), written=True
            )
    for noun, columns in old[COLUMNS].items():
        if new[COLUMNS].get(noun, [])[: len(columns)] != columns:
            found.append(f"{noun}.csv: its first {len(columns)} columns are not {','.join(columns)}")
    return sorted(found)


def _grown(old: Files, new: Files) -> bool:
    """Whether there is something now that was not there: what breaks on the way back."""
    return bool(broken(new, old))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
