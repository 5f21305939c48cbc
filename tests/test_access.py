"""Who may write, and what is refused: keys, scopes, wrong keys in numbers, hostile documents, requests sent twice."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from database import executed, named
from document_formats import repacked, with_xml
from ogp_open_data.web.writes.guard import ATTEMPTS, SECONDS_EACH, Guard
from publishing import TWIN, Office, office, planned, refused

TEXT = {"content-type": "text/plain; charset=utf-8"}
REASON = {"reason": "a test"}


@pytest.fixture(scope="module")
def busy(server: str, template: str) -> Iterator[Office]:
    name = f"ogp_access_{os.getpid()}"
    asyncio.run(executed(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    with office(named(server, name)) as one:
        yield one


def test_without_a_key_or_with_a_wrong_one_the_answer_is_the_same_401(busy: Office) -> None:
    revoked = busy.keys["dia"]
    asyncio.run(executed(busy.dsn, "UPDATE api_key SET revoked_at = now() WHERE name = 'dia'"))
    told = []
    for sent in (
        {},
        {"authorization": "Basic eDp5"},
        {"authorization": f"Bearer {revoked}"},
        {"authorization": "Bearer x"},
    ):
        answer = busy.reader.post("/v1/imports", content=TWIN, headers={**TEXT, **sent})
        problem = refused(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer") and answer.headers["cache-control"] == "no-store"
        told.append({name: text for name, text in problem.items() if name != "instance"})
    assert told[0] == told[1] and told[2] == told[3]


def test_key_is_good_for_its_actions_and_agencies_only(busy: Office) -> None:
    ssc = busy.client("ssc")
    refused(ssc.post("/v1/releases"), 403, "forbidden")
    path = "/v1/organisations/nz-dia"
    answer = ssc.patch(path, json={"website": "https://x.example"}, params=REASON, headers=busy.etag(path))
    assert refused(answer, 403, "forbidden")["ids"] == ["nz-dia"]
    # Who leads a commitment is what was held: a report cannot take it over by naming its sender.
    other = TWIN.replace(b"Commitment 5", b"Commitment 3")
    assert "nz-psc" not in refused(planned(ssc, other), 403, "forbidden")["ids"]
    path = "/v1/plans/nz-nap2"
    answer = ssc.patch(path, json={"website": "https://x.example"}, params=REASON, headers=busy.etag(path))
    refused(answer, 403, "forbidden")


def test_plan_of_one_key_is_nobody_elses(busy: Office) -> None:
    ssc = busy.client("ssc")
    links = planned(busy.client("office"), TWIN).json()["links"]
    refused(ssc.get(links["self"]), 404, "not-found")
    refused(ssc.post(links["apply"]), 404, "not-found")
    refused(ssc.get("/v1/imports/none"), 404, "not-found")


def test_key_in_an_address_is_refused_wherever_it_stands(busy: Office) -> None:
    key = busy.keys["ssc"]
    for address in (f"/v1/plans?key={key}", f"/v1/plans/{key}", f"/v1/plans?q={key.replace('_', '%5F')}"):
        answer = busy.reader.get(address)
        assert "revoked" in refused(answer, 400, "bad-request")["detail"] and key not in answer.text


def test_reading_is_the_same_with_and_without_a_key(busy: Office) -> None:
    fields = ("etag", "cache-control", "vary", "last-modified", "link")
    for path in ("/v1/plans", "/v1/commitments.csv", "/v1/commitments/nz-nap2-c5"):
        plain, wrong = busy.reader.get(path), busy.reader.get(path, headers={"authorization": "Bearer wrong"})
        keyed = busy.client("ssc").get(path)
        assert plain.content == keyed.content == wrong.content and plain.status_code == 200
        assert [plain.headers.get(one) for one in fields] == [keyed.headers.get(one) for one in fields]


def test_preflight_tells_what_an_address_takes(busy: Office) -> None:
    for path, methods in {
        "/v1/imports": "POST, OPTIONS",
        "/v1/plans": "GET, HEAD, OPTIONS",
        "/v1/plans/nz-nap2": "GET, HEAD, PATCH, DELETE, OPTIONS",
        "/v1/plans/nz-nap2.csv": "GET, HEAD, OPTIONS",
        "/v1/releases": "GET, HEAD, POST, OPTIONS",
    }.items():
        answer = busy.reader.options(path)
        assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, methods), path
        assert ("Authorization" in answer.headers["access-control-allow-headers"]) == (
            len(methods) > 18 or "GET" not in methods
        )
    assert refused(busy.reader.get("/v1/imports"), 405, "method-not-allowed")
    refused(busy.reader.put("/v1/plans/nz-nap2"), 405, "method-not-allowed")


def test_document_comes_raw_or_in_a_form(busy: Office) -> None:
    ssc = busy.client("ssc")
    disposition = {"content-disposition": "attachment; filename*=UTF-8''r%C4%81wene.txt"}
    raw = ssc.post("/v1/imports", content=TWIN, headers={**TEXT, **disposition}).json()["data"]
    form = ssc.post("/v1/imports", files={"file": ("a.txt", TWIN, "text/plain")}, data={"published_on": "2017-12-20"})
    assert form.status_code == 201, form.text
    ids = [change["id"] for change in raw["changes"]]
    assert [change["id"] for change in form.json()["data"]["changes"]] == ids
    report = next(one["after"] for one in form.json()["data"]["changes"] if one["noun"] == "reports")
    assert report["published_on"] == "2017-12-20"
    problem = refused(planned(ssc, TWIN, published_on="2017", plam="nz-nap2"), 400, "bad-request")
    assert [one["parameter"] for one in problem["errors"]] == ["published_on", "plam"]
    refused(ssc.post("/v1/imports", files=[("a", ("a.txt", TWIN)), ("b", ("b.txt", TWIN))]), 400, "bad-request")
    refused(
        ssc.post("/v1/imports", content=b"--x", headers={"content-type": "multipart/form-data; boundary=x"}),
        400,
        "bad-request",
    )


def test_wrong_kinds_of_bodies_have_their_own_answers(busy: Office) -> None:
    ssc = busy.client("ssc")
    refused(
        ssc.post("/v1/imports", content=b"%PDF-", headers={"content-type": "application/pdf"}),
        415,
        "unsupported-media-type",
    )
    letter = planned(ssc, b"Dear all,\n\nthis is a letter about the weather.\n")
    assert isinstance(refused(letter, 422, "document-refused")["findings"], list)
    refused(planned(ssc, b""), 422, "document-refused")
    large = ssc.post("/v1/imports", content=b"x" * 11_000_000, headers=TEXT)
    refused(large, 413, "content-too-large")
    path = "/v1/organisations/nz-psc"
    etag = busy.etag(path)
    refused(
        ssc.patch(path, content=b"name=x", params=REASON, headers={**etag, "content-type": "text/plain"}),
        415,
        "unsupported-media-type",
    )
    for body in (
        b"{",
        b"[" * 100_000,
        b'{"name": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"name": "\\ud800"}',
        b"9" * 5000,
        b'{"name": ' + b'{"a": ' * 300 + b"1" + b"}" * 301,
        b"[]",
        b"{}",
    ):
        answer = ssc.patch(path, content=body, params=REASON, headers={**etag, "content-type": "application/json"})
        refused(answer, 400, "bad-request")
    refused(ssc.patch(path, json={"id": "nz-x"}, params=REASON, headers=etag), 422, "refused")
    problem = refused(ssc.patch(path, json={"name": "x"}, headers=etag), 400, "bad-request")
    assert [one["parameter"] for one in problem["errors"]] == ["reason"]
    refused(ssc.patch(path, json={"na\x00me": "x"}, params=REASON, headers=etag), 422, "refused")
    shown = ssc.patch(path, json={"name": "A\x00\x1b\u202e\u0101"}, params={**REASON, "dry_run": "true"}, headers=etag)
    assert shown.json()["data"]["changes"][0]["after"]["name"] == "A\u0101"


def test_hostile_header_or_form_is_a_bad_request(busy: Office) -> None:
    ssc = busy.client("ssc")
    for disposition in (
        "attachment; filename*=utf-8''a; filename*0=b",
        f"attachment; filename*{'1' * 5000}=x",
        f"attachment; filename={'x' * 256}.txt",
        'attachment; filename=" "',
    ):
        answer = ssc.post("/v1/imports", content=TWIN, headers={**TEXT, "content-disposition": disposition})
        refused(answer, 400, "bad-request")
    form = {"content-type": "multipart/form-data; boundary=x"}
    for field in (b"\r\n\r\n\xff", b"\r\nContent-Type: text/plain; charset=none\r\n\r\na"):
        body = b'--x\r\nContent-Disposition: form-data; name="reason"' + field + b"\r\n--x--\r\n"
        refused(ssc.post("/v1/imports", content=body, headers=form), 400, "bad-request")


def raw(url: str, head: str, body: bytes = b"") -> bytes:
    """What a server answers to bytes, until it has sent a whole head or ends."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as one:
        one.sendall(head.replace("\n", "\r\n").encode())
        try:
            for at in range(0, len(body), 65536):
                one.sendall(body[at : at + 65536])
        except OSError:
            pass
        return one.recv(65536)


def test_body_is_bounded_before_and_while_it_is_read(busy: Office) -> None:
    head = f"POST /v1/imports HTTP/1.1\nHost: x\nContent-Type: text/plain\nAuthorization: Bearer {busy.keys['ssc']}\n"
    # Who asks first is refused without having sent anything; who may go on is told so.
    assert raw(busy.url, head + "Content-Length: 99999999\nExpect: 100-continue\n\n").startswith(b"HTTP/1.1 413")
    assert raw(busy.url, head + "Content-Length: 10\nExpect: 100-continue\n\n").startswith(b"HTTP/1.1 100")
    anonymous = head.replace("Authorization", "X-Other")
    assert raw(busy.url, anonymous + "Content-Length: 10\nExpect: 100-continue\n\n").startswith(b"HTTP/1.1 401")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert b" 413 " in raw(busy.url, head + "Transfer-Encoding: chunked\n\n", chunk * 200)


MANY = [b"Milestone %d\n\nDo %d\n\nProgress: Underway\n\n" % (number, number) for number in range(9, 1600)]
HOSTILE = {
    "zip bomb": (lambda: repacked({"word/media/a.png": bytes(200_000_000)}), "a.docx"),
    "entities": (lambda: repacked({"word/styles.xml": b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>"}), "a.docx"),
    "depth": (lambda: with_xml(b"<w:p>" * 400 + b"</w:p>" * 400), "a.docx"),
    "tags": (lambda: b"<html>" + b"<p>" * 600_000, "a.html"),
    "controls": (lambda: b"Commitment 5\x00\x01\x02", "a.txt"),
    "title of 1 MB": (lambda: b"Commitment 5 progress report: " + b"x" * 1_000_000 + b"\n" + TWIN, "a.txt"),
    "marks": (lambda: b"Commitment 5 a" + b"\xcc\x81\xcc\xa3" * 100_000, "a.txt"),
    "milestones": (lambda: TWIN.replace(b"What have", b"".join(MANY) + b"What have"), "a.txt"),
    "deep JSON": (lambda: b"[" * 1_000_000, "a.json"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_is_refused_in_time_and_others_are_served_meanwhile(busy: Office, name: str) -> None:
    make, filename = HOSTILE[name]
    body, client, answers = make(), busy.client("office"), []
    planned(client, TWIN)
    began = time.monotonic()
    thread = threading.Thread(
        target=lambda: answers.append(client.post("/v1/imports", content=body, params={"filename": filename}))
    )
    thread.start()
    slowest = 0.0
    while thread.is_alive():
        asked = time.monotonic()
        assert busy.reader.get("/v1/plans").status_code == 200
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.02)
    took = time.monotonic() - began
    print(f"{name}: {answers[0].status_code} after {took:.2f} s, slowest read {slowest * 1000:.0f} ms")
    problem = refused(answers[0], 422, "document-refused")
    assert problem["detail"] and "Traceback" not in answers[0].text


def test_request_with_the_same_name_is_done_once(busy: Office) -> None:
    admin = busy.client("office")
    path = "/v1/organisations/nz-dia"
    sent = {**busy.etag(path), "idempotency-key": "b6f3a2be-6f4c-4f4e-9b1e-0d5f6f3d7a10"}
    patch = {"website": "https://dia.example.org"}
    first = admin.patch(path, json=patch, params=REASON, headers=sent)
    again = admin.patch(path, json=patch, params=REASON, headers=sent)
    assert (first.status_code, again.status_code) == (200, 200) and again.content == first.content
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    other = admin.patch(path, json={"website": None}, params=REASON, headers=sent)
    refused(other, 422, "idempotency-key-reused")
    twice = {"idempotency-key": "documents", **TEXT}
    names = [{"content-disposition": f'attachment; filename="{name}.txt"', **twice} for name in "ab"]
    assert admin.post("/v1/imports", content=TWIN, headers=names[0]).status_code == 201
    refused(admin.post("/v1/imports", content=TWIN, headers=names[1]), 422, "idempotency-key-reused")
    # The name is each key's own, and a refusal is kept as well.
    assert (
        busy.client("ssc").post("/v1/imports/x/apply", headers={"idempotency-key": sent["idempotency-key"]}).status_code
        == 404
    )
    lost = {"if-match": '"x"', "idempotency-key": "second"}
    assert [admin.delete(path, params=REASON, headers=lost).status_code for _ in range(2)] == [412, 412]
    refused(
        admin.delete(path, params=REASON, headers={"idempotency-key": b"\xe9"}),
        400,
        "bad-request",
    )
    asyncio.run(executed(busy.dsn, "UPDATE replay SET status = NULL WHERE idempotency_key = 'second'"))
    refused(admin.delete(path, params=REASON, headers=lost), 409, "under-way")


def from_address(one: Office, address: str) -> httpx.Client:
    return one.open.enter_context(
        httpx.Client(base_url=one.url, timeout=90, transport=httpx.HTTPTransport(local_address=address))
    )


def test_thousand_wrong_keys_are_slowed_and_right_ones_are_not(busy: Office) -> None:
    """From one address; who sends a right key from another, or sent it before, notices nothing."""
    admin = busy.client("office")
    assert admin.get("/v1/imports/x").status_code == 404
    attacker, right = from_address(busy, "127.0.0.9"), {"authorization": f"Bearer {busy.keys['office']}"}
    found = [0, 0]
    for number in range(1000):
        wrong = f"ogp_{'abcdefghij' if number % 2 else busy.keys['ssc'][4:14]}_{number:043d}"
        answer = attacker.get("/v1/imports/x", headers={"authorization": f"Bearer {wrong}"})
        assert answer.status_code in (401, 429)
        found[answer.status_code == 429] += 1
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0
    assert found[0] <= 2 * ATTEMPTS and sum(found) == 1000
    assert from_address(busy, "127.0.0.8").get("/v1/imports/x", headers=right).status_code == 404
    assert attacker.get("/v1/imports/x", headers=right).status_code == 404, "it was right lately"
    fresh = {"authorization": f"Bearer {busy.keys['ssc']}"}
    assert from_address(busy, "127.0.0.7").get("/v1/imports/x", headers=fresh).status_code == 404
    assert attacker.get("/v1/plans").status_code == 200


def test_guard_gives_attempts_back_with_time() -> None:
    now = [100.0]
    guard = Guard(lambda: now[0])
    for _ in range(ATTEMPTS):
        assert guard.wait("a") == 0
        guard.failed("a", "b")
    assert guard.wait("a") > 0 and guard.wait("c") == 0
    now[0] += guard.wait("a")
    assert guard.wait("a") == 0
    guard.failed("a")
    assert guard.wait("a") > 0
    for _ in range(100_000):
        guard.failed("flood")
    now[0] += ATTEMPTS * SECONDS_EACH
    assert guard.wait("flood") == 0, "what was tried in vain is not added up"
    for number in range(20_000):
        guard.failed(str(number))
    assert len(guard.attempts.full_at) <= 10_000
