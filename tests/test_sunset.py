"""What is deprecated says so in every place, works on unchanged until its sunset, and then is 410 with where to go."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from ogp_open_data import schemas
from ogp_open_data.deprecations import DEPRECATED, NOTICE, Deprecated, instant
from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.web import app, contract
from ogp_open_data.web.frozen import alive
from serving import DOCUMENTS, program

BASE = "https://data.example.org"
ANNOUNCED = date(2020, 1, 1)
LATER, PAST = date(2199, 1, 1), date(2020, 8, 1)


def going(address: str, sunset: date = LATER, **more: Any) -> Deprecated:
    return Deprecated(id="going", address=address, on=ANNOUNCED, sunset=sunset, reason="Lists say more.", **more)


@asynccontextmanager
async def serving(dsn: str, *table: Deprecated) -> AsyncIterator[httpx.AsyncClient]:
    """The application with a table of deprecations, asked without a server."""
    edge = app.create(Settings(database_url=dsn, public_url=BASE), table)
    async with alive(edge), httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=BASE) as client:
        yield client


async def test_deprecated_address_works_on_and_says_until_when(dsn: str) -> None:
    table = going("/v1/plans", successor="/v1/commitments")
    async with serving(dsn) as plain, serving(dsn, table) as client:
        before, answer = await plain.get("/v1/plans"), await client.get("/v1/plans")
        assert answer.content == before.content and answer.headers["etag"] == before.headers["etag"]
        assert "deprecation" not in before.headers and "sunset" not in before.headers
        assert answer.headers["deprecation"] == f"@{int(instant(ANNOUNCED).timestamp())}"
        assert parsedate_to_datetime(answer.headers["sunset"]) == instant(LATER)
        assert answer.headers["sunset"].endswith(" GMT")
        assert answer.links["successor-version"]["url"] == f"{BASE}/v1/commitments"
        for rel in ("deprecation", "sunset"):
            assert answer.links[rel] == {"url": f"{BASE}/docs/deprecations#going", "rel": rel, "type": "text/html"}
        again = await client.get("/v1/plans", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.headers["sunset"]) == (304, answer.headers["sunset"])
        assert "deprecation" not in (await client.get("/v1/plans/timemap")).headers
        assert 'id="going"' in (await client.get("/docs/deprecations")).text


async def test_deprecated_parameter_is_told_to_those_who_use_it(dsn: str) -> None:
    async with serving(dsn, going("/v1/plans", parameter="q")) as client:
        assert "deprecation" in (await client.get("/v1/plans?q=x")).headers
        assert "deprecation" not in (await client.get("/v1/plans?limit=1")).headers


async def test_first_release_after_the_sunset_ends_the_address(dsn: str) -> None:
    table = going("/v1/plans/{id}", PAST, successor="/v1/commitments")
    async with serving(dsn, table) as client:
        # Without a release nothing has ended: a read does not ask the clock.
        assert (await client.get("/v1/plans/nz-nap2")).status_code == 404
    program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
    async with serving(dsn, table) as client:
        answer = await client.get("/v1/plans/nz-nap2")
        assert answer.status_code == 410
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == f"{BASE}/docs/errors/past-sunset" and str(PAST) in problem["detail"]
        assert problem["successor"] == f"{BASE}/v1/commitments"
        assert (await client.get("/v1/plans")).status_code == 200


def test_contract_and_schemas_mark_what_is_deprecated() -> None:
    table = [going("/v1/plans"), going("/v1/reports", parameter="q"), going("/v1/plans", field="website")]
    document = contract.openapi(Settings(), BASE, table)
    assert document["paths"]["/v1/plans"]["get"]["deprecated"] is True
    marked = [one["name"] for one in document["paths"]["/v1/reports"]["get"]["parameters"] if one.get("deprecated")]
    assert marked == ["q"] and "deprecated" not in document["paths"]["/v1/reports"]["get"]
    assert document["components"]["schemas"]["Plan"]["properties"]["website"]["deprecated"] is True
    assert schemas.schema("plans", table)["properties"]["website"]["deprecated"] is True
    assert "deprecated" not in str(contract.openapi(Settings(), BASE, ()))


def faults(table: Sequence[Deprecated]) -> list[str]:
    """What is wrong with a table of deprecations."""
    paths = contract.openapi(Settings(), BASE, ())["paths"]
    found = [f"{one.id}: twice" for i, one in enumerate(table) if one.id in {other.id for other in table[:i]}]
    for one in table:
        if one.sunset - one.on < timedelta(days=NOTICE):
            found.append(f"{one.id}: less than {NOTICE} days of notice")
        if one.address not in paths:
            found.append(f"{one.id}: no such address in the contract")
        elif one.parameter and one.parameter not in {it["name"] for it in paths[one.address]["get"]["parameters"]}:
            found.append(f"{one.id}: no such parameter")
        elif one.field and one.field not in NOUNS[one.address.removeprefix("/v1/")].__struct_fields__:
            found.append(f"{one.id}: no such field")
    return found


def test_table_of_deprecations_keeps_its_promises() -> None:
    assert faults(DEPRECATED) == []
    assert faults([going("/v1/plans", date(2020, 2, 1))]) == [f"going: less than {NOTICE} days of notice"]
    assert faults([going("/v1/plan")]) == ["going: no such address in the contract"]
    assert faults([going("/v1/plans", parameter="p")]) == ["going: no such parameter"]
    assert faults([going("/v1/plans", field="p")]) == ["going: no such field"]
    assert faults([going("/v1/plans"), going("/v1/plans")]) == ["going: twice"]
