"""What lists and records answer on the real program: formats, filters, paging, cursors. HTTP itself is in test_matrix.py."""

import csv
import io
from datetime import UTC, datetime

import feedparser
import httpx
import msgspec
import pytest

from ogp_open_data.formats import FORMATS
from ogp_open_data.records import NOUNS, canonical, digest
from ogp_open_data.store.listings import Listing
from ogp_open_data.web import cursors


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("application/*", "application/json"),
        ("text/html, application/atom+xml;q=0.9", "application/atom+xml"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/*, application/json;q=0.1", "text/csv"),
    ],
)
def test_accept_is_weighed(client: httpx.Client, accept: str, expected: str) -> None:
    assert client.get("/v1/plans", headers={"Accept": accept}).headers["content-type"].startswith(expected)


def test_media_type_that_there_is_not_gets_406_with_the_list(client: httpx.Client) -> None:
    assert client.get("/v1/plans", headers={"Accept": "*/*;q=0"}).status_code == 406
    answer = client.get("/v1/plans", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert answer.json()["available"] == [one.media_type for one in FORMATS.values()]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/plans/no-such-plan", 404),
        ("GET", "/v1/plans/nz-nap2.xml", 404),
        ("GET", "/v1/plans.xml", 404),
        ("GET", "//v1/plans", 404),
        ("GET", "/v1%2Fplans", 404),
        ("GET", "/v1/plans/%00", 400),
        ("GET", "/v1/plans/%ff", 400),
        ("GET", "/v1/plans?q=%00", 400),
        ("GET", "/v1/plans?q=%ff", 400),
        ("GET", "/v1/plans?q=%zz", 400),
        ("GET", "/v1/plans?limit=0", 400),
        ("GET", "/v1/plans?statsu=x", 400),
        ("GET", "/v1/plans?cursor=AAAAAAAAAAAA", 400),
        ("GET", "/v1/plans?as_of=99999", 404),
        ("GET", "/v1/plans?as_of=2199-01-01", 400),
        ("GET", "/v1/plans?as_of=2001-01-01", 404),
        ("GET", "/v1/plans.atom?fields=id", 400),
        ("GET", "/v1?x=1", 400),
        ("GET", f"/v1/plans?q={'a' * 9000}", 414),
        ("POST", "/v1/plans", 405),
        ("PUT", "/v1/plans/nz-nap2", 405),
        ("DELETE", "/feed.atom", 405),
        ("TRACE", "/v1", 405),
    ],
)
def test_every_error_is_problem_details(client: httpx.Client, method: str, path: str, status: int) -> None:
    # httpx would mend a double slash and dots; the raw target is what counts.
    url = httpx.URL(str(client.base_url)).copy_with(raw_path=path.encode())
    answer = client.request(method, url)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["title"] and problem["detail"]
    assert problem["instance"] == f"urn:uuid:{answer.headers['request-id']}"
    assert answer.headers["access-control-allow-origin"] == "*"
    page = client.get(problem["type"].removeprefix("https://data.example.org"))
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    if status == 405:
        assert answer.headers["allow"].startswith("GET, HEAD, ")


def test_unknown_parameter_names_the_nearest_known_one(client: httpx.Client) -> None:
    problem = client.get("/v1/commitments?staus=delayed&limt=3").json()
    assert "did you mean status?" in problem["detail"] and "did you mean limit?" in problem["detail"]
    assert [one["parameter"] for one in problem["errors"]] == ["staus", "limt"]


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_pages_joined_are_the_whole_list(client: httpx.Client, noun: str, limit: int) -> None:
    whole = [msgspec.json.decode(line) for line in client.get(f"/v1/{noun}.ndjson").content.splitlines()]
    rows, path, pages = [], f"/v1/{noun}.json?limit={limit}", 0
    while path and pages < 500:
        page = client.get(path).json()
        assert page["meta"]["total"] == len(whole)
        rows += page["data"]
        path, pages = page["links"].get("next", "").removeprefix("https://data.example.org"), pages + 1
    assert rows == whole and pages < 500


def test_next_link_names_its_release_and_is_in_the_header_too(client: httpx.Client) -> None:
    answer = client.get("/v1/milestones?limit=2")
    follow = answer.json()["links"]["next"]
    assert f"as_of={answer.json()['meta']['release']}" in follow
    assert answer.links["next"]["url"] == follow


@pytest.mark.parametrize("noun", NOUNS)
def test_json_csv_ndjson_and_atom_hold_the_same_records(client: httpx.Client, noun: str) -> None:
    records = client.get(f"/v1/{noun}.json?limit=1000").json()["data"]
    rows = list(csv.DictReader(io.StringIO(client.get(f"/v1/{noun}.csv").text, newline=""), strict=True))
    feed = feedparser.parse(client.get(f"/v1/{noun}.atom?limit=1000&sort=id").content)
    assert records and not feed.bozo
    assert [row["id"] for row in rows] == [one["id"] for one in records]
    assert [row["version"] for row in rows] == [str(one["version"]) for one in records]
    assert [entry.id.rpartition("/")[2] for entry in feed.entries] == [one["id"] for one in records]
    assert client.get(f"/v1/{noun}.csv").headers["ogp-row-count"] == str(len(records))
    assert client.get(f"/v1/{noun}.csv").content.endswith(b"\r\n")


@pytest.mark.parametrize("noun", NOUNS)
def test_digest_of_an_item_is_of_the_record_exactly_as_served(client: httpx.Client, noun: str) -> None:
    id = client.get(f"/v1/{noun}?limit=1").json()["data"][0]["id"]
    answer = client.get(f"/v1/{noun}/{id}.json")
    assert digest(canonical(answer.json()["data"])) == answer.json()["meta"]["sha256"]
    assert client.get(f"/v1/{noun}/{id}.ndjson").content.strip() in answer.content


def test_filters_find_what_they_say(client: httpx.Client) -> None:
    def ids(path: str) -> list[str]:
        return [one["id"] for one in client.get(path).json()["data"]]

    assert ids("/v1/milestones?commitment=nz-nap2-c5") == [f"nz-nap2-c5-m{n}" for n in (1, 2, 3)]
    assert all(one["status"] == "delayed" for one in client.get("/v1/milestones?status=delayed").json()["data"])
    assert ids("/v1/milestones?status=delayed") == ["nz-nap2-c1-m4"]
    assert set(ids("/v1/commitments?organisation=nz-psc")) == {"nz-nap2-c2", "nz-nap2-c5"}
    assert set(ids("/v1/milestones?organisation=nz-psc&limit=3")) < set(ids("/v1/milestones"))
    assert ids("/v1/commitments?id=nz-nap2-c7,nz-nap2-c1") == ["nz-nap2-c1", "nz-nap2-c7"]
    assert ids("/v1/commitments?plan=nz-nap3") == []
    assert ids("/v1/organisations?q=kawa mataaho") == ids("/v1/organisations?q=Kāwa Mataaho") == ["nz-psc"]
    early = client.get("/v1/progress?period_to=2017-11-30&limit=1000").json()["data"]
    assert early and all(one["period_end"] <= "2017-11-30" for one in early)
    assert ids("/v1/reports?sort=-period_end&limit=1")[0].endswith("2018-06")
    assert ids("/v1/commitments?sort=-id") == list(reversed(ids("/v1/commitments")))


def test_included_records_come_in_the_same_answer(client: httpx.Client) -> None:
    answer = client.get("/v1/commitments?id=nz-nap2-c5&include=milestones,organisations,plans").json()
    assert [one["id"] for one in answer["included"]["milestones"]] == [f"nz-nap2-c5-m{n}" for n in (1, 2, 3)]
    assert [one["id"] for one in answer["included"]["organisations"]] == ["nz-psc"]
    assert [one["id"] for one in answer["included"]["plans"]] == ["nz-nap2"]
    report = client.get("/v1/reports/nz-nap2-c5-r2017-09-2017-11?include=milestones,progress").json()
    assert [one["id"] for one in report["included"]["milestones"]] == report["data"]["milestones"]
    assert len(report["included"]["progress"]) == 3
    listed = client.get("/v1/reports?id=nz-nap2-c5-r2017-09-2017-11&include=milestones").json()
    assert listed["included"]["milestones"] == report["included"]["milestones"]


def test_feed_begins_with_what_changed_last_and_each_question_is_a_feed_of_its_own(client: httpx.Client) -> None:
    feed = feedparser.parse(client.get("/v1/progress.atom?limit=5").content)
    updated = [entry.updated for entry in feed.entries]
    assert updated == sorted(updated, reverse=True) and feed.feed.updated == updated[0]
    other = feedparser.parse(client.get("/v1/progress.atom?status=completed").content)
    assert other.feed.id != feed.feed.id and "completed" in other.feed.title


def test_state_of_release_0_is_empty(client: httpx.Client) -> None:
    answer = client.get("/v1/plans?as_of=0").json()
    assert (answer["data"], answer["meta"]["release"], answer["meta"]["total"]) == ([], 0, 0)


@pytest.mark.parametrize("value", [1, None, "x\x00", [1], "2018-06-30"])
@pytest.mark.parametrize("sort", ["id", "release", "due_on"])
def test_forged_cursor_is_refused(client: httpx.Client, value: object, sort: str) -> None:
    listing = Listing(noun="milestones", release=1, sort=sort)
    epoch = client.get("/v1/releases").json()["meta"]["epoch"]
    body = msgspec.json.encode([epoch[:8], 1, 9, value, "k\x00", cursors.question(listing)])
    forged = cursors._text(cursors._check(body) + body)
    assert client.get(f"/v1/milestones?sort={sort}&as_of=1&cursor={forged}").status_code == 400


def test_only_the_fields_asked_for_are_given(client: httpx.Client) -> None:
    assert set(client.get("/v1/commitments?fields=title,status").json()["data"][0]) == {"id", "title", "status"}
    assert client.get("/v1/commitments.csv?fields=id,title").text.startswith("id,title\r\n")


def test_list_as_of_a_release_is_what_it_was_then(client: httpx.Client) -> None:
    now = client.get("/v1").json()["data"]["release"]
    assert now > 3
    first = client.get("/v1/commitments?as_of=1")
    assert first.headers["cache-control"] == "max-age=86400"
    assert all(one["release"] == 1 for one in first.json()["data"])
    assert client.get("/v1/reports?as_of=1").json()["data"] == []
    assert client.get("/v1/reports.csv?as_of=1").headers["ogp-row-count"] == "0"
    today = client.get(f"/v1/reports?as_of={datetime.now(UTC):%Y-%m-%d}")
    assert today.status_code in (200, 404)


def test_answers_pass_through_a_database_that_reads_only(client: httpx.Client) -> None:
    assert client.get("/readyz").json()["status"] == "ok"
    assert client.get("/livez").status_code == 200


def test_bulk_with_a_limit_goes_on_by_a_link(client: httpx.Client) -> None:
    whole = client.get("/v1/milestones.csv").text.splitlines()
    rows, path, pages = [], "/v1/milestones.csv?limit=7", 0
    while path and pages < 50:
        page = client.get(path)
        lines = page.text.splitlines()
        assert page.headers["ogp-row-count"] == str(len(lines) - 1)
        rows += lines[1:] if pages else lines
        path, pages = page.links.get("next", {}).get("url", "").removeprefix("https://data.example.org"), pages + 1
    assert rows == whole and pages == 4


def test_header_stays_short_with_the_longest_filter(client: httpx.Client) -> None:
    ids = ",".join(f"nz-nap2-c{n}" for n in range(1, 200))
    answer = client.get(f"/v1/commitments?limit=1&id={ids}")
    assert answer.status_code == 200 and len(answer.headers["link"]) < 8000
    assert answer.links["next"]["url"] == answer.json()["links"]["next"]
