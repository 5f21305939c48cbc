"""Tables read back by tools that nobody here wrote: each holds what JSON holds, and nothing in them runs."""

import csv
import hashlib
import io
import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import openpyxl
import pyarrow.parquet
import pytest

from ogp_open_data.formats import MISSING, build, to_csv, to_parquet, to_xlsx
from ogp_open_data.formats.about import About
from ogp_open_data.records import NOUNS, Finding, Progress, Report, Source, canonical
from ogp_open_data.web import asking

ABOUT = About(
    title="Māori",
    release=3,
    made_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
    publisher="Te Kawa Mataaho",
    licence_name="CC BY 4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    address="https://data.example.org/v1/progress?as_of=3",
)
# What spreadsheets have run: OWASP's list, behind white space, quotes and full-width forms, and a few calls.
PAYLOADS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    '"=1',
    "'=1",
    "＝1+1",
    "=cmd|'/c calc'!A1",
    '=HYPERLINK("http://evil.example","x")',
    '=WEBSERVICE("http://evil.example")',
    "a;=1",
    "a,=1",
    "a\t=1",
    "=1\n=2",
    "http://evil.example",
    "0x1F",
]
SURVIVORS = [
    "2A",
    "1.01",
    "007",
    "1e5",
    "2018-06",
    "Kāwa Mataaho",
    "a|b",
    "a\\|b",
    "TRUE",
    "_x0041_",
    "😀",
    "\u2028x",
    "",
]
CELLS = [text for text in (*PAYLOADS, *SURVIVORS) if text]


def lines_of(texts: list[str]) -> bytes:
    """Progress lines with these texts in every place that takes one."""
    return b"".join(canonical(progress(n, text)) + b"\n" for n, text in enumerate(texts, 1))


def progress(number: int, text: str) -> Progress:
    id = f"xx-a-c1-m{number}-r2017-11"
    stamp = {"id": id, "url": f"/v1/progress/{id}", "version": 1, "release": 3}
    of = {"report": "xx-a-c1-r2017-11", "milestone": f"xx-a-c1-m{number}", "commitment": "xx-a-c1", "plan": "xx-a"}
    return Progress(
        **stamp,
        **of,
        period_end=date(2017, 11, 30),
        number=text,
        status_raw=text,
        ends_raw=text,
        text=text,
        ends="2018-06",
    )


def test_state_rebuilt_from_csv_alone_is_what_v1_serves(client: httpx.Client) -> None:
    """By the rules of docs/formats.md and the types of the data package, with nothing of ours but the header."""
    types = {one["name"]: one["schema"]["fields"] for one in client.get("/datapackage.json").json()["resources"]}
    for noun in NOUNS:
        rows = csv.DictReader(io.StringIO(client.get(f"/v1/{noun}.csv").text, newline=""), strict=True)
        kinds = {field["name"]: field["type"] for field in types[noun]}
        rebuilt = [{name: parsed(kinds[name], cell) for name, cell in row.items()} for row in rows]
        if noun in ("reports", "assessments"):
            for one in rebuilt:
                one["source"] = {name.removeprefix("source_"): one.pop(name) for name in list(one) if "source_" in name}
        served = [msgspec.json.decode(line) for line in client.get(f"/v1/{noun}.ndjson").content.splitlines()]
        assert rebuilt == served and served
        digests = [(one["id"], hashlib.sha256(canonical(one)).hexdigest()) for one in rebuilt]
        lines = "".join(f"{id}\t{sha256}\n" for id, sha256 in sorted(digests, key=lambda one: one[0].encode()))
        release = client.get("/v1").json()["data"]["release"]
        told = client.get(f"/v1/releases/{release}").json()["data"]["digests"][noun]
        assert hashlib.sha256(lines.encode()).hexdigest() == told


def parsed(kind: str, cell: str) -> Any:
    """A cell by the type of its column."""
    text = re.sub("^'(?='*[\\s\"]*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20])", "", cell)
    if kind == "list":
        return [re.sub(r"\\(.)", r"\1", one) for one in re.findall(r"(?:\\.|[^|])+", text)]
    if kind == "array":
        return msgspec.json.decode(cell) if cell else []
    if cell == "":
        return None
    return {"integer": int, "boolean": "true".__eq__}.get(kind, str)(text)


def test_duckdb_reads_the_csv_strictly_and_parquet_as_the_same_rows(client: httpx.Client, tmp_path: Path) -> None:
    strict = "header = true, all_varchar = true, strict_mode = true, ignore_errors = false, null_padding = false"
    for noun in NOUNS:
        for suffix in ("csv", "parquet"):
            (tmp_path / f"{noun}.{suffix}").write_bytes(client.get(f"/v1/{noun}.{suffix}").content)
        table = duckdb.sql(f"SELECT * FROM read_csv('{tmp_path}/{noun}.csv', delim = ',', quote = '\"', {strict})")
        assert table.columns == to_csv.columns(noun)
        packed = duckdb.sql(f"SELECT * FROM '{tmp_path}/{noun}.parquet'")
        assert packed.columns == table.columns
        place = table.columns.index("id"), table.columns.index("version")
        rows = [[str(row[n]) for n in place] for row in table.fetchall()]
        assert rows == [[str(row[n]) for n in place] for row in packed.fetchall()]
        served = client.get(f"/v1/{noun}.ndjson").content.splitlines()
        assert [row[0] for row in rows] == [msgspec.json.decode(line)["id"] for line in served]
    assert duckdb.sql(
        f"SELECT typeof(period_end), typeof(number) FROM '{tmp_path}/progress.parquet' LIMIT 1"
    ).fetchall() == [("DATE", "VARCHAR")]


@pytest.mark.parametrize("noun", NOUNS)
def test_parquet_holds_what_json_holds(client: httpx.Client, noun: str) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(client.get(f"/v1/{noun}.parquet").content))
    told = {name.decode(): value.decode() for name, value in table.schema.metadata.items()}
    assert told["licence"] == "CC BY 4.0" and told["release"] == str(client.get("/v1").json()["data"]["release"])
    served = [msgspec.json.decode(line) for line in client.get(f"/v1/{noun}.ndjson").content.splitlines()]
    for row, record in zip(table.to_pylist(), served, strict=True):
        record |= {f"source_{name}": value for name, value in record.pop("source", {}).items()}
        assert {name: plain(value) for name, value in row.items()} == {
            name: msgspec.json.encode(value).decode() if nested(value) and isinstance(row[name], str) else value
            for name, value in record.items()
        }


def plain(value: Any) -> Any:
    return msgspec.to_builtins(value) if isinstance(value, date | datetime) else value


def nested(value: Any) -> bool:
    return isinstance(value, list)


@pytest.mark.parametrize("noun", NOUNS)
def test_workbook_holds_what_json_holds_and_every_text_is_a_text(client: httpx.Client, noun: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/v1/{noun}.xlsx").content))
    header, *rows = book[noun].iter_rows()
    assert [cell.value for cell in header] == to_csv.columns(noun)
    lines = client.get(f"/v1/{noun}.csv").text
    expected = list(csv.reader(io.StringIO(lines, newline=""), strict=True))[1:]
    assert len(rows) == len(expected)
    for row, cells in zip(rows, expected, strict=True):
        assert [as_csv(cell.value) for cell in row] == [to_csv.unguard(cell) for cell in cells]
        assert {cell.data_type for cell in row} <= {"s", "n", "b", "d"}
    about = {row[0].value: row[1].value for row in book["about"].iter_rows()}
    assert about["licence"] == "CC BY 4.0" and about["publisher"] == book.properties.creator
    assert book.properties.created == datetime.fromisoformat(about["released_at"]).replace(tzinfo=None)


def as_csv(value: Any) -> str:
    """A cell of a workbook as CSV writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat()
    return "" if value is None else str(value)


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_built_file_is_the_same_bytes_whenever_it_is_built(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = lines_of(CELLS)
    first = build.built(suffix, "progress", lines, None, ABOUT)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert build.built(suffix, "progress", lines, None, ABOUT) == first
    other = msgspec.structs.replace(ABOUT, release=4)
    assert build.built(suffix, "progress", lines, None, other) != first


def test_texts_survive_in_parquet() -> None:
    packed = build.built("parquet", "progress", lines_of(CELLS), None, ABOUT)
    rows = pyarrow.parquet.read_table(io.BytesIO(packed)).to_pylist()
    assert [row["text"] for row in rows] == [row["number"] for row in rows] == CELLS
    assert {row["ends"] for row in rows} == {"2018-06"} and {row["period_end"] for row in rows} == {date(2017, 11, 30)}


@pytest.mark.parametrize("place", [0, 5, 9])
def test_row_that_is_longer_than_what_is_read_at_once_is_in_parquet_with_the_others(place: int) -> None:
    texts = ["short"] * 10
    texts[place] = "x" * (2 * to_parquet.BLOCK)
    packed = build.built("parquet", "progress", lines_of(texts), None, ABOUT)
    assert [row["text"] for row in pyarrow.parquet.read_table(io.BytesIO(packed)).to_pylist()] == texts


def gnumeric(file: Path) -> str:
    """A file as Gnumeric understands it, in its own XML."""
    if shutil.which("ssconvert") is None:
        pytest.skip("ssconvert is not installed (apt install gnumeric)")
    out = file.with_suffix(".xml")
    subprocess.run(
        ["ssconvert", "-T", "Gnumeric_XmlIO:sax:0", str(file), str(out)], check=True, capture_output=True, timeout=60
    )
    return out.read_text(encoding="utf-8")


def cells(text: str) -> list[tuple[str | None, str]]:
    """Type and text of each cell; a formula has no type. 60 is a string."""
    found = re.findall(r"<gnm:Cell ([^>]*)>([^<]*)</gnm:Cell>", text)
    return [
        (type[1] if (type := re.search(r'ValueType="(\d+)"', about)) else None, content) for about, content in found
    ]


def test_gnumeric_finds_no_formula_in_csv_or_workbook(tmp_path: Path) -> None:
    records = [msgspec.json.decode(line, type=Progress) for line in lines_of(CELLS).splitlines()]
    body = "\r\n".join([to_csv.header("progress"), *map(to_csv.line, records), ""])
    (tmp_path / "table.csv").write_bytes(body.encode())
    (tmp_path / "book.xlsx").write_bytes(build.built("xlsx", "progress", lines_of(CELLS), None, ABOUT))
    for file in ("table.csv", "book.xlsx"):
        found = cells(gnumeric(tmp_path / file))
        assert len(found) > len(CELLS) * 10
        assert [one for one in found if one[0] is None or (one[1].startswith("=") and one[0] != "60")] == []
    texts = [content for kind, content in cells(gnumeric(tmp_path / "book.xlsx")) if kind == "60"]
    assert {"2A", "1.01", "007", "Kāwa Mataaho"} <= set(texts)
    # It would find one.
    (tmp_path / "live.csv").write_bytes(b"text\r\n=1+1\r\n")
    assert any(kind is None for kind, _ in cells(gnumeric(tmp_path / "live.csv")))


def test_cell_longer_than_excel_takes_is_cut_and_says_so() -> None:
    long = progress(1, "ā" * 40_000)
    book = openpyxl.load_workbook(io.BytesIO(build.built("xlsx", "progress", canonical(long) + b"\n", None, ABOUT)))
    value = str(book["progress"].cell(2, to_csv.columns("progress").index("text") + 1).value)
    assert len(value) == to_xlsx.MOST_CHARACTERS and value.endswith(to_xlsx.CUT)


def test_only_some_columns_are_built_where_they_are_asked_for(client: httpx.Client) -> None:
    body = client.get("/v1/progress.parquet?fields=number,status&limit=5").content
    assert pyarrow.parquet.read_table(io.BytesIO(body)).column_names == ["number", "status"]
    book = openpyxl.load_workbook(io.BytesIO(client.get("/v1/progress.xlsx?fields=number,status&limit=5").content))
    assert [cell.value for cell in book["progress"][1]] == ["number", "status"] and book["progress"].max_row == 6


def test_byte_order_mark_is_asked_for_and_makes_another_representation(client: httpx.Client) -> None:
    without, marked = client.get("/v1/organisations.csv"), client.get("/v1/organisations.csv?bom=1")
    assert marked.content == "\ufeff".encode() + without.content and marked.headers["etag"] != without.headers["etag"]
    assert "Māori" in marked.text or "Kāwa" in marked.text
    assert client.get("/v1/organisations.json?bom=1").status_code == 400
    assert client.get("/v1/organisations.csv?bom=0").status_code == 400
    one = client.get("/v1/plans/nz-nap2.csv?bom=1").content
    assert one == "\ufeff".encode() + client.get("/v1/plans/nz-nap2.csv").content


def test_nested_values_of_a_report_are_json_in_parquet() -> None:
    report = Report(
        id="nz-a-c1-r2017-11", url="/v1/reports/nz-a-c1-r2017-11", version=1, release=1, commitment="nz-a-c1", plan="nz-a",
        kind="progress", title=None, period_raw=None, period_start=None, period_end=date(2017, 11, 30),
        findings=[Finding("c", None, "ā", 3, "m")], organisations=["nz-psc", "nz-dia"],
        source=Source(url="https://example.org", retrieved_at=datetime(2026, 1, 2, tzinfo=UTC)),
    )  # fmt: skip
    packed = build.built("parquet", "reports", canonical(report) + b"\n", None, ABOUT)
    (row,) = pyarrow.parquet.read_table(io.BytesIO(packed)).to_pylist()
    assert msgspec.json.decode(row["findings"], type=list[Finding]) == report.findings
    assert row["organisations"] == ["nz-psc", "nz-dia"] and row["source_url"] == "https://example.org"
    assert row["source_retrieved_at"] == report.source.retrieved_at


def test_server_without_pyarrow_says_what_would_bring_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MISSING == {}
    monkeypatch.setitem(MISSING, "parquet", "pip install 'ogp-open-data[parquet]'")
    with pytest.raises(asking.NotFound, match=r"cannot write \.parquet.*ogp-open-data\[parquet\]"):
        asking.negotiated(None, "parquet")  # type: ignore[arg-type]
