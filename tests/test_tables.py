"""Tables of offices that keep a spreadsheet: CSV, XLSX and JSON say the same, faults come back, our own export goes in again."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

import httpx
import openpyxl
import pytest
from msgspec.structs import replace

from document_formats import bounded, refusal
from ogp_open_data.errors import DocumentRefused
from ogp_open_data.formats import to_csv, to_table
from ogp_open_data.intake.importer import Document, import_document, read, sample
from ogp_open_data.intake.reading import documents, vocabulary
from ogp_open_data.intake.reading.columns import TABLES
from ogp_open_data.intake.reading.drafts import Draft
from ogp_open_data.intake.reading.templates import NAMES, template
from ogp_open_data.store import checks, listings, releases, single
from ogp_open_data.store.doors import Store
from ogp_open_data.store.listings import Listing
from test_importer import imported, report

pytestmark = pytest.mark.anyio
KNOWN = vocabulary.load()
HEADER = ["plan", "commitment", "period_start", "period_end", "milestone", "text", "starts", "ends", "status"]
ROWS = [
    [
        "nz-nap2",
        "1.01",
        "2017-09-01",
        "2017-11-30",
        "1.10",
        "Tell Māori first\n(and “others”)",
        "",
        "June 2018",
        "Underway",
    ],
    ["nz-nap2", "1.01", "2017-09-01", "2017-11-30", "2A", "=not a formula", "2017-05", "", "Completed"],
]


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    return to_table.to_csv(rows)


def as_xlsx(rows: Sequence[Sequence[object]], **named: Sequence[Sequence[object]]) -> bytes:
    """A workbook as an office makes it: cells are what was typed, or what they are given as."""
    book = openpyxl.Workbook()
    for name, table in {"Sheet": rows, **named}.items():
        sheet = book.active if name == "Sheet" else book.create_sheet(name)
        for number, row in enumerate(table, 1):
            for place, value in enumerate(row, 1):
                cell = sheet.cell(number, place)
                value, cell.number_format = value if isinstance(value, tuple) else (value, "General")
                cell.value = value
                cell.data_type = "s" if isinstance(value, str) and value else cell.data_type
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def as_json(rows: Sequence[Sequence[str]]) -> bytes:
    return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]).encode()


def as_lines(rows: Sequence[Sequence[str]]) -> bytes:
    return "\n".join(json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]).encode()


def drafted(body: bytes, name: str) -> Draft:
    return read(Document(name=name, body=body), KNOWN)[1]


def said(draft: Draft) -> list[tuple[str | None, ...]]:
    return [(one.number, one.text, one.status, one.start, one.end) for one in draft.reports[0].milestones]


def errors(body: bytes, name: str) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as refusal:
        drafted(body, name)
    return refusal.value


def test_same_table_in_every_format_is_the_same_draft() -> None:
    rows = [HEADER, *ROWS]
    expected = drafted(as_csv(rows), "a.csv")
    [only] = expected.reports
    assert (only.commitment_number, [one.number for one in only.milestones]) == ("1.01", ["1.10", "2A"])
    assert [one.text for one in only.milestones] == ["Tell Māori first\n(and “others”)", "=not a formula"]
    for name in ("a.xlsx", "download"):
        draft = drafted(as_xlsx(rows), name)
        assert (draft.sheet, replace(draft, sheet=None)) == ("Sheet", expected)
    for body, name in (
        (as_json(rows), "a.json"),
        (b'{"data": %b}' % as_json(rows), "a.json"),
        (as_lines(rows), "a.ndjson"),
    ):
        assert said(drafted(body, name)) == said(expected)


def test_cells_of_a_workbook_are_read_as_it_shows_them() -> None:
    day = datetime(2018, 6, 1)
    rows = [
        [
            "nz-nap2",
            5,
            (date(2017, 9, 1), "d/mm/yyyy"),
            (datetime(2017, 11, 30), "yyyy-mm-dd"),
            1,
            "a",
            "",
            (day, "mmm-yy"),
            "Underway",
        ],
        ["nz-nap2", 5.0, "2017-09-01", "2017-11-30", (1.1, "0.00"), "b", "", (day, "d mmmm yyyy"), "Underway"],
        [],
        ["nz-nap2", "5", "2017-09-01", "2017-11-30", 1.01, "c", "", "Ongoing", "Underway"],
    ]
    [one] = drafted(as_xlsx([HEADER, *rows]), "a.xlsx").reports
    assert one.commitment_number == "5"
    assert [(m.number, m.end, m.ongoing, m.line) for m in one.milestones] == [
        ("1", "2018-06", False, 2),
        ("1.10", "2018-06-01", False, 3),
        ("1.01", None, True, 5),
    ]


def test_sheet_that_is_a_table_is_found_and_another_one_is_told_of() -> None:
    body = as_xlsx([["Notes"], ["keep out"]], Progress=[HEADER, *ROWS], More=[HEADER, *ROWS])
    draft = drafted(body, "a.xlsx")
    assert len(draft.reports) == 1
    assert [(one.code, one.raw) for one in draft.findings] == [("sheet_unread", "More")]
    assert drafted(as_xlsx([["a", "b"], [1, 2]]), "a.xlsx").kind == "unrecognised"


def test_formula_gives_its_saved_value_and_one_that_fails_is_a_fault() -> None:
    rows = [HEADER, ["nz-nap2", "5", "2017-09-01", "2017-11-30", "1", "x", "", "", "#REF!"]]
    body = as_xlsx(rows)
    book = openpyxl.load_workbook(io.BytesIO(body))
    book.active["I2"].data_type = "e"
    out = io.BytesIO()
    book.save(out)
    assert "cell I2 shows an error" in errors(out.getvalue(), "a.xlsx").detail


def test_number_that_a_spreadsheet_made_a_date_is_a_fault() -> None:
    rows = [
        HEADER,
        ["nz-nap2", "5", "2017-09-01", "2017-11-30", (datetime(2018, 2, 1), "d-mmm"), "x", "", "", "Underway"],
    ]
    [fault] = errors(as_xlsx(rows), "a.xlsx").extra["errors"]
    assert (fault["row"], fault["column"]) == (2, "milestone") and "made a date" in fault["message"]


def planted() -> tuple[str, dict[int, str]]:
    """A table of 200 rows with blank lines, quoted line breaks and a mark at its beginning, and the nine faults in it."""
    good = [["nz-nap2", str(c), "2017-09-01", "2017-11-30", str(m), f"Line one\r\nof {c}.{m}", "", "June 2018", "Underway"]
            for c in range(1, 21) for m in range(1, 11)]  # fmt: skip
    changes = {
        3: {0: "nz-nap2", 1: ""},
        17: {2: "2017-09-31"},
        40: {3: "soon"},
        41: {1: "nz-nap2-c5-m1"},
        80: {4: "", 5: ""},
        111: {2: "2018-12-01"},
        152: {4: "1"},
        177: {3: ""},
        199: {4: "2018-02"},
    }
    columns = {3: "commitment", 17: "period_start", 40: "period_end", 41: "commitment", 80: "status", 111: "period_start",
               152: "milestone", 177: "period_end", 199: "milestone"}  # fmt: skip
    for index, cells in changes.items():
        for place, text in cells.items():
            good[index][place] = text
    good[80][7] = ""
    shown = {}
    text = to_table.to_csv([HEADER], marked=True).decode()
    number = 1
    for index, row in enumerate(good):
        if index % 13 == 0:
            text += "\r\n"
            number += 1
        text += to_table.to_csv([row]).decode()
        number += 1
        if index in columns:
            shown[number] = columns[index]
    assert len(good) == 200
    return text, shown


def test_nine_planted_faults_among_200_rows_are_told_with_the_rows_that_the_spreadsheet_shows() -> None:
    text, shown = planted()
    refusal = errors(text.encode(), "a.csv")
    assert {one["row"]: one["column"] for one in refusal.extra["errors"]} == shown
    assert len(refusal.extra["errors"]) == 9


def test_faulty_rows_come_back_as_the_same_table_and_go_in_when_they_are_mended() -> None:
    text, shown = planted()
    refusal = errors(text.encode(), "a.csv")
    body = to_table.to_csv(refusal.rejected, marked=True)
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    assert [*rows[0]] == [*HEADER, "row", "error"]
    assert [int(one["row"]) for one in rows] == list(shown)
    assert all(shown[int(one["row"])] in one["error"] for one in rows)
    assert "Line one\nof 1.4" in rows[0]["text"]
    third = next(row for row in refusal.rejected if row[9] == str(list(shown)[2]))
    mended = [refusal.rejected[0], [*third[:3], "2017-11-30", *third[4:]]]
    again = drafted(to_table.to_csv(mended), "mended.csv")
    assert (len(again.reports), again.findings) == (1, [])


async def test_own_export_goes_in_again_and_changes_nothing(store: Store) -> None:
    for one in sample():
        await import_document(store, one, KNOWN)
    await imported(store, report(period="July to August 2018", number="5"))
    head = await store.reading(releases.head)
    for noun in ("progress", "assessments"):
        rows = await store.reading(listings.page, Listing(noun=noun, release=head.number), ("doc", "csv"))
        body = "\r\n".join([to_csv.header(noun), *(row.csv for row in rows)]) + "\r\n"
        data = b"[" + b",".join(row.doc.encode() for row in rows) + b"]"
        cells = list(csv.reader(io.StringIO(body, newline="")))
        for again, name in ((body.encode(), "a.csv"), (data, "a.json"), (as_xlsx(cells), "a.xlsx")):
            outcome = await import_document(store, Document(name=name, body=again), KNOWN)
            assert (outcome.release, [(edit.id, edit.changed_fields) for edit in outcome.edits]) == (None, [])
    assert await store.reading(checks.faults) == []


async def test_edited_export_changes_what_was_edited_and_nothing_else(store: Store) -> None:
    await imported(store, report())
    rows = await store.reading(listings.page, Listing(noun="progress", release=1), ("csv",))
    lines = [
        to_csv.header("progress"),
        *(row.csv.replace(",underway,Underway,", ",Completed,Underway,") for row in rows),
    ]
    outcome = await import_document(store, Document(name="a.csv", body="\r\n".join(lines).encode()), KNOWN)
    changed = {edit.id: edit.changed_fields for edit in outcome.edits if edit.noun == "progress"}
    assert changed == {f"nz-nap2-c5-r2017-09-2017-11-m{m}": ["status", "status_raw"] for m in (1, 3)}
    kept = next(edit for edit in outcome.edits if edit.noun == "reports")
    assert kept.changed_fields == ["source"]


async def test_export_goes_into_an_empty_store_with_the_ids_it_had(store: Store) -> None:
    header = to_csv.header("progress").split(",")
    row = dict.fromkeys(header, "") | {"milestone": "nz-nap2-c5-m2-2", "commitment": "nz-nap2-c5", "plan": "nz-nap2"}
    row |= {"period_start": "2017-09-01", "period_end": "2017-11-30", "number": "2", "status": "underway", "text": "x"}
    body = to_table.to_csv([header, [row[name] for name in header]])
    outcome = await import_document(store, Document(name="a.csv", body=body), KNOWN)
    assert "nz-nap2-c5-m2-2" in {edit.id for edit in outcome.edits}
    elsewhere = body.replace(b"nz-nap2-c5,", b"nz-nap2-c2a,").replace(b"c5-m2-2", b"c2a-m1")
    with pytest.raises(DocumentRefused, match="no commitment nz-nap2-c2a"):
        await import_document(store, Document(name="a.csv", body=elsewhere), KNOWN)


async def test_table_says_nothing_of_the_narrative_and_so_leaves_it(store: Store) -> None:
    await imported(store, report())
    rows = [["nz-nap2", "5", "2017-09-01", "2017-11-30", str(m), "", "", "", "Delayed"] for m in (1, 2, 3)]
    await import_document(store, Document(name="a.csv", body=as_csv([HEADER, *rows])), KNOWN)
    at = await store.reading(single.item, "reports", "nz-nap2-c5-r2017-09-2017-11", 2)
    assert at is not None and at.doc is not None
    held = json.loads(at.doc)
    assert [one["kind"] for one in held["sections"]] == ["done", "next"]
    assert (held["organisations"], held["title"]) == (
        ["nz-psc"],
        "Commitment 5 progress report: September to November 2017",
    )


@pytest.mark.parametrize("name", NAMES)
def test_template_is_a_table_without_rows_and_the_same_bytes_each_time(name: str) -> None:
    media_type, body = template(name)
    assert media_type.partition(";")[0] in documents.TABULAR
    assert "no rows below its header" in errors(body, name).detail
    assert template(name)[1] == body


def test_template_filled_in_goes_in() -> None:
    book = openpyxl.load_workbook(io.BytesIO(template("progress.xlsx")[1]))
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    assert all(cell.number_format == "@" for cell in sheet[2])
    for number, row in enumerate(ROWS, 2):
        for name, text in zip(HEADER, row, strict=True):
            sheet.cell(number, names.index(name) + 1).value = text
            sheet.cell(number, names.index(name) + 1).data_type = "s"
    out = io.BytesIO()
    book.save(out)
    assert (
        drafted(out.getvalue(), "a.xlsx").reports[0].milestones
        == drafted(as_csv([HEADER, *ROWS]), "a.csv").reports[0].milestones
    )


def test_every_column_of_a_template_is_explained_in_it() -> None:
    for table in TABLES:
        explained = openpyxl.load_workbook(io.BytesIO(template(f"{table.name}.xlsx")[1]))["Columns"]
        assert [row[0].value for row in explained.iter_rows(min_row=2)] == table.columns
        assert all(row[3].value for row in explained.iter_rows(min_row=2))


HOSTILE_JSON = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a name twice": b'[{"plan": "x", "plan": "y"}]',
    "no number": b'[{"plan": NaN}]',
    "5,000 digits": b'[{"plan": ' + b"1" * 5_000 + b"}]",
    "half a pair": b'[{"plan": "\\ud800"}]',
    "not closed": b'[{"plan": "x"',
    "no table": b'{"plan": "x"}',
    "no objects": b"[1, 2]",
    "a NUL": b'[{"plan": "x\x00"}]',
    "many names": json.dumps([{f"a{n}": "x" for n in range(1_000)}]).encode(),
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_refused_in_bounds(name: str) -> None:
    refusal(HOSTILE_JSON[name], "a.json")


def test_hostile_workbooks_are_refused_in_bounds() -> None:
    def with_part(name: str, part: bytes) -> bytes:
        body = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(as_xlsx([HEADER]))) as old,
            zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for entry in old.namelist():
                new.writestr(entry, part if entry == name else old.read(entry))
        return body.getvalue()

    sheet = "xl/worksheets/sheet1.xml"
    bomb = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    for part in (
        bomb + b" " * 60_000_000,
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + bomb,
        bomb + b'<row r="1"><c r="A1"><v>1</v></c></row>' * 600_000,
        bomb + b"<a>" * 100_000,
        bomb,
    ):
        refusal(with_part(sheet, part), "a.xlsx")
    for cut in (100, 2_000):
        refusal(as_xlsx([HEADER])[:cut], "a.xlsx")
    far = bomb + b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    with bounded():
        assert drafted(with_part(sheet, far), "a.xlsx").kind == "unrecognised"


def test_templates_are_served_and_all_of_them_are_in_the_contract(client: httpx.Client) -> None:
    for name in NAMES:
        answer = client.get(f"/templates/{name}")
        assert (answer.headers["content-type"], answer.content) == template(name)
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    missing = client.get("/templates/other.csv")
    assert missing.status_code == 404 and "progress.xlsx" in missing.json()["detail"]
    [names] = [
        one["schema"]["enum"]
        for one in client.get("/openapi.json").json()["paths"]["/templates/{name}"]["get"]["parameters"]
    ]
    assert names == NAMES
