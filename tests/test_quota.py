"""Quotas of readers: what costs something is counted for each client, what is in memory is not."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from ogp_open_data.errors import QuotaExceeded
from ogp_open_data.settings import Settings
from ogp_open_data.web.app import create
from ogp_open_data.web.edge import quota
from ogp_open_data.web.edge.buckets import MOST
from ogp_open_data.web.edge.quota import Quota
from ogp_open_data.web.frozen import alive

pytestmark = pytest.mark.anyio


def items(field: str) -> list[tuple[str, dict[str, int]]]:
    """A field that is a list of strings with whole numbers (RFC 9651)."""
    assert re.fullmatch(r'"[a-z]+"(;[a-z]+=\d+)+(, "[a-z]+"(;[a-z]+=\d+)+)*', field), field
    found = [one.split(";") for one in field.split(", ")]
    return [
        (name.strip('"'), {key: int(value) for key, value in (one.split("=") for one in rest)}) for name, *rest in found
    ]


def scope(client: str, path: str = "/v1/plans", forwarded: str = "") -> Any:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"client": (client, 1), "raw_path": path.encode(), "query_string": b"", "headers": headers}


@asynccontextmanager
async def asking(dsn: str, client: str, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client at an address of its own."""
    app = create(Settings(database_url=dsn, public_url="http://data.example.org", **options))
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with alive(app), httpx.AsyncClient(transport=transport, base_url="http://data.example.org") as one:
        yield one


async def test_client_that_asks_too_much_is_refused_and_what_is_in_memory_is_not_counted(dsn: str) -> None:
    async with asking(dsn, "203.0.113.7", read_quota=12) as client:
        first = await client.get("/v1/plans.json")
        assert items(first.headers["ratelimit"]) == [("reads", {"r": 11, "t": 5})]
        assert items(first.headers["ratelimit-policy"]) == [("reads", {"q": 12, "w": 60})]
        for _ in range(30):
            kept = await client.get("/v1/plans.json")
            assert kept.status_code == 200 and "ratelimit" not in kept.headers
        assert items((await client.head("/v1/plans.csv")).headers["ratelimit"])[0][1]["r"] == 1
        refused = await client.get("/v1/commitments?q=budget")
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
        assert refused.json()["type"].endswith("/docs/errors/quota-exceeded")
        told = items(refused.headers["ratelimit"])[0][1]
        assert told["r"] == 1 and int(refused.headers["retry-after"]) >= told["t"] > 0
        assert refused.headers["cache-control"] == "no-store"
        assert (await client.get("/v1/plans.json")).content == first.content


async def test_this_machine_is_not_counted(dsn: str) -> None:
    async with asking(dsn, "127.0.0.1", read_quota=1) as client:
        answers = [await client.get(f"/v1/{noun}.json") for noun in ("plans", "reports", "milestones")]
    assert {one.status_code for one in answers} == {200} and not any("ratelimit" in one.headers for one in answers)


def test_clients_are_told_apart_by_what_a_trusted_proxy_says_only() -> None:
    one = Quota(1, "10.0.0.1")
    one.spend(scope("10.0.0.1", forwarded="203.0.113.7"), None)
    one.spend(scope("10.0.0.1", forwarded="203.0.113.8"), None)
    one.spend(scope("198.51.100.1", forwarded="203.0.113.9"), None)
    for again in (scope("203.0.113.7"), scope("198.51.100.1", forwarded="203.0.113.10")):
        with pytest.raises(QuotaExceeded):
            one.spend(again, None)


def test_quota_comes_back_with_time_and_memory_is_bounded() -> None:
    now = [0.0]
    one = Quota(60, clock=lambda: now[0])
    left = [one.spend(scope("203.0.113.7"), None)["ratelimit"] for _ in range(60)]
    assert left[0] == '"reads";r=59;t=1' and left[-1] == '"reads";r=0;t=60'
    with pytest.raises(QuotaExceeded, match="in 1 seconds"):
        one.spend(scope("203.0.113.7"), None)
    now[0] += 10
    assert one.spend(scope("203.0.113.7"), None)["ratelimit"] == '"reads";r=9;t=51'
    for number in range(MOST + 50):
        one.spend(scope(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"), None)
    assert len(one.buckets.full_at) == MOST


@pytest.mark.parametrize(
    ("path", "query", "accept", "cost"),
    [
        (b"/v1/plans", b"limit=5", None, 1),
        (b"/v1/plans/nz-nap2", b"", b"application/json", 1),
        (b"/v1/changes", b"since=3", None, 1),
        (b"/v1/commitments", b"status=delayed&q=budget", None, 5),
        (b"/v1/commitments", b"faq=1&q=", None, 1),
        (b"/search", b"", None, 5),
        (b"/v1/reports/r/diff", b"to=s", None, 5),
        (b"/v1/progress.csv", b"", None, 10),
        (b"/v1/progress", b"", b"text/csv", 10),
        (b"/dataset.zip", b"", None, 10),
    ],
)
def test_what_takes_more_work_costs_more(path: bytes, query: bytes, accept: bytes | None, cost: int) -> None:
    assert quota.units(path, query, accept) == cost


def test_addresses_of_one_subscriber_share_a_bucket() -> None:
    assert quota.network("2001:db8:1:2::1") == quota.network("2001:db8:1:2:ffff::9") != quota.network("2001:db8:1:3::1")
    assert quota.network("127.0.0.1") is quota.network("::1") is quota.network("") is None
