"""A small publisher over real HTTP on loopback, which fails when and how a test wants it to.

It keeps the contract of /v1/releases, /v1/changes and the lists, and counts its requests and bytes.
"""

import asyncio
import hashlib
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.records import (
    NOUNS,
    Commitment,
    Milestone,
    Organisation,
    Plan,
    Progress,
    Record,
    Report,
    canonical,
    digest,
    url_of,
)

R = TypeVar("R", Plan, Commitment, Milestone, Report, Progress, Organisation)

REASONS = {200: "OK", 304: "Not Modified", 400: "Bad Request", 404: "Not Found", 410: "Gone"}
LATER = {429: "Too Many Requests", 503: "Service Unavailable"}


class Fault(Struct, frozen=True):
    """What goes wrong with one answer: cut after so many bytes, one bit of its body turned, a status, or silence until an event."""

    cut: int | None = None
    flip: int | None = None
    status: int | None = None
    retry_after: str | None = None
    hang: float | None = None


class Reply(NamedTuple):
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Publisher:
    """Releases made by a test, and the thread that serves them."""

    def __init__(self) -> None:
        self.epoch = str(uuid4())
        self.held: list[dict[str, dict[str, bytes]]] = [{noun: {} for noun in NOUNS}]
        self.sums: list[dict[str, str]] = [{noun: digest(b"") for noun in NOUNS}]
        self.changes: list[list[dict[str, Any]]] = [[]]
        self.versions: dict[str, int] = {}
        self.faults: deque[Fault | None] = deque()
        self.trouble: Callable[[str], Fault | None] = lambda path: None
        self.asked: list[str] = []
        self.answered: list[int] = []
        self.sent = 0
        self.busy = threading.Event()
        self.most_changes = 1000
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def head(self) -> int:
        return len(self.held) - 1

    def release(self, *records: Record, gone: Mapping[str, str] = {}, extra: Mapping[str, Any] = {}) -> int:
        """Publish records and withdraw ids (id → noun); `extra` stands in every record, as a newer program would add it."""
        number = len(self.held)
        now = dict(self.held[-1])
        made = [self._published(number, now, record, extra) for record in records]
        made += [self._withdrawn(number, now, noun, id) for id, noun in gone.items()]
        self.held.append(now)
        touched = {change["noun"] for change in made}
        sums = {noun: digest(lines(now[noun])) for noun in touched}
        self.sums.append(self.sums[-1] | sums)
        self.changes.append(made)
        return number

    def _published(
        self, number: int, now: dict[str, dict[str, bytes]], record: Record, extra: Mapping[str, Any]
    ) -> dict[str, Any]:
        noun = next(noun for noun, kind in NOUNS.items() if type(record) is kind)
        self.versions[record.id] = self.versions.get(record.id, 0) + 1
        stamped = replace(record, url=url_of(noun, record.id), version=self.versions[record.id], release=number)
        text = canonical(msgspec.to_builtins(stamped) | dict(extra))
        now[noun] = {**now[noun], record.id: text}
        return self._change(number, noun, record.id, "publish", text)

    def _withdrawn(self, number: int, now: dict[str, dict[str, bytes]], noun: str, id: str) -> dict[str, Any]:
        self.versions[id] += 1
        now[noun] = {one: text for one, text in now[noun].items() if one != id}
        return self._change(number, noun, id, "withdraw", None)

    def _change(self, number: int, noun: str, id: str, action: str, text: bytes | None) -> dict[str, Any]:
        return {
            "noun": noun,
            "id": id,
            "version": self.versions[id],
            "release": number,
            "action": action,
            "change_kind": "data",
            "changed_fields": [],
            "sha256": digest(text) if text else None,
            "record": msgspec.Raw(text) if text else None,
            "reason": None,
        }

    # What is served.

    def reply(self, target: str, tag: str | None) -> Reply:
        """The answer to GET of a path with its query."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        steps = parts.path.removeprefix("/v1/").split("/")
        if steps[0] == "releases":
            return self._releases(steps[1:])
        if steps[0] == "changes":
            return self._changes(query, tag)
        noun, _, suffix = steps[0].partition(".")
        if noun in NOUNS and suffix == "ndjson":
            return self._lines(noun, query)
        if noun in NOUNS and suffix == "json":
            return self._page(noun, query)
        if noun in NOUNS and len(steps) == 2:
            return self._item(noun, steps[1].removesuffix(".json"))
        return problem(404, "not-found", "there is nothing at this address")

    def _releases(self, steps: list[str]) -> Reply:
        meta = {"release": self.head, "epoch": self.epoch, "next_expected_at": None}
        if not steps:
            newest = [self._told(self.head)] if self.head else []
            return document(data=newest, meta=meta, links={})
        if not 0 < int(steps[0]) <= self.head:
            return problem(404, "not-found", f"there is no release {steps[0]}")
        if len(steps) == 1:
            return document(data=self._told(int(steps[0])), meta=meta, links={})
        return Reply(200, lines(self.held[int(steps[0])][steps[1].removesuffix(".tsv")]))

    def _told(self, number: int) -> dict[str, Any]:
        sums = self.sums[number]
        root = digest("".join(sorted(f"{noun}\t{one}\n" for noun, one in sums.items())).encode())
        counts = {noun: len(rows) for noun, rows in self.held[number].items()}
        about = {"number": number, "made_at": "2026-11-24T02:00:00Z", "cause": "daily", "message": None, "source": None}
        return {**about, "counts": counts, "digests": sums, "plans": {}, "root": root}

    def _changes(self, query: dict[str, str], tag: str | None) -> Reply:
        if query["since"].startswith("rehearsal-410") or query.get("epoch", self.epoch) != self.epoch:
            return problem(410, "cursor-gone", "this dataset was begun anew; fetch everything again")
        if not query["since"].isdigit() or int(query["since"]) > self.head:
            return problem(400, "bad-request", "since: there is no such release yet")
        since = int(query["since"])
        numbers = range(since + 1, self.head + 1)
        full = query.get("history") == "full"
        page: list[dict[str, Any]] = []
        after = since
        for number in numbers:
            some = self.changes[number]
            if page and len(page) + len(some) > min(int(query.get("limit", 100)), self.most_changes):
                break
            page, after = page + some, number
        last = {change["id"]: change for change in page}
        found = [one for one in page if full or last[one["id"]] is one]
        meta = {"release": self.head, "epoch": self.epoch, "next_since": after, "up_to_date": after == self.head}
        following = f"{self.url}/v1/changes?since={after}&epoch={self.epoch}" + ("&history=full" if full else "")
        links = {"self": target_of(query)} | ({"next": following} if after < self.head else {})
        return tagged(document(data=found, meta=meta, links=links), tag)

    def _lines(self, noun: str, query: dict[str, str]) -> Reply:
        rows = self.held[int(query.get("as_of", self.head))][noun]
        wanted = query["id"].split(",") if "id" in query else list(rows)
        assert len(wanted) <= 200 or "id" not in query
        found = [rows[id] for id in wanted if id in rows]
        return Reply(200, b"".join(b"%b\n" % one for one in found), {"OGP-Row-Count": str(len(found))})

    def _page(self, noun: str, query: dict[str, str]) -> Reply:
        as_of = int(query.get("as_of", self.head))
        rows = self.held[as_of][noun]
        plan = query.get("plan")
        ids = [id for id in sorted(rows) if plan is None or msgspec.json.decode(rows[id])["plan"] == plan]
        start = int(query.get("cursor", "0"))
        some = ids[start : start + min(int(query["limit"]), 7)]
        end = start + len(some)
        following = f"https://other.example/v1/{noun}.json?cursor={end}&as_of={as_of}&limit={query['limit']}"
        links = {"next": following + (f"&plan={plan}" if plan else "")} if end < len(ids) else {}
        return document(data=[msgspec.Raw(rows[id]) for id in some], meta={"release": as_of}, links=links)

    def _item(self, noun: str, id: str) -> Reply:
        if id in self.held[-1][noun]:
            return document(data=msgspec.Raw(self.held[-1][noun][id]), meta={}, links={})
        if id in self.versions:
            return problem(410, "gone", f"{id} was withdrawn")
        return problem(404, "not-found", f"there is no {id}")

    # How it is served.

    @contextmanager
    def serving(self) -> Iterator["Publisher"]:
        """Serve on a free port (the same one again after a pause) from a thread of its own."""
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        stop = asyncio.Event()

        async def run() -> None:
            server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()
            server.close()
            open = asyncio.all_tasks() - {asyncio.current_task()}
            for task in open:
                task.cancel()
            await asyncio.gather(*open, return_exceptions=True)
            # Connections close in the next round of the loop.
            await asyncio.sleep(0.001)

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
                if not await self._answer(writer, first.split(" ")[1], headers.get("if-none-match")):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, target: str, tag: str | None) -> bool:
        """Write one answer with the fault that is due; False where the connection ends with it."""
        self.asked.append(target)
        fault = (self.faults.popleft() if self.faults else self.trouble(target)) or Fault()
        reply = self.reply(target, tag)
        if fault.status:
            after = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            reply = Reply(fault.status, b"later", after)
        body = reply.body
        if fault.flip is not None and body:
            at = fault.flip % len(body)
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        self.answered.append(reply.status)
        reason = {**REASONS, **LATER}.get(reply.status, "Error")
        lines = [f"HTTP/1.1 {reply.status} {reason}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        whole = "\r\n".join([*lines, "", ""]).encode() + body
        part = whole if fault.cut is None and fault.hang is None else whole[: (fault.cut or 0) % len(whole)]
        self.sent += len(part)
        writer.write(part)
        await writer.drain()
        if fault.hang is not None:
            self.busy.set()
            await asyncio.sleep(fault.hang)
        return part is whole


def lines(rows: Mapping[str, bytes]) -> bytes:
    """What `sort` makes of `id TAB sha256`, with the sums made here and not by the program."""
    return b"".join(sorted(f"{id}\t{hashlib.sha256(text).hexdigest()}\n".encode() for id, text in rows.items()))


def document(**parts: Any) -> Reply:
    return Reply(200, msgspec.json.encode(parts), {"Content-Type": "application/json"})


def tagged(reply: Reply, tag: str | None) -> Reply:
    """The answer with its tag, or 304 where the client has it."""
    own = f'"{digest(reply.body)[:32]}"'
    return Reply(304, b"", {"ETag": own}) if tag == own else reply._replace(headers={**reply.headers, "ETag": own})


def problem(status: int, code: str, detail: str) -> Reply:
    body = {"type": f"https://data.example/docs/errors/{code}", "title": code, "status": status, "detail": detail}
    return Reply(status, msgspec.json.encode(body), {"Content-Type": "application/problem+json"})


def target_of(query: Mapping[str, str]) -> str:
    return "/v1/changes?" + "&".join(f"{name}={value}" for name, value in query.items())


DAY = date(2017, 11, 30)
PARENTS: dict[str, Any] = {"plan": "nz-nap2", "commitment": "nz-nap2-c5"}
PERIOD: dict[str, Any] = {"period_raw": "November 2017", "period_start": None, "period_end": DAY}
MUST: dict[type[Record], dict[str, Any]] = {
    Plan: {"country": "nz", "time_zone": "Pacific/Auckland", "number": "2", "title": "A plan"},
    Commitment: {"plan": "nz-nap2", "number": "5"},
    Milestone: {**PARENTS, "number": "1"},
    Report: {**PARENTS, **PERIOD, "kind": "progress", "title": None},
    Progress: {**PARENTS, "report": "r", "milestone": "m", "period_end": DAY, "number": "1"},
    Organisation: {"name": "Te Kawa Mataaho"},
}


def some(kind: type[R], id: str, **fields: Any) -> R:
    """A record with what it must have; the publisher stamps it."""
    return kind(id=id, url="/", version=1, release=1, **{**MUST[kind], **fields})


def country(rng: random.Random, milestones: int, length: int = 40) -> list[Record]:
    """A plan with one commitment and many milestones, whose texts (so many words) have what CSV and JSON must quote."""
    texts = [some(Milestone, f"nz-nap2-c5-m{n}", text=wording(rng, length)) for n in range(1, milestones + 1)]
    reports = [some(Report, f"nz-nap2-c5-r{n}", title=wording(rng, length)) for n in range(milestones // 10)]
    lines = [some(Progress, f"nz-nap2-c5-r{n}-p1", text=wording(rng, length)) for n in range(milestones // 10)]
    above = [some(Plan, "nz-nap2"), some(Organisation, "nz-psc"), some(Commitment, "nz-nap2-c5")]
    return [*above, *texts, *reports, *lines]


def wording(rng: random.Random, length: int) -> str:
    words = ["Māori", 'the "panel"', "=SUM(A1)", "a, b", "two\nlines", "tab\there", "ordinary", " ", "progress", "told"]
    return " ".join(rng.choice(words) for _ in range(length))
