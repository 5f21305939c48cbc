"""What changed between two reports: statuses, slipped ends, what went back, what came and went; and between two versions of one."""

from typing import Any

import httpx

from ogp_open_data.store.doors import Store
from serving import running
from test_importer import MILESTONES, imported, report

FIRST = "nz-nap2-c5-r2017-09-2017-11"
SECOND = "nz-nap2-c5-r2017-12-2018-02"
THIRD = "nz-nap2-c5-r2018-03-2018-05"


async def told(store: Store) -> None:
    """Three reports: an end slips and a milestone goes back, then another slips twice, and one is new."""
    one, two, three = MILESTONES
    await imported(store, report())
    later = [(one[0], one[1], "August 2018", "Completed"), (two[0], two[1], None, "Underway"), three]
    await imported(store, report(later, period="December 2017 to February 2018"))
    last = [
        (one[0], one[1], None, "Completed"),
        (two[0], two[1], None, "Completed"),
        (three[0], three[1], "December 2018", "Delayed"),
        ("4", "Print what was learnt for everyone to read", "October 2018", "Not started"),
    ]
    await imported(store, report(last, period="March to May 2018"))
    await imported(store, report(later, period="December 2017 to February 2018", done="They met again."))


def moved(data: dict[str, Any], number: str) -> dict[str, Any]:
    step: dict[str, Any] = next(one for one in data["milestones"] if one["number"] == number)
    return step


async def test_report_is_compared_with_the_one_before_and_with_any_other(store: Store, dsn: str) -> None:
    await told(store)
    with running("--database-url", dsn) as (_, url), httpx.Client(base_url=f"{url}/v1/reports") as client:

        def diff(path: str) -> dict[str, Any]:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text
            data: dict[str, Any] = answer.json()["data"]
            return data

        data = diff(f"{SECOND}/diff")
        assert (data["from"]["id"], data["to"]["id"], data["commitment"]) == (FIRST, SECOND, "nz-nap2-c5")
        slipped = moved(data, "1")
        assert slipped["status"] == {"from": "underway", "to": "completed"} and slipped["went"] == "forward"
        assert slipped["ends"] == {"from": "2018-06", "to": "2018-08"} and slipped["days"] == 62
        assert slipped["times_slipped"] == {"from": 0, "to": 1}
        back = moved(data, "2")
        assert (back["went"], back["status"]) == ("back", {"from": "completed", "to": "underway"})
        same = moved(data, "3")
        assert (same["went"], same["days"], same["status"]["from"]) == (None, 0, "underway")
        ids = [one["milestone"] for one in data["milestones"]]
        assert (data["completed"], data["went_back"], data["slipped"]) == ([ids[0]], [ids[1]], [ids[0]])
        assert (data["added"], data["dropped"]) == ([], [])

        whole = diff(f"{THIRD}/diff?from={FIRST}")
        assert moved(whole, "1")["ends"] == {"from": "2018-06", "to": "2018-08"}
        assert whole["slipped"] == [ids[0], ids[2]] and whole["went_back"] == []
        new = moved(whole, "4")
        assert (new["printed"], new["status"]) == ({"from": False, "to": True}, {"from": None, "to": "not_started"})
        assert whole["added"] == [new["milestone"]]
        assert diff(f"{THIRD}/diff?to={FIRST}&from={THIRD}")["dropped"] == [new["milestone"]]

        first = diff(f"{FIRST}/diff")
        assert first["from"] is None and first["added"] == ids


async def test_versions_of_a_report_are_compared(store: Store, dsn: str) -> None:
    await told(store)
    await imported(store, report(number="6"))
    with running("--database-url", dsn) as (_, url), httpx.Client(base_url=f"{url}/v1/reports") as client:
        data = client.get(f"{SECOND}/diff?from=1&to=2").json()["data"]
        assert (data["from"]["version"], data["to"]["version"], data["fields"]) == (1, 2, ["sections"])
        assert data["completed"] == data["slipped"] == []
        assert client.get(f"{SECOND}/diff?from=1&as_of=2").json()["data"]["to"]["version"] == 1
        for path, status in [
            (f"{SECOND}/diff?from=3", 404),
            (f"{SECOND}/diff?from=2&as_of=2", 404),
            (f"{SECOND}/diff?from=nz-nothing", 404),
            ("nz-nothing/diff", 404),
            (f"{SECOND}/diff?form=1", 400),
            (f"{SECOND}/diff?from=nz-nap2-c6-r2017-09-2017-11", 400),
        ]:
            assert client.get(path).status_code == status, path
