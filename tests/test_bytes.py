"""The bytes of a record: canonical JSON, and a CSV line that a spreadsheet cannot run and that loses nothing."""

import csv
import io
from datetime import UTC, date, datetime

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ogp_open_data import schemas
from ogp_open_data.formats import to_csv
from ogp_open_data.records import NOUNS, Organisation, Report, Source, canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def organisation(**given: object) -> Organisation:
    stamp = {"id": "nz-psc", "url": "/v1/organisations/nz-psc", "version": 1, "release": 3}
    return Organisation(**{**stamp, "name": "Public Service Commission", **given})


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT, lambda inner: st.lists(inner))
)
def test_canonical_json_is_rfc_8785(value: object) -> None:
    whole = {"b": value, "a": 1, "A": None}
    assert canonical(whole) == rfc8785.dumps(whole)


@given(TEXT, st.lists(TEXT, max_size=3))
def test_guarded_cell_comes_back_and_never_begins_like_a_formula(text: str, parts: list[str]) -> None:
    guarded = to_csv.guard(text)
    assert to_csv.unguard(guarded) == text
    assert guarded.lstrip(" \"'")[:1] not in ("=", "+", "-", "@") or guarded.startswith("'")


@given(TEXT | st.text("ab '\"=+-@\t\r\n,\x1c\u2028\uff1d", max_size=4))
def test_cell_that_is_not_looked_at_closely_needs_neither_guard_nor_quotes(text: str) -> None:
    assert not to_csv._plain(text) or (to_csv.guard(text) == text and not to_csv.QUOTED.search(text))


@given(TEXT, TEXT)
def test_line_is_one_csv_record_of_as_many_fields_as_the_header(name: str, abbreviation: str) -> None:
    record = organisation(name=name, abbreviation=abbreviation)
    body = to_csv.header("organisations") + "\r\n" + to_csv.line(record) + "\r\n"
    header, row = list(csv.reader(io.StringIO(body, newline=""), strict=True))
    assert len(header) == len(row)
    found = dict(zip(header, row, strict=True))
    assert to_csv.unguard(found["name"]) == name
    assert to_csv.unguard(found["abbreviation"]) == abbreviation


def test_formulas_are_neutralised_behind_white_space_and_quotes() -> None:
    for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '"=1', "＝1", "'=1"]:
        assert to_csv.guard(cell) == "'" + cell
    for cell in ["Māori", "2A", "1.01", "it's", "'quoted'", "a-b"]:
        assert to_csv.guard(cell) == cell


def test_source_is_spread_and_lists_are_joined() -> None:
    report = Report(
        id="nz-a-c1-r2017-11",
        url="/v1/reports/nz-a-c1-r2017-11",
        version=1,
        release=1,
        commitment="nz-a-c1",
        plan="nz-a",
        kind="progress",
        title="A “title”, with a comma",
        period_raw=None,
        period_start=None,
        period_end=date(2017, 11, 30),
        organisations=["nz-psc", "nz-dia"],
        source=Source(url="https://example.org/r", sha256="ab", retrieved_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    )
    row = dict(
        zip(to_csv.header("reports").split(","), next(csv.reader([to_csv.line(report)])), strict=True),
    )
    assert row["organisations"] == "nz-psc|nz-dia"
    assert (row["source_url"], row["source_retrieved_at"]) == ("https://example.org/r", "2026-01-02T03:04:05Z")
    assert (row["period_start"], row["period_end"]) == ("", "2017-11-30")
    assert row["sections"] == ""


def test_every_noun_has_a_schema_that_describes_every_field() -> None:
    for noun, struct in NOUNS.items():
        schema = schemas.schema(noun)
        assert list(schema["properties"]) == list(struct.__struct_fields__)
        assert schema["required"] == sorted(struct.__struct_fields__)
        assert schema["description"]


def test_schemas_in_the_repository_are_up_to_date(repository) -> None:  # type: ignore[no-untyped-def]
    assert schemas.stale(repository / "schemas") == []


def test_record_survives_its_own_bytes() -> None:
    record = organisation(name_mi="Te Kawa Mataaho", parent="nz-dia")
    assert msgspec.json.decode(canonical(record), type=Organisation) == record
