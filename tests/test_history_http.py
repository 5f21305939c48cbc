"""Releases, changes and versions over HTTP: what a nightly copy goes by."""

import asyncio
import hashlib
import re

import httpx
import msgspec
import pytest
from msgspec import Raw, Struct

from ogp_open_data.records import FIRST_NOUNS, NOUNS, canonical, digest
from ogp_open_data.web import query, watch
from ogp_open_data.web.reads import rehearsals
from serving import DOCUMENTS, program, running, within


def test_withdrawn_record_is_410_and_leads_to_its_last_version(dsn: str) -> None:
    with running("--sample", "--database-url", dsn) as (_, url):
        last = httpx.get(f"{url}/v1/reports?sort=-period_end&limit=1").json()["data"][0]
        program("withdraw", last["id"], "--reason", "sent by mistake", "--database-url", dsn)
        gone = httpx.get(f"{url}{last['url']}.csv")
        assert gone.status_code == 410 and "sent by mistake" in gone.json()["detail"]
        assert httpx.get(gone.json()["last_version"]).json()["data"] == last
        program("merge", "nz-dia", "nz-psc", "--reason", "one and the same", "--database-url", dsn)
        merged = httpx.get(f"{url}/v1/organisations/nz-dia").json()
        assert httpx.get(merged["successor"]).json()["data"]["id"] == "nz-psc"
        program("restore", last["id"], "--reason", "right after all", "--database-url", dsn)
        assert httpx.get(f"{url}{last['url']}").json()["data"]["version"] == last["version"] + 2
        assert "nothing changes" in program("release", "--database-url", dsn).stdout


def test_digests_are_what_sort_and_sha256sum_make_of_the_records(client: httpx.Client) -> None:
    head = client.get("/v1").json()["data"]["release"]
    for number in (1, head):
        release = client.get(f"/v1/releases/{number}").json()["data"]
        root = []
        for noun in NOUNS:
            records = client.get(f"/v1/{noun}.json?limit=1000&as_of={number}").json()["data"]
            lines = sorted(f"{one['id']}\t{digest(canonical(one))}\n".encode() for one in records)
            assert client.get(f"/v1/releases/{number}/{noun}.tsv").content == b"".join(lines)
            assert release["counts"].get(noun, 0) == len(records)
            if noun in FIRST_NOUNS or records:
                assert release["digests"][noun] == hashlib.sha256(b"".join(lines)).hexdigest()
                root.append(f"{noun}\t{release['digests'][noun]}\n".encode())
        assert release["root"] == hashlib.sha256(b"".join(sorted(root))).hexdigest()


def test_digest_of_a_plan_is_over_all_that_is_of_it(client: httpx.Client) -> None:
    head = client.get("/v1").json()["data"]["release"]
    release = client.get(f"/v1/releases/{head}").json()["data"]
    records = [
        one
        for noun in NOUNS
        if noun != "organisations"
        for one in client.get(f"/v1/{noun}?limit=1000&plan=nz-nap2").json()["data"]
    ]
    lines = sorted(f"{one['id']}\t{digest(canonical(one))}\n".encode() for one in records)
    assert release["plans"] == {"nz-nap2": hashlib.sha256(b"".join(lines)).hexdigest()}


def test_releases_come_newest_first_and_page(client: httpx.Client) -> None:
    whole = client.get("/v1/releases").json()
    numbers = [one["number"] for one in whole["data"]]
    assert numbers == list(range(whole["meta"]["release"], 0, -1))
    page = client.get("/v1/releases?limit=2").json()
    assert [one["number"] for one in page["data"]] == numbers[:2]
    follow = client.get(page["links"]["next"].removeprefix("https://data.example.org")).json()
    assert [one["number"] for one in follow["data"]] == numbers[2:4]
    assert whole["meta"]["next_expected_at"] > whole["data"][0]["made_at"]
    assert client.get("/v1/releases/999").status_code == client.get("/v1/releases/x").status_code == 404


class Told(Struct):
    """A change as a line tells it; the record's bytes are kept as they came."""

    noun: str
    id: str
    release: int
    sha256: str | None
    record: Raw


@pytest.mark.parametrize("limit", [1, 2, 7, 100, 1000])
def test_pages_of_any_size_give_the_full_export_byte_for_byte(client: httpx.Client, limit: int) -> None:
    copy: dict[str, dict[str, bytes]] = {noun: {} for noun in NOUNS}
    path, since, pages = f"/v1/changes.ndjson?since=0&limit={limit}", 0, 0
    while path and pages < 100:
        page = client.get(path)
        end = int(page.headers["ogp-next-since"])
        for line in page.content.splitlines():
            one = msgspec.json.decode(line, type=Told)
            assert since < one.release <= end and one.sha256 == digest(bytes(one.record))
            copy[one.noun][one.id] = bytes(one.record)
        for noun, rows in copy.items():
            exported = client.get(f"/v1/{noun}.ndjson?as_of={end}").content
            assert sorted(exported.splitlines()) == sorted(rows.values())
        path = page.links.get("next", {}).get("url", "").removeprefix("https://data.example.org")
        since, pages = end, pages + 1
    assert since == client.get("/v1/changes?since=0").json()["meta"]["release"] and pages > (limit == 1)


def test_every_version_is_told_when_it_is_asked_for(client: httpx.Client) -> None:
    latest = client.get("/v1/changes?since=0").json()["data"]
    full = client.get("/v1/changes?since=0&history=full").json()["data"]
    assert len(full) > len(latest) == len({one["id"] for one in latest})
    one = client.get("/v1/changes?since=0&noun=reports&plan=nz-nap2").json()["data"]
    assert {change["noun"] for change in one} == {"reports"}
    assert client.get("/v1/changes?since=0&plan=nz-nap9").json()["data"] == []


def test_json_and_lines_hold_the_same_changes(client: httpx.Client) -> None:
    lines = client.get("/v1/changes.ndjson?since=0")
    assert lines.headers["content-type"] == "application/x-ndjson"
    items = client.get("/v1/changes?since=0").json()["data"]
    assert [httpx.Response(200, content=line).json() for line in lines.content.splitlines()] == items
    assert lines.headers["ogp-next-since"] == str(client.get("/v1").json()["data"]["release"])


def test_lines_tell_in_their_header_where_to_go_on(client: httpx.Client) -> None:
    page = client.get("/v1/changes.ndjson?since=0&limit=1")
    assert page.headers["ogp-epoch"] == client.get("/v1/releases").json()["meta"]["epoch"]
    following = page.links["next"]
    assert following["type"] == "application/x-ndjson" and f"since={page.headers['ogp-next-since']}" in following["url"]
    assert f"epoch={page.headers['ogp-epoch']}" in following["url"]


@pytest.mark.parametrize("suffix", ["json", "csv", "ndjson", "atom"])
@pytest.mark.parametrize("path", ["/v1/reports/nz-nap2-c5-r2017-09-2017-11", "/v1/milestones"])
def test_past_of_a_list_and_a_record_does_not_change_and_links_to_itself(
    client: httpx.Client, path: str, suffix: str
) -> None:
    address = f"{path}.{suffix}?as_of=4"
    then, now = client.get(address), client.get(f"{path}.{suffix}")
    assert then.status_code == 200 and then.content != now.content
    assert then.headers["cache-control"] == "max-age=86400"
    if suffix in ("json", "atom"):
        assert f'{address}"' in then.text
    others = [link["url"] for link in then.links.values() if link.get("rel") == "alternate"]
    assert all(re.search(r"[?&]as_of=4$", other) for other in others)


def test_nothing_new_is_an_empty_page_and_then_304(client: httpx.Client) -> None:
    head = client.get("/v1").json()["data"]["release"]
    answer = client.get(f"/v1/changes?since={head}")
    assert answer.json()["data"] == [] and "next" not in answer.json()["links"]
    again = client.get(f"/v1/changes?since={head}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("since=999999", 400),
        ("since=-1", 400),
        ("since=x", 400),
        ("since=", 400),
        ("since=1e3", 400),
        ("since=1&since=2", 400),
        ("since=3&until=1", 400),
        ("since=rehearsal-nothing", 400),
        ("since=rehearsal-410", 410),
        ("since=1&epoch=00000000-0000-0000-0000-000000000000", 410),
        ("since=1&epoch=x", 400),
        ("limit=0", 400),
        ("noun=plan", 400),
    ],
)
def test_place_to_go_on_from_that_is_none_is_refused_with_what_to_do(
    client: httpx.Client, asked: str, status: int
) -> None:
    answer = client.get(f"/v1/changes?{asked}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 410:
        assert answer.json()["type"].endswith("/cursor-gone") and answer.json()["snapshot"]


def test_release_that_another_process_told_of_is_looked_up_before_it_is_denied(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who got a release from one process may ask the next one, which did not hear of it yet."""
    monkeypatch.setattr(watch, "forever", lambda site: asyncio.sleep(3600))
    with within(dsn) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/v1/releases").json()["meta"]["release"] == 0
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
        assert client.get("/v1/changes?since=1").json()["meta"]["up_to_date"]
        program("withdraw", "nz-nap2-c5-r2017-09-2017-11", "--reason", "x", "--database-url", dsn)
        assert client.get("/v1/reports.json?as_of=2").json()["meta"]["total"] == 0


def test_own_epoch_is_taken(client: httpx.Client) -> None:
    epoch = client.get("/v1/changes?since=0&limit=1").json()["meta"]["epoch"]
    assert client.get(f"/v1/changes?since=0&limit=1&epoch={epoch}").status_code == 200


def test_rehearsals_are_always_there(client: httpx.Client) -> None:
    def actions(name: str) -> list[str]:
        return [one["action"] for one in client.get(f"/v1/changes?since=rehearsal-{name}").json()["data"]]

    assert (actions("empty"), actions("tombstone")) == ([], ["withdraw"])
    assert actions("duplicate") == ["publish", "publish"]
    lines = client.get("/v1/changes.ndjson?since=rehearsal-duplicate")
    assert lines.headers["content-type"] == "application/x-ndjson" and len(lines.content.splitlines()) == 2
    assert {*rehearsals.PAGES, "rehearsal-410"} == set(query.REHEARSALS)
    new = client.get("/v1/changes?since=rehearsal-new-value").json()["data"][0]
    assert new["record"]["status"] == "a_status_of_the_future" and digest(canonical(new["record"])) == new["sha256"]


def test_versions_step_by_one_and_can_be_asked_for(client: httpx.Client) -> None:
    found = client.get("/v1/reports/nz-nap2-c5-r2017-09-2017-11/versions").json()["data"]
    assert [one["version"] for one in found] == list(range(1, len(found) + 1)) and len(found) >= 2
    assert found[1]["change_kind"] == "correction" and "sections" in found[1]["changed_fields"]
    for one in found:
        record = client.get(one["url"]).json()["data"]
        assert (record["version"], digest(canonical(record))) == (one["version"], one["sha256"])
    assert client.get("/v1/reports/nz-nothing/versions").status_code == 404
