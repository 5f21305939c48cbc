"""Who publishes at several processes, and who reads them: many who ask in turn, and one who read what is lost then."""

import asyncio
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
from lxml import etree

from embedded_tools import eventually
from faults.stage import CLIENTS, HANGS, PROBLEM, Program

RECORD = "/v1/organisations/nz-treasury"


def published(program: Program, key: str, value: str) -> httpx.Response:
    """The answer to a change that makes one release."""
    return httpx.patch(
        f"{program.url}{RECORD}",
        params={"reason": "It moved."},
        json={"website": f"https://www.example.org/{value}"},
        headers={"authorization": f"Bearer {key}", "if-match": "*"},
        timeout=HANGS,
    )


class Got(NamedTuple):
    """What a reader got: when it asked, how long it took, the status, and the release that the answer speaks of."""

    at: float
    seconds: float
    status: int
    release: int
    went_back: bool


class Readers:
    """Clients on a thread, who ask the two processes in turn, for what is in memory and what is not.

    All but a quarter of them carry `OGP-Release` on; the others are plain.
    """

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.faithful: list[Got] = []
        self.plain: list[Got] = []
        self.strange: list[str] = []
        self.over = False

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=2 * CLIENTS)
        async with httpx.AsyncClient(timeout=HANGS, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(self._one(client, number) for number in range(CLIENTS)))

    async def _one(self, client: httpx.AsyncClient, number: int) -> None:
        faithful, token, seen = number % 4 != 0, 0, 0
        for turn in itertools.count(number):
            if self.over:
                return
            path = ("/v1/organisations?limit=5", f"/v1/organisations?q=t{number}x{turn}")[turn // 2 % 2]
            began = time.monotonic()
            headers = {"OGP-Release": str(token)} if faithful and token else {}
            answer = await client.get(self.urls[turn % 2] + path, headers=headers)
            release = 0
            if answer.status_code == 200:
                release, token = answer.json()["meta"]["release"], max(token, int(answer.headers["ogp-release"]))
            elif answer.status_code != 503 or answer.headers.get("retry-after") != "5":
                self.strange.append(f"{answer.status_code} {answer.text}")
            got = Got(began, time.monotonic() - began, answer.status_code, release, 0 < release < seen)
            (self.faithful if faithful else self.plain).append(got)
            seen = max(seen, release)
            await asyncio.sleep(0.05)


class Publisher:
    """Makes one release after the other at the two processes in turn, and remembers which were acknowledged, and when."""

    def __init__(self, programs: list[Program], key: str) -> None:
        self.programs, self.key = programs, key
        self.acknowledged: dict[int, tuple[str, float]] = {}
        self.strange: list[str] = []
        self.over = False

    def run(self) -> None:
        for turn in itertools.count():
            if self.over:
                return
            value = f"turn-{turn}"
            answer = published(self.programs[turn % 2], self.key, value)
            if answer.status_code == 200:
                self.acknowledged[answer.json()["data"]["number"]] = (value, time.monotonic())
            elif answer.status_code != 503 or not answer.headers["content-type"].startswith(PROBLEM):
                self.strange.append(f"{answer.status_code} {answer.text}")
            time.sleep(0.02)


class Reader:
    """Who read a release that is lost then: what is in memory, its feed, the epoch, and a place in a list and in the changes."""

    def __init__(self, program: Program, lost: int) -> None:
        self.program, self.lost = program, lost
        self.record, self.updated = self._record(), self._updated()
        assert "example.org/lost" in self.record
        self.places = [
            program.get("/v1/organisations?limit=2").json()["links"]["next"].removeprefix(program.url),
            f"/v1/changes?since={lost}&epoch={program.get('/v1/releases').json()['meta']['epoch']}",
        ]

    def _record(self) -> str:
        return self.program.get(RECORD).text

    def _updated(self) -> str:
        """When the record's entry in the feed of all was updated."""
        entries = etree.fromstring(self.program.get("/v1/organisations.atom").content)
        (found,) = entries.xpath(f"//*[local-name()='entry'][contains(*[local-name()='id'], '{RECORD[4:]}')]")
        return str(found.findtext("{*}updated"))

    def is_told_no_other(self, key: str) -> None:
        """What is in memory is what it was; all else is 503, a change too."""
        assert self._record() == self.record and self._updated() == self.updated
        paths = ("/readyz", f"/v1/organisations?q=t{time.time_ns()}", f"/v1/changes?since={self.lost - 2}")
        with ThreadPoolExecutor() as pool:
            change = pool.submit(published, self.program, key, "upon it")
            ready, *answers = pool.map(self.program.get, paths)
        for one in (ready, *answers, change.result()):
            assert (one.status_code, one.headers["retry-after"]) == (503, "5"), one.text
        checks = {one["name"]: one for one in ready.json()["checks"]}
        assert checks["database_readers"]["state"] == "failed"
        assert f"lacks release {self.lost}" in checks["database_writer"]["detail"]
        assert "--new-epoch" in checks["database_writer"]["remedy"]

    def begins_anew(self) -> None:
        """Old places are gone, and a reader of feeds is told of a newer entry."""
        eventually(lambda: "example.org/onward" in self._record(), 10)
        assert [self.program.get(place).status_code for place in self.places] == [410, 410]
        assert self._updated() > self.updated
