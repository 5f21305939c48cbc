"""The contract over time: inside v1 it may grow, and every way to break it is seen."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ogp_open_data.errors import Refused
from ogp_open_data.web import contract
from ogp_open_data.web.contract import released
from serving import program

Change = Callable[[dict[str, Any]], Any]


def at(files: dict[str, Any], *keys: str | int) -> Any:
    for key in keys:
        files = files[key]  # type: ignore[index]
    return files


def get(files: dict[str, Any], path: str) -> Any:
    return at(files, "openapi.json", "paths", path, "get")


def named(files: dict[str, Any], path: str, name: str) -> Any:
    return next(one for one in get(files, path)["parameters"] if one["name"] == name)


def plan(files: dict[str, Any]) -> Any:
    return at(files, "plans.json", "properties")


def field(files: dict[str, Any], noun: str, name: str) -> Any:
    return at(files, f"{noun}.json", "properties", name)


NEW = {"name": "new", "in": "query", "schema": {"type": "string"}}
BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}

BREAKS: list[tuple[str, Change]] = [
    ("GET /v1/plans: is gone", lambda new: at(new, "openapi.json", "paths").pop("/v1/plans")),
    ("HEAD /v1/plans: is gone", lambda new: at(new, "openapi.json", "paths", "/v1/plans").pop("head")),
    ("GET /v1/plans q: is gone", lambda new: get(new, "/v1/plans")["parameters"].remove(named(new, "/v1/plans", "q"))),
    ("limit: maximum was 1000, is 10", lambda new: named(new, "/v1/plans", "limit")["schema"].update(maximum=10)),
    ("limit: was integer, is string", lambda new: named(new, "/v1/plans", "limit")["schema"].update(type="string")),
    ("q: minLength was None, is 9", lambda new: named(new, "/v1/plans", "q")["schema"].update(minLength=9)),
    ("q: pattern is another", lambda new: named(new, "/v1/plans", "q")["schema"].update(pattern="^a$")),
    ("history: full is gone", lambda new: named(new, "/v1/changes", "history")["schema"]["enum"].remove("full")),
    ("as_of: string is gone", lambda new: named(new, "/v1/plans", "as_of")["schema"]["anyOf"].pop(0)),
    ("new: must be given now", lambda new: get(new, "/v1/plans")["parameters"].append(NEW | {"required": True})),
    ("q: must be given now", lambda new: named(new, "/v1/plans", "q").update(required=True)),
    ("a body must be given now", lambda new: get(new, "/v1/plans").update(requestBody=BODY)),
    ("needs a key now", lambda new: get(new, "/v1/plans").update(security=[{"key": []}])),
    ("was called list_plans, is called plans", lambda new: get(new, "/v1/plans").update(operationId="plans")),
    ("200 is gone", lambda new: get(new, "/v1/plans")["responses"].pop("200")),
    ("text/csv is gone", lambda new: at(get(new, "/v1/plans"), "responses", "200", "content").pop("text/csv")),
    ("header ETag is gone", lambda new: at(get(new, "/v1/plans"), "responses", "200", "headers").pop("ETag")),
    (
        "data[].website: is gone",
        lambda new: at(new, "openapi.json", "components", "schemas", "Plan", "properties").pop("website"),
    ),
    ("plans.website: is gone", lambda new: plan(new).pop("website")),
    ("plans.number: was string, is integer", lambda new: plan(new)["number"].update(type="integer")),
    ("plans.website: null is gone", lambda new: plan(new)["website"].update(anyOf=[{"type": "string"}])),
    ("plans.website: integer is new", lambda new: plan(new)["website"]["anyOf"].append({"type": "integer"})),
    ("plans.website: is not always given", lambda new: at(new, "plans.json", "required").remove("website")),
    ("plans.country: pattern is another", lambda new: plan(new)["country"].update(pattern="^[A-Z]{2}$")),
    ("plans.version: minimum was 1, is None", lambda new: plan(new)["version"].pop("minimum")),
    ("labels[]: was string, is integer", lambda new: plan(new)["labels"]["items"].update(type="integer")),
    (
        "sections[].items[].text: is gone",
        lambda new: at(new, "reports.json", "$defs", "Item", "properties").pop("text"),
    ),
    (
        "paragraphs[].kind: table is new",
        lambda new: at(new, "reports.json", "$defs", "Paragraph", "properties", "kind", "enum").append("table"),
    ),
    ("plans.json: is gone", lambda new: new.pop("plans.json")),
    ("plans.csv: its first", lambda new: new["columns.json"]["plans"].pop()),
    ("plans.csv: its first", lambda new: new["columns.json"]["plans"].reverse()),
    ("plans.csv: its first", lambda new: new["columns.json"]["plans"].insert(3, "new")),
]
ADDITIONS: list[tuple[str, Change]] = [
    ("a path", lambda new: at(new, "openapi.json", "paths").update({"/v1/new": {"get": get(new, "/v1/plans")}})),
    ("a method", lambda new: at(new, "openapi.json", "paths", "/v1/plans").update(post=get(new, "/v1"))),
    ("a parameter", lambda new: get(new, "/v1/plans")["parameters"].append(NEW)),
    ("more rows", lambda new: named(new, "/v1/plans", "limit")["schema"].update(maximum=5000)),
    ("a value of a parameter", lambda new: named(new, "/v1/changes", "history")["schema"]["enum"].append("new")),
    ("a kind of a parameter", lambda new: named(new, "/v1/plans", "as_of")["schema"]["anyOf"].append({"type": "null"})),
    ("a format", lambda new: at(get(new, "/v1/plans"), "responses", "200", "content").update({"text/new": {}})),
    ("a header", lambda new: at(get(new, "/v1/plans"), "responses", "200", "headers").update(New={})),
    (
        "a field",
        lambda new: (plan(new).update(new={"type": "string"}), at(new, "plans.json", "required").append("new")),
    ),
    ("a column", lambda new: new["columns.json"]["plans"].append("new")),
    ("a noun", lambda new: new.update({"news.json": {"type": "object"}})),
]
# What needs no version: nobody has to do anything to go on.
ASIDE: list[tuple[str, Change]] = [
    ("an error", lambda new: get(new, "/v1/plans")["responses"].update({"451": {"description": "For legal reasons."}})),
    ("a description", lambda new: plan(new)["website"].update(description="Another word.")),
    ("a summary", lambda new: get(new, "/v1/plans").update(summary="Another word.")),
]


@cache
def today() -> bytes:
    return msgspec.json.encode(released.today())


def copied() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(today())
    return found


@pytest.mark.parametrize(("expected", "change"), BREAKS, ids=[name for name, _ in BREAKS])
def test_break_is_seen_and_told(expected: str, change: Change) -> None:
    new = copied()
    change(new)
    assert any(expected in fault for fault in released.broken(copied(), new)), released.broken(copied(), new)


@pytest.mark.parametrize("change", [one for _, one in ADDITIONS + ASIDE], ids=[name for name, _ in ADDITIONS + ASIDE])
def test_addition_passes(change: Change) -> None:
    new = copied()
    change(new)
    assert new != copied() and released.broken(copied(), new) == []


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Today's contract, released."""
    directory = tmp_path_factory.mktemp("schemas")
    released.write(directory)
    return directory


@pytest.mark.parametrize(("name", "change"), ADDITIONS, ids=[name for name, _ in ADDITIONS])
def test_addition_needs_a_higher_version(
    kept: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Change
) -> None:
    new = copied()
    change(new)
    monkeypatch.setattr(released, "today", lambda: new)
    assert released.faults(kept) == [
        f"there is more than {contract.VERSION} had; raise VERSION in schemas.py to the next minor version"
    ]
    monkeypatch.setattr(contract, "VERSION", "1.99.0")
    assert released.faults(kept) == []


def test_other_words_need_no_version(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _, change in ASIDE:
        new = copied()
        change(new)
        monkeypatch.setattr(released, "today", lambda new=new: new)
        assert released.faults(kept) == []


def test_another_major_version_is_held_to_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = copied()
    plan(new).pop("website")
    monkeypatch.setattr(released, "today", lambda: new)
    assert released.faults(kept) != []
    monkeypatch.setattr(contract, "VERSION", "2.0.0")
    assert released.faults(kept) == []


def test_released_contract_is_never_written_again(kept: Path) -> None:
    with pytest.raises(Refused, match="is there already"):
        released.write(kept)


def test_newest_is_by_number(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        (tmp_path / "released" / version).mkdir(parents=True)
    found = released.newest(tmp_path)
    assert found is not None and found[0] == "1.10.0"


def test_contract_of_the_repository_is_kept(repository: Path) -> None:
    assert released.faults(repository / "schemas") == []


def test_command_releases_and_refuses_a_break(tmp_path: Path) -> None:
    program("schemas", "--release", str(tmp_path))
    program("schemas", "--check", str(tmp_path))
    columns = next(tmp_path.glob("released/*/columns.json"))
    known = msgspec.json.decode(columns.read_bytes())
    columns.write_bytes(msgspec.json.encode(known | {"plans": ["other"]}))
    assert (
        "plans.csv: its first 1 columns are not other" in program("schemas", "--check", str(tmp_path), expect=1).stderr
    )
