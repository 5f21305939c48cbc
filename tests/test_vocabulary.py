"""A publisher's own vocabulary: another country's plan goes in without a change of code, and a mistake in the file is told."""

from pathlib import Path

import pytest

from ogp_open_data.errors import Refused
from ogp_open_data.formats import to_table
from ogp_open_data.intake.importer import Document, import_document
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.columns import PLAN, PROGRESS
from ogp_open_data.records import Plan
from ogp_open_data.store import checks
from ogp_open_data.store.doors import Store
from serving import program
from test_importer import records

pytestmark = pytest.mark.anyio
KNOWN = vocabulary.load()
OWN = """
[[countries]]
code = "ca"
names = ["Canada", "Canadian"]
time_zone = "America/Toronto"

[[plans]]
id = "ca-nap5"
country = "ca"
number = "5"
title = "National Action Plan on Open Government 2022-2024"
ordinals = ["fifth"]
years = ["2022-2024"]
starts_on = 2022-09-01

[[plans]]
id = "nz-nap5"
starts_on = 2026-01-01

[[organisations]]
id = "ca-tbs"
name = "Treasury Board of Canada Secretariat"
abbreviation = "TBS"
names = [{ text = "Treasury Board of Canada Secretariat" }, { text = "TBS", kind = "abbreviation" }]

[[roles]]
names = ["Chief Information Officer of Canada"]
organisation = "ca-tbs"

[statuses]
underway = ["LP", "SP", "Behind schedule"]
completed = ["Fully met"]

[scales.completion]
substantial = ["mostly done"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN, "utf-8")
    return path


def test_file_is_laid_over_entry_by_entry_and_word_by_word(own: Path) -> None:
    laid = vocabulary.load(str(own))
    assert laid.plans["ca-nap5"].time_zone == "America/Toronto"
    assert laid.plans["nz-nap5"].title == KNOWN.plans["nz-nap5"].title
    assert str(laid.plans["nz-nap5"].starts_on) == "2026-01-01" and KNOWN.plans["nz-nap5"].starts_on is None
    assert (
        laid.organisation_by_name("TBS") == laid.organisation_by_role("Chief Information Officer of Canada") == "ca-tbs"
    )
    assert {**KNOWN.words, "behind schedule": "underway", "fully met": "completed"} == laid.words
    assert laid.scales["completion"]["mostly done"] == "substantial"
    for label in ("Canada's National Action Plan 2022-2024", "Fifth National Action Plan, Canada", "ca-nap5"):
        found = laid.plan_by_label(label)
        assert found is not None and found.id == "ca-nap5", label
    assert laid.plan_by_label("Fifth National Action Plan") is None
    for plan in KNOWN.plans.values():
        for label in plan.labels:
            assert laid.plan_by_label(label) == laid.plans[plan.id], label


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[[plans]\n", 1, "no TOML"),
        ('[[plans]]\nid = "xx-nap1"\n\n[[plans]]\nid = "xx-nap2"\ncountry = "xx"\n', 1, "xx-nap1: "),
        ('[[plans]]\nid = "nz-nap2"\n[[plans]]\nid = "nz-nap3"\nends_on = "soon"\n', 3, "ends_on"),
        ('[[plans]]\nid = "NAP 2"\n', 1, "needs its id"),
        ('[[plans]]\nid = "nz-nap2"\ncolour = "red"\n', 1, "colour"),
        ('[statuses]\nunderway = ["x"]\nnearly = ["nearly there"]\n', 3, "nearly is no status"),
        ('[statuses]\nunderway = "x"\n', 2, "list of words"),
        ('title = "x"\n', 1, "there is no title"),
        ('[scales.colour]\nred = ["x"]\n', 1, "no scale colour"),
        ('[[countries]]\ncode = "ca"\nnames = ["Canada"]\ntime_zone = "Canada/Nowhere"\n', 1, "Nowhere"),
        ("plans = 5\n", 1, r"\[\[plans\]\]"),
    ],
)
def test_mistake_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(Refused, match=what) as refusal:
        vocabulary.load(str(path))
    assert refusal.value.detail.startswith(f"{path}, line {line}: ")


def test_file_that_is_not_there_is_refused_with_the_name_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="OGP_VOCABULARY"):
        vocabulary.load(str(tmp_path / "none.toml"))


def table(columns: list[str], *rows: dict[str, str]) -> bytes:
    return to_table.to_csv([columns, *([row.get(name, "") for name in columns] for row in rows)])


async def test_plan_and_reports_of_another_country_go_in_with_its_words_and_numbers(store: Store, own: Path) -> None:
    laid = vocabulary.load(str(own))
    plan = {"plan": "ca-nap5"}
    body = table(
        PLAN.columns,
        {**plan, "record": "commitment", "commitment": "C01", "title": "Climate change", "leads": "TBS"},
        {
            **plan,
            "record": "milestone",
            "commitment": "C01",
            "milestone": "C01.1",
            "text": "Publish data",
            "ends": "2023-06",
        },
        {
            **plan,
            "record": "milestone",
            "commitment": "C01",
            "milestone": "C01.10",
            "text": "Ask people",
            "ends": "2024-06",
        },
        {**plan, "record": "commitment", "commitment": "1.01", "title": "A UK one"},
    )
    await import_document(store, Document(name="plan.csv", body=body), laid)
    progress = {**plan, "commitment": "C01", "period_start": "2023-01", "period_end": "2023-03"}
    body = table(
        PROGRESS.columns,
        {**progress, "milestone": "C01.1", "status": "SP"},
        {**progress, "milestone": "C01.10", "status": "Fully met"},
    )
    outcome = await import_document(store, Document(name="progress.csv", body=body), laid)
    assert not [one for one in outcome.findings if one.code == "status_unknown"]
    plans = await records(store, "plans")
    assert isinstance(plans["ca-nap5"], Plan) and plans["ca-nap5"].time_zone == "America/Toronto"
    commitments = await records(store, "commitments")
    assert {one.number for one in commitments.values()} == {"C01", "1.01"}  # type: ignore[union-attr]
    milestones = await records(store, "milestones")
    assert {(id, one.number, one.status) for id, one in milestones.items()} == {  # type: ignore[union-attr]
        ("ca-nap5-cc01-mc01-1", "C01.1", "underway"),
        ("ca-nap5-cc01-mc01-10", "C01.10", "completed"),
    }
    assert await store.reading(checks.faults) == []


def test_command_line_reads_the_file_that_the_setting_names(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OGP_VOCABULARY", str(own))
    file = tmp_path / "progress.csv"
    file.write_bytes(
        table(
            PROGRESS.columns,
            {"plan": "ca-nap5", "commitment": "C01", "period_end": "2023-03", "milestone": "1", "status": "Fully met"},
        )
    )
    assert '"status": "completed"' in program("parse", file).stdout
