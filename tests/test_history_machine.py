"""A history made at random, step by step, with a dict as the model of what is held, asked of the program over HTTP and by a copy.

OGP_TEST_HISTORIES is how many histories are made; the suite makes a few, the same ones each time.
"""

import asyncio
import os
import tempfile
from collections import Counter
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from copied import QUICK, held
from database import copied_database
from ogp_open_data.client import sync
from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake import hand
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.records import NOUNS
from ogp_open_data.store import checks, history, releases
from ogp_open_data.store.doors import Store
from serving import within
from test_daily import next_day
from test_importer import KNOWN, imported, report

COMMITMENTS = ("5", "6")
PERIODS = {
    "r2017-06-2017-08": "June to August 2017",
    "r2017-09-2017-11": "September to November 2017",
    "r2017-12-2018-02": "December 2017 to February 2018",
}
TEXTS = {"m1": "Find better tools for talking with the public", "m2": "Decide with the panel how progress is told"}
LEADS = {"nz-psc": "The State Services Commission (SSC)", "nz-dia": "Department of Internal Affairs (DIA)"}
WORDS = {"underway": "Underway", "delayed": "Delayed", "completed": "Completed", "not_started": "Not started"}

commitments = st.sampled_from(COMMITMENTS)
periods = st.sampled_from(list(PERIODS))
statuses = st.sampled_from(list(WORDS))
steps = st.sampled_from(list(TEXTS))


class Line(NamedTuple):
    """What the model knows of a progress line."""

    number: str
    status: str


# What the model knows of a report: its lines by milestone (`m1`), and whether it is withdrawn.
Lines = dict[str, Line]


class History(RuleBasedStateMachine):
    """The real store and application, and beside them the model."""

    template: tuple[str, str]
    causes: Counter[str] = Counter()

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.dsn = self.stack.enter_context(copied_database(*self.template))
        self.url = self.stack.enter_context(within(self.dsn))
        self.into = Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "copy"
        self.loop = self.stack.enter_context(asyncio.Runner())
        self.store = Store(self.dsn)
        self.loop.run(self.store.open())
        self.http = self.stack.enter_context(httpx.Client(base_url=self.url, timeout=30))
        self.reports: dict[str, Lines] = {}
        self.withdrawn: set[str] = set()
        self.numbers: dict[str, str] = {}
        self.merged = False
        self.head = 0
        self.exports: list[dict[str, bytes]] = [dict.fromkeys(NOUNS, b"")]
        self.digests: list[history.Digests] = []
        self.documents = count(1)
        for commitment, lead in zip(COMMITMENTS, LEADS, strict=True):
            self._import(commitment, "r2017-09-2017-11", "underway", "delayed", lead)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.causes.update(one.cause for one in self.loop.run(self.store.reading(history.made, 1 << 62, 1000)))
            self.loop.run(self.store.close())
            self.stack.close()

    def happened(self, outcome: Outcome, release: bool = True) -> None:
        """A change made the next release, or none; a release is remembered as it was when it was new."""
        self.head += release
        assert outcome.release == (self.head if release else None)
        if release:
            self.exports.append(self.exported(self.head))
            self.digests.append(self.loop.run(self.store.reading(history.digests, self.head)))

    # What can happen.

    @rule(commitment=commitments, period=periods, one=statuses, two=statuses, lead=st.sampled_from(list(LEADS)))
    def import_report(self, commitment: str, period: str, one: str, two: str, lead: str) -> None:
        self._import(commitment, period, one, two, lead)

    def _import(self, commitment: str, period: str, one: str, two: str, lead: str) -> None:
        id = f"nz-nap2-c{commitment}-{period}"
        lines = {
            step: Line(self.numbers.get(f"nz-nap2-c{commitment}-{step}", step[1:]), status)
            for step, status in (("m1", one), ("m2", two))
        }
        printed = [(line.number, TEXTS[step], "June 2018", WORDS[line.status]) for step, line in lines.items()]
        done = f"Meeting {next(self.documents)} was held."
        text = report(printed, PERIODS[period], commitment, lead=LEADS[lead], done=done)
        if id in self.withdrawn:
            with pytest.raises(DocumentRefused, match="restore"):
                self.loop.run(imported(self.store, text))
            return
        self.happened(self.loop.run(imported(self.store, text)))
        self.reports[id] = lines
        self.happened(self.loop.run(imported(self.store, text)), release=False)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), step=steps, status=statuses)
    def correct(self, data: st.DataObject, step: str, status: str) -> None:
        id = data.draw(st.sampled_from(self.live))
        line = self.reports[id][step]
        change = hand.correct(self.store, KNOWN, f"{id}-{step}", {"status": status}, "misprinted")
        self.happened(self.loop.run(change), release=line.status != status)
        self.reports[id][step] = line._replace(status=status)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.live))
        self.happened(self.loop.run(hand.withdraw(self.store, KNOWN, id, "sent by mistake")))
        self.withdrawn.add(id)

    @precondition(lambda self: self.withdrawn)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.withdrawn)))
        self.happened(self.loop.run(hand.restore(self.store, KNOWN, id, "right after all")))
        self.withdrawn.remove(id)

    @precondition(lambda self: not self.merged)
    @rule()
    def merge(self) -> None:
        self.happened(self.loop.run(hand.merge(self.store, KNOWN, "nz-dia", "nz-psc", "one and the same")))
        self.merged = True

    @precondition(lambda self: self.live)
    @rule(data=st.data(), step=steps, letter=st.sampled_from("AB"))
    def renumber(self, data: st.DataObject, step: str, letter: str) -> None:
        commitment = data.draw(st.sampled_from(self.live)).partition("-r")[0]
        id, number = f"{commitment}-{step}", step[1:] + letter
        latest = max(one for one in self.live if one.startswith(f"{commitment}-"))
        line = self.reports[latest][step]
        change = hand.renumber(self.store, KNOWN, id, number, "printed otherwise since")
        self.happened(self.loop.run(change), release=line.number != number)
        self.reports[latest][step] = line._replace(number=number)
        self.numbers[id] = number

    @precondition(lambda self: self.head)
    @rule()
    def a_day_passes(self) -> None:
        self.happened(self.loop.run(next_day(self.store)))

    @rule(name=st.sampled_from(["milestones.ndjson", "plans.csv", "current"]))
    def damage_the_copy(self, name: str) -> None:
        file = self.into / name
        if name == "current":
            file.unlink(missing_ok=True)
        elif file.exists():
            file.write_bytes(b"damaged\n")

    # What always holds.

    @property
    def live(self) -> list[str]:
        return sorted(self.reports.keys() - self.withdrawn)

    def live_ids(self, noun: str) -> set[str]:
        return {one["id"] for one in self.listed(noun)}

    def listed(self, noun: str, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            self.http.get(f"/v1/{noun}.json?limit=1000{query}").raise_for_status().json()["data"]
        )
        return found

    @invariant()
    def what_is_published_is_what_the_model_holds(self) -> None:
        assert self.live_ids("reports") == set(self.live)
        lines = {one["id"]: (one["number"], one["status"]) for one in self.listed("progress")}
        assert lines == {f"{id}-{step}": line for id in self.live for step, line in self.reports[id].items()}
        for milestone in self.listed("milestones"):
            said = [one for one in self.live if one.startswith(f"{milestone['commitment']}-")]
            last = self.reports[said[-1]][milestone["id"].rpartition("-")[2]] if said else None
            assert milestone["status"] == (last.status if last else "unknown"), milestone
        for id in self.withdrawn:
            gone = self.http.get(f"/v1/reports/{id}")
            assert gone.status_code == 410
            assert self.http.get(gone.json()["last_version"].removeprefix(self.url)).json()["data"]["id"] == id
        if self.merged:
            assert self.http.get("/v1/organisations/nz-dia").json()["successor"].endswith("/nz-psc")

    @invariant()
    def what_was_released_does_not_change(self) -> None:
        """The digests of every release as the store makes them anew, and exports as of a release over HTTP."""
        anew = [self.loop.run(self.store.reading(history.digests, n)) for n in range(1, self.head + 1)]
        assert anew == self.digests
        assert self.loop.run(self.store.reading(releases.head)).number == self.head
        for number in {self.head // 2, self.head}:
            assert self.exported(number) == self.exports[number]

    def exported(self, number: int) -> dict[str, bytes]:
        answers = {noun: self.http.get(f"/v1/{noun}.ndjson?as_of={number}") for noun in NOUNS}
        assert {one.text for one in answers.values() if one.status_code != 200} == set()
        return {noun: one.content for noun, one in answers.items()}

    @invariant()
    def changes_lead_from_any_release_to_the_newest(self) -> None:
        since = self.head // 2
        copy = {noun: {doc["id"]: doc for doc in decoded(self.exports[since][noun])} for noun in NOUNS}
        path: str | None = f"/v1/changes?since={since}&limit=7"
        while path:
            page = self.http.get(path.removeprefix(self.url)).raise_for_status().json()
            for one in page["data"]:
                copy[one["noun"]].pop(one["id"], None)
                copy[one["noun"]] |= {one["id"]: one["record"]} if one["record"] else {}
            reached = self.exports[page["meta"]["next_since"]]
            assert copy == {noun: {doc["id"]: doc for doc in decoded(reached[noun])} for noun in NOUNS}
            path = page["links"].get("next")

    @invariant()
    def copy_is_equal(self) -> None:
        assert sync(self.url, str(self.into), pace=QUICK).release == self.head
        now = {noun: sorted(self.exports[self.head][noun].splitlines()) for noun in NOUNS}
        assert {noun: sorted(rows.values()) for noun, rows in held(str(self.into)).items()} == now

    @invariant()
    def store_is_sound(self) -> None:
        assert self.loop.run(self.store.reading(checks.faults)) == []


def decoded(lines: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in lines.splitlines()]


@pytest.mark.timeout(3600)
def test_any_history_is_what_a_dict_would_hold(server: str, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # No power fails here, and waiting for the disk is a third of the time.
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    asked = os.environ.get("OGP_TEST_HISTORIES")
    History.template = (server, template)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        History,
        settings=settings(
            max_examples=int(asked or 8),
            stateful_step_count=30 if asked else 10,
            deadline=None,
            derandomize=asked is None,
            database=None,
            suppress_health_check=list(HealthCheck),
            # A history that fails is told as it is, unless somebody has time to find a shorter one.
            phases=[Phase.generate, *([Phase.shrink] if asked else [])],
        ),
    )
    # Few histories could leave much untried.
    assert {"import", "correction", "withdrawal", "restoration", "merger", "daily"} == History.causes.keys()
