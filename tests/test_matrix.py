"""HTTP to the letter at every address there is: the matrix of checks, and its table in build/http-matrix.md."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from addresses import BASE, OPERATORS, Address, document, example, of_contract, of_routes, readable
from database import copied_database
from links import parsed
from matrix import CHECKS, Case, Check
from ogp_open_data.intake import hand
from ogp_open_data.intake.importer import import_document, sample
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Store
from serving import running
from test_assessments import KNOWN
from test_assessments import TABLE as ASSESSMENTS
from test_importer import imported

ALL = list(readable())
RELEASES = 21
Table = dict[str, list[str]]


async def lived(dsn: str) -> None:
    """A history in a database: the sample, an assessment, and corrections until an archive is closed."""
    store = Store(dsn)
    await store.open()
    try:
        for document in sample():
            await import_document(store, document, KNOWN)
        await imported(store, ASSESSMENTS, name="assessments.csv")
        for number in range((await store.reading(releases.head)).number, RELEASES):
            await hand.correct(store, KNOWN, "nz-nap2", {"website": f"https://example.org/{number}"}, "It moved.")
    finally:
        await store.close()


@pytest.fixture(scope="module")
def client(server: str, template: str) -> Iterator[httpx.Client]:
    """A client of that history, as it is served."""
    with copied_database(server, template) as dsn:
        asyncio.run(lived(dsn))
        environ = {"OGP_PUBLIC_URL": BASE, "OGP_CONTACT": "mailto:data@example.org"}
        with running("--database-url", dsn, **environ) as (_, url), httpx.Client(base_url=url, timeout=20) as one:
            yield one


@pytest.fixture(scope="module")
def table(repository: Path) -> Iterator[Table]:
    """The results, written when the last address was asked."""
    rows: Table = {}
    yield rows
    lines = ["| address | " + " | ".join(check.__name__ for check in CHECKS) + " |", "|---" * (len(CHECKS) + 1) + "|"]
    lines += [f"| `{name}` | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    explained = [f"- {check.__name__}: {check.__doc__}" for check in CHECKS]
    file = repository / "build" / "http-matrix.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(["# HTTP at every address", "", *explained, "", *lines, ""]), encoding="utf-8")


# The answers do not depend on which PostgreSQL is behind them, so one run of the two is enough.
@pytest.mark.embedded
@pytest.mark.parametrize("address", ALL, ids=str)
def test_address_keeps_to_the_letter_of_http(client: httpx.Client, table: Table, address: Address) -> None:
    case = Case(client, address, example(client, address))
    faults = {check.__name__: list(check(case)) for check in CHECKS}
    table[address.template] = ["yes" if not found else "; ".join(found)[:80] for found in faults.values()]
    assert {name: found for name, found in faults.items() if found} == {}


def wrong(request: httpx.Request) -> httpx.Response:
    """An answer in which nothing is right."""
    headers = {
        "etag": 'W/"x"',
        "last-modified": "Fri, 31 Dec 2199 23:59:59 GMT",
        "content-type": "text/csv; charset=a; charset=b",
        "content-encoding": "x-odd",
        "accept-ranges": "bytes",
        "vary": "Origin",
        "link": '</v1>; rel="self"',
        "api-version": "1",
        "request-id": "1",
        "server": f"for {request.headers['host']}",
    }
    body = f'{{"errors": [], "method": "{request.method}"}}'
    return httpx.Response(200, stream=httpx.ByteStream(body.encode()), headers=headers)


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_check_finds_what_is_wrong(check: Check) -> None:
    operation = {"responses": {"200": {"content": {"application/json": {}}}, "406": {}}}
    with httpx.Client(transport=httpx.MockTransport(wrong), base_url="http://127.0.0.1") as client:
        assert list(check(Case(client, Address("/v1/plans", operation), "/v1/plans")))


@pytest.mark.parametrize(
    "text",
    [
        "</v1>",
        '</v1>; rel="self"; rel="up"',
        '</v1>; rel="no-such"',
        '</v1>; rel="self" </v2>; rel="up"',
        "/v1; rel=self",
    ],
)
def test_link_that_breaks_the_grammar_is_seen(text: str) -> None:
    with pytest.raises(AssertionError):
        parsed(text)


@pytest.mark.parametrize("path", OPERATORS[:4])
def test_operators_addresses_are_never_kept(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert client.head(path).content == b"" and client.delete(path).status_code == 405


def test_what_is_not_in_the_contract_is_a_page_or_its_asset() -> None:
    outside = [one.template for one in of_routes()]
    assert [path for path in outside if path.startswith("/v1")] == []
    assert len(of_contract()) > 80


def test_contract_asks_no_read_for_a_query_or_a_key() -> None:
    needed = [
        (address.template, one["name"])
        for address in of_contract()
        for one in address.operation.get("parameters", [])
        if one["in"] != "path" and one.get("required")
    ]
    assert needed == []
    # A plan is nobody's but the publisher's; everything published is everybody's.
    keyed = [path for path, item in document()["paths"].items() if item.get("get", {}).get("security")]
    assert keyed == ["/v1/imports/{id}"]
