"""The past by date (RFC 7089): a list or record leads to what stood there at a time, and tells of all its Mementos."""

import re
from email.utils import parsedate_to_datetime

import httpx
import pytest

REPORT = "/v1/reports/nz-nap2-c5-r2017-09-2017-11"
MEMENTO = re.compile(r'<([^>]*)>; rel="([^"]*memento)"; datetime="([^"]*)"')


def at(client: httpx.Client, path: str, moment: str) -> httpx.Response:
    return client.get(path, headers={"Accept-Datetime": moment})


def local(client: httpx.Client, address: str) -> httpx.Response:
    """An address of ours, which is public, where the test's program answers."""
    return client.get(address.removeprefix("https://data.example.org"))


@pytest.mark.parametrize("path", [REPORT, f"{REPORT}.json", "/v1/plans", "/v1/milestones.csv?status=completed"])
def test_every_memento_is_found_by_its_own_time(client: httpx.Client, path: str) -> None:
    original = path.partition("?")[0].removesuffix(".json").removesuffix(".csv")
    timemap = client.get(f"{original}/timemap")
    assert timemap.headers["content-type"] == "application/link-format"
    mementos = MEMENTO.findall(timemap.text)
    assert mementos[0][1].startswith("first") and mementos[-1][1].endswith("last memento")
    for address, _, moment in mementos:
        memento = local(client, address)
        assert (memento.status_code, memento.headers["memento-datetime"]) == (200, moment)
        found = at(client, path, moment)
        assert found.status_code == 302 and "Accept-Datetime" in found.headers["vary"]
        # Releases of one second tell the same time; the last of them is what stood there.
        chosen = local(client, found.headers["location"])
        assert chosen.headers["memento-datetime"] == moment
        assert all(part in found.headers["location"] for part in path.partition("?")[2].split("&"))


def test_before_the_first_is_the_first_and_after_the_last_is_the_last(client: httpx.Client) -> None:
    mementos = MEMENTO.findall(client.get(f"{REPORT}/timemap").text)
    for moment, (address, _, _) in (
        ("Sat, 01 Jan 2000 00:00:00 GMT", mementos[0]),
        ("Mon, 01 Jan 0001 00:00:00 GMT", mementos[0]),
        ("Fri, 31 Dec 9999 23:59:59 GMT", mementos[-1]),
    ):
        assert at(client, REPORT, moment).headers["location"] == address


def test_record_tells_its_neighbours_in_time(client: httpx.Client) -> None:
    mementos = MEMENTO.findall(client.get(f"{REPORT}/timemap").text)
    assert len(mementos) >= 2
    links = local(client, mementos[0][0]).headers["link"]
    found = {rel: address for address, rel, _ in MEMENTO.findall(links)}
    assert found["first memento"] == mementos[0][0] and mementos[1][0] in (
        found.get("next memento"),
        found.get("next last memento"),
    )
    assert f'<https://data.example.org{REPORT}>; rel="original timegate"' in links
    assert parsedate_to_datetime(mementos[0][2]) <= parsedate_to_datetime(mementos[1][2])


def test_what_is_no_date_or_was_never_there_is_refused(client: httpx.Client) -> None:
    for odd in ("yesterday", "2026-11-24", "Tue, 31 Feb 2026 09:00:00 GMT", ""):
        refused = at(client, REPORT, odd)
        assert refused.status_code == 400 and refused.headers["content-type"] == "application/problem+json"
    assert at(client, "/v1/reports/nz-nothing", "Tue, 24 Nov 2026 09:00:00 GMT").status_code == 404
    assert client.get("/v1/reports/nz-nothing/timemap").status_code == 404
    assert "memento-datetime" not in client.get(REPORT).headers


def test_long_timemap_of_a_list_leads_to_the_older_part(client: httpx.Client) -> None:
    whole = MEMENTO.findall(client.get("/v1/plans/timemap").text)
    older = MEMENTO.findall(client.get("/v1/plans/timemap?before=3").text)
    assert [address for address, _, _ in older] == [address for address, _, _ in whole][:2]
    assert client.get("/v1/plans/timemap?before=1").status_code == 404
