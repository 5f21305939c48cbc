"""Every error has a page that says why it comes, what it looks like and what to do; the examples are true."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ogp_open_data import errors

BASE = "https://data.example.org"
ASKED = [one for one in errors.every() if one.example.partition(" ")[0].isupper() and "…" not in one.example]


def test_every_error_is_told_whole() -> None:
    for one in errors.every():
        assert one.__doc__ and one.__doc__.count("\n") == 0, "the docstring is the title"
        assert {"code", "cause", "example", "remedy"} <= vars(one).keys(), one.__name__
    codes = [one.code for one in errors.every()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", errors.every(), ids=lambda one: one.code)
def test_type_of_a_problem_leads_to_its_page(client: httpx.Client, error: type[errors.OpenDataError]) -> None:
    page = client.get(f"/docs/errors/{error.code}")
    assert page.status_code == 200
    assert error.titled() in page.text and f"/docs/errors/{error.code}" in client.get("/docs/errors").text
    for heading in ("Why", "For example", "What to do"):
        assert f"<h2>{heading}</h2>" in page.text


@pytest.mark.parametrize("error", ASKED, ids=lambda one: one.code)
def test_example_of_an_error_meets_it(client: httpx.Client, error: type[errors.OpenDataError]) -> None:
    request, _, field = error.example.partition(" with ")
    method, target = request.split(" ")
    name, _, value = field.partition(": ")
    answer = client.request(method, target, headers={name: value} if name else {})
    assert (answer.status_code, answer.json()["title"]) == (error.status, error.titled())
    assert answer.json()["type"] == f"{BASE}/docs/errors/{error.code}"
    assert answer.links["help"]["url"] == answer.json()["type"]


def test_examples_are_asked_for_real() -> None:
    assert {"bad-request", "not-found", "method-not-allowed", "not-acceptable", "cursor-gone"} <= {
        one.code for one in ASKED
    }


def test_all_faults_of_a_request_are_told_at_once(client: httpx.Client) -> None:
    problem = client.get("/v1/commitments?limit=0&as_of=soon&status=X&nope=1").json()
    assert [one["parameter"] for one in problem["errors"]] == ["limit", "as_of", "status", "nope"]
    assert all(one["detail"] for one in problem["errors"])


def test_no_detail_tells_of_the_inside(client: httpx.Client) -> None:
    for path in ("/v1/plans?cursor=AAAAAAAAAAAA", "/v1/plans?as_of=9999999999999999", "/v1/releases/x", "/v1/x/y/z"):
        text = client.get(path).text
        assert not any(word in text for word in ("Traceback", "SELECT", "asyncpg", ".py", "Exception")), text


def test_security_txt_names_the_contact_and_expires_after_the_newest_release(client: httpx.Client) -> None:
    text = client.get("/.well-known/security.txt").text
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert fields["Contact"] == "mailto:data@example.org"
    assert fields["Canonical"] == f"{BASE}/.well-known/security.txt"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=179) < left <= timedelta(days=180)
    assert text.count("Expires") == 1 and text.count("Preferred-Languages") == 1


def test_catalogue_of_apis_leads_to_what_there_is(client: httpx.Client) -> None:
    answer = client.get("/.well-known/api-catalog")
    assert answer.headers["content-type"].startswith("application/linkset+json; profile=")
    (api,) = answer.json()["linkset"]
    for rel in ("service-desc", "service-doc", "status"):
        assert client.get(api[rel][0]["href"].removeprefix(BASE)).status_code == 200
