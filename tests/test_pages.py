"""The pages as HTML: well made, linked without gaps, true to their release, and told to those who ask for pages."""

import json
import re
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import lxml.html
import pytest

from kinds import KINDS
from ogp_open_data.settings import Settings
from ogp_open_data.web import app
from ogp_open_data.web.board import finding
from ogp_open_data.web.frozen import alive
from serving import program, running

BASE = "https://data.example.org"
SAMPLE = Path(__file__).parent.parent / "src" / "ogp_open_data" / "sample"
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
# As many addresses as are looked at; the sample has fewer.
MOST_LINKS = 1500


def document(client: httpx.Client, path: str) -> lxml.html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return lxml.html.document_fromstring(answer.content)


def test_html_validate_finds_nothing(client: httpx.Client, node: Path, tmp_path: Path) -> None:
    for kind, path in KINDS.items():
        (tmp_path / f"{kind.replace(' ', '-')}.html").write_bytes(client.get(path).content)
    (tmp_path / "problem.html").write_bytes(client.get("/commitments/nope", headers=BROWSER).content)
    tool = [node / "html-validate" / "bin" / "html-validate.mjs", "--config", node.parent / "htmlvalidate.json"]
    done = subprocess.run(["node", *tool, *tmp_path.iterdir()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_no_link_is_broken(client: httpx.Client) -> None:
    """From page to page: what filters and releases make of a page is asked for, but not followed further."""
    seen, waiting, broken = {"/"}, ["/"], []
    while waiting and len(seen) < MOST_LINKS:
        path = waiting.pop()
        answer = client.get(path, headers=BROWSER)
        if answer.status_code != 200:
            broken.append((answer.status_code, path))
        elif answer.headers["content-type"].startswith("text/html") and "?" not in path:
            found = set(_links(path, answer.text)) - seen
            seen |= found
            waiting += sorted(found)
    assert broken == []
    assert 300 < len(seen) < MOST_LINKS
    assert {"/organisations/nz-treasury", "/v1/milestones.csv?commitment=nz-nap2-c5", "/releases/1"} <= seen


def _links(path: str, text: str) -> Iterator[str]:
    for found in re.findall(r'\s(?:href|src)="([^"]*)"', text):
        parts = urlsplit(urljoin(BASE + path, unescape(found)))
        if f"{parts.scheme}://{parts.netloc}" == BASE:
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def test_fragments_of_links_are_on_the_page(client: httpx.Client) -> None:
    for path in KINDS.values():
        page = document(client, path)
        ids = {one.get("id") for one in page.iter() if one.get("id")}
        assert {link.get("href")[1:] for link in page.cssselect('a[href^="#"]')} <= ids, path


def test_page_stays_in_the_release_that_was_asked_for(client: httpx.Client) -> None:
    page = document(client, "/commitments/nz-nap2-c1?as_of=4")
    assert "You are looking at the past" in page.text_content()
    assert page.cssselect('meta[name="robots"]')[0].get("content") == "noindex"
    assert page.cssselect('link[rel="canonical"]')[0].get("href") == f"{BASE}/commitments/nz-nap2-c1"
    inside = [one.get("href") for one in page.cssselect("main a") if one.get("href").startswith("/")]
    assert inside and all("as_of=4" in href for href in inside if not href.startswith("/feed"))
    assert "1 of 4 milestones completed" in page.text_content()
    assert "3 of 4 milestones completed" in document(client, "/commitments/nz-nap2-c1").text_content()


def test_page_of_a_release_never_changes(server: str, template: str, dsn: str) -> None:
    with running("--sample", "--database-url", dsn) as (_, url):
        before = {path: _got(url + path).content for path in ("/?as_of=4", "/milestones/nz-nap2-c1-m2?as_of=4")}
        program("correct", "nz-nap2-c1", "--set", "title=Wide open Budget", "--reason", "test", "--database-url", dsn)
        assert "Wide open Budget" in _got(f"{url}/commitments/nz-nap2-c1").text
        program("withdraw", "nz-nap2-c1-r2018-03-2018-06", "--reason", "printed by mistake", "--database-url", dsn)
        after = {path: _got(url + path).content for path in before}
        gone = _got(f"{url}/reports/nz-nap2-c1-r2018-03-2018-06", headers=BROWSER)
        assert gone.status_code == 410 and "printed by mistake" in gone.text
        last = lxml.html.document_fromstring(gone.text).cssselect("ul a")[0].get("href")
        assert _got(url + last).status_code == 200
        news = _got(url).text
        assert "Withdrawn" in news and _got(url + _first(news, "told-withdrawn")).status_code == 200
    assert after == before


def _got(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=30)


def _first(text: str, kind: str) -> str:
    return unescape(re.search(rf'<li class="{kind}">.*?href="([^"]*)"', text, re.DOTALL)[1])


def test_errors_are_pages_for_those_who_ask_for_pages(client: httpx.Client) -> None:
    page = client.get("/commitments/nope", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "nope" in page.text and "/docs/errors/not-found" in page.text
    wrong = client.get("/milestones?staus=completed", headers=BROWSER)
    assert wrong.status_code == 400 and "did you mean status" in wrong.text
    for path, headers in (("/commitments/nope", {}), ("/v1/commitments/nope", BROWSER), ("/nope.csv", BROWSER)):
        assert client.get(path, headers=headers).headers["content-type"] == "application/problem+json"


def test_status_says_the_same_to_people_and_to_programs_and_is_kept_by_nobody(client: httpx.Client) -> None:
    told = client.get("/status.json").json()
    page = document(client, "/status")
    words = " ".join(page.text_content().split())
    assert f"Release {told['release']['number']} was made" in words and told["version"] in words
    assert "Everything works" in words and {one["state"] for one in told["checks"]} == {"ok"}
    assert (told["instance_behind"], told["replica_behind"], told["overdue_seconds"]) == (0, None, 0)
    assert client.get("/status", headers={"Accept": "application/json"}).json()["state"] == "ok"
    since = {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT", **BROWSER}
    answer = client.get("/status", headers=since)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in answer.headers and client.get("/status?as_of=1").status_code == 400


def test_search_is_narrowed_by_facets_that_say_what_they_will_find(client: httpx.Client) -> None:
    whole = document(client, "/search?q=government")
    links = {" ".join(one.text_content().split()): one.get("href") for one in whole.cssselect(".facets a")}
    (label,) = [one for one in links if one.startswith("Completed ")]
    narrowed = document(client, links[label])
    assert "status=completed" in links[label] and "q=government" in links[label]
    found = int(label.split()[-1])
    assert narrowed.cssselect(".count")[0].text_content().startswith(f"{found} record")
    lists = [one.get("href") for one in narrowed.cssselect("section .meta a") if "/v1/" not in one.get("href")]
    assert lists and all("status=completed" in href for href in lists)
    counts = [int(document(client, href).cssselect(".count")[0].text_content().split()[0]) for href in lists]
    assert sum(counts) == found
    # Its own way back stands beside what was chosen.
    (back,) = [one.get("href") for one in narrowed.cssselect("ul.chips a") if "Status" in one.text_content()]
    assert "status" not in back and "q=government" in back


def test_search_heeds_no_macrons_and_marks_what_it_found(client: httpx.Client) -> None:
    for words in ("Tai Ōhanga", "tai ohanga"):
        page = document(client, f"/search?q={words}")
        assert [one.get("href") for one in page.cssselect("#organisations ~ ul h3 a")] == ["/organisations/nz-treasury"]
        assert [one.text for one in page.cssselect("#organisations ~ ul mark")] == ["Tai", "Ōhanga"]


def test_facets_count_what_they_lead_to(client: httpx.Client) -> None:
    page = document(client, "/milestones?status=completed")
    links = page.cssselect(".facets li a")
    assert len(links) >= 5
    for link in links:
        answer = document(client, link.get("href"))
        told = int(answer.cssselect(".count")[0].text_content().split()[0])
        if link.get("aria-current") is None and "status=completed&organisation" in link.get("href"):
            assert told == int(link.cssselect(".n")[0].text), link.get("href")
        data = answer.cssselect('link[type="application/json"]')[0].get("href")
        assert client.get(data).json()["meta"]["total"] == told


@pytest.mark.anyio
async def test_list_is_walked_page_by_page(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "OF_A_PAGE", 10)
    for file in sorted(SAMPLE.glob("*.csv"), key=lambda file: not file.name.endswith("-plan.csv"))[:2]:
        program("import", str(file), "--database-url", dsn)
    application = app.create(Settings(database_url=dsn))
    found, path = [], "/milestones?plan=nz-nap2"
    async with alive(application), httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=BASE) as one:
        while path:
            page = lxml.html.document_fromstring((await one.get(path)).content)
            assert page.cssselect(".count")[0].text_content().startswith("25 milestones")
            found += [link.get("href") for link in page.cssselect(".hits h2 a")]
            path = next((link.get("href") for link in page.cssselect('a[rel="next"]')), "")
    assert len(found) == len(set(found)) == 25


def test_dates_and_te_reo_are_written_as_in_new_zealand(client: httpx.Client) -> None:
    page = document(client, "/organisations/nz-treasury")
    assert page.cssselect('[lang="mi"]')[0].text == "Te Tai Ōhanga"
    assert page.get("lang") == "en-NZ"
    times = document(client, "/plans/nz-nap2").cssselect("time")
    assert ("2018-06-30", "30 June 2018") in {(one.get("datetime"), one.text) for one in times}
    for path in KINDS.values():
        text = document(client, path).text_content() if path != "/docs" else ""
        assert not re.search(r"\b\d{1,2}/\d{1,2}/\d{4}\b|\b[A-Z][a-z]+ \d{1,2}, \d{4}\b", text), path


def test_data_set_is_described_for_search_engines(client: httpx.Client) -> None:
    for path in ("/", "/plans/nz-nap2", "/use"):
        (text,) = document(client, path).xpath("//script[@type='application/ld+json']/text()")
        told = json.loads(text)
        assert (told["@type"], told["license"]) == ("Dataset", "https://creativecommons.org/licenses/by/4.0/")
        for one in told["distribution"]:
            answer = client.get(one["contentUrl"].removeprefix(BASE))
            assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, one["encodingFormat"])
    page = document(client, "/commitments/nz-nap2-c5")
    told = {one.get("property"): one.get("content") for one in page.cssselect("meta[property]")}
    assert told["og:title"] == "Commitment 5: Ongoing engagement for OGP" and told["og:url"].startswith(BASE)


def test_style_and_script_are_kept_for_good_under_their_digest(client: httpx.Client) -> None:
    for found in re.findall(r'"(/static/[^"]+)"', client.get("/").text):
        answer = client.get(found)
        assert "immutable" in answer.headers["cache-control"], found
        plain = re.sub(r"\.[0-9a-f]{12}\.", ".", found)
        assert client.get(plain).content == answer.content
        assert "immutable" not in client.get(plain).headers["cache-control"]
    assert client.get("/static/style.000000000000.css").status_code == 200
    assert client.get("/static/nope.css").status_code == 404


def test_empty_store_has_a_front_page(dsn: str) -> None:
    with running("--database-url", dsn) as (_, url):
        for path in ("/", "/commitments", "/search?q=x", "/releases", "/use"):
            answer = _got(url + path)
            assert answer.status_code == 200, path
        assert "Nothing was published yet" in _got(url).text
