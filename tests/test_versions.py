"""Where each version was read, and the history of one field."""

from pathlib import Path

import httpx
import pytest

from ogp_open_data.formats import to_table
from ogp_open_data.web.reads.versions import letters
from serving import program, running
from test_importer import MILESTONES, report
from test_tables import HEADER, as_xlsx

LINE = "nz-nap2-c5-r2017-09-2017-11-m1"


@pytest.mark.parametrize(("place", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_lettered_as_a_spreadsheet_letters_them(place: int, name: str) -> None:
    assert letters(place) == name


def test_history_of_a_field_has_value_release_cause_reason_and_where_it_was_read(dsn: str, tmp_path: Path) -> None:
    text, table, csv = tmp_path / "r.txt", tmp_path / "r.xlsx", tmp_path / "r.csv"
    text.write_text(report(), "utf-8")
    rows = [["nz-nap2", "5", "2017-09-01", "2017-11-30", m[0], m[1], "", "December 2018", m[3]] for m in MILESTONES]
    table.write_bytes(as_xlsx([["Notes"]], Progress=[[], HEADER, *rows]))
    csv.write_bytes(to_table.to_csv([HEADER, *([*row[:7], "June 2019", row[8]] for row in rows)]))
    program("import", text, "--database-url", dsn, "--source-url", "https://example.org/r")
    program("import", table, "--database-url", dsn)
    program("correct", LINE, "--set", "ends=2019-01", "--reason", "a misprint", "--database-url", dsn)
    program("import", csv, "--database-url", dsn)
    with running("--database-url", dsn) as (_, url), httpx.Client(base_url=url, timeout=30) as client:
        told = client.get(f"/v1/progress/{LINE}/versions?field=ends").json()["data"]
        assert [(one["version"], one["release"], one["value"], one["cause"]) for one in told] == [
            (1, 1, "2018-06", "import"),
            (2, 2, "2018-12", "import"),
            (3, 3, "2019-01", "correction"),
            (4, 4, "2019-06", "import"),
        ]
        first, second, by_hand, last = (one["source"] for one in told)
        assert (first["name"], first["url"], first["cell"]) == ("r.txt", "https://example.org/r", None)
        lines = text.read_text("utf-8").splitlines()
        assert lines[first["line"] - 1] == "Milestone 1"
        assert (second["sheet"], second["line"], second["cell"]) == ("Progress", 3, "H3")
        assert len(second["sha256"]) == 64 and second["media_type"].endswith("sheet")
        assert by_hand is None and told[2]["reason"] == "a misprint"
        assert (last["sheet"], last["cell"]) == (None, "H2")
        assert all(one["url"] == f"/v1/progress/{LINE}?as_of={one['release']}" for one in told)
        number = client.get(f"/v1/progress/{LINE}/versions?field=number").json()["data"]
        assert [(one["version"], one["value"]) for one in number] == [(1, "1")]
        whole = client.get(f"/v1/progress/{LINE}/versions").json()
        assert whole["meta"]["total"] == 4 and "value" not in whole["data"][0]
        derived = client.get("/v1/milestones/nz-nap2-c5-m1/versions?field=ends_raw").json()["data"]
        assert derived[1]["source"]["cell"] == "H3"
        fault = client.get(f"/v1/progress/{LINE}/versions?field=end")
        assert fault.status_code == 400 and "did you mean ends?" in fault.json()["detail"]
