"""The shipped nginx configuration before the real program: the same answers, from its cache, and nobody can poison them."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from serving import DOCUMENTS, program, running

SHIPPED = Path(__file__).parent.parent / "deploy" / "nginx.conf"
PATHS = [
    "/v1/commitments",
    "/v1/commitments.csv",
    "/v1/commitments/nz-nap2-c5.atom",
    "/openapi.json",
    "/v1/plans?limit=1",
]
TOLD = (
    "etag",
    "last-modified",
    "cache-control",
    "vary",
    "link",
    "content-type",
    "content-encoding",
    "content-location",
)


def configured(url: str, port: int, directory: Path) -> Path:
    """The shipped configuration with another address to ask and to listen on, in a place of its own."""
    text = SHIPPED.read_text()
    text = text.replace("127.0.0.1:8000", url.removeprefix("http://"))
    text = re.sub(r"listen \[::\]:8080;\n", "", text).replace("listen 8080", f"listen 127.0.0.1:{port}")
    (directory / "nginx.conf").write_text(f"daemon off;\nmaster_process off;\n{text}")
    return directory / "nginx.conf"


@contextmanager
def nginx_before(url: str, directory: Path) -> Iterator[str]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    found = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(found).exists():
        pytest.skip("nginx is needed; install it with: apt-get install nginx-light")
    conf = configured(url, port, directory)
    process = subprocess.Popen([found, "-p", str(directory), "-c", str(conf)], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(100):
            assert process.poll() is None, process.stderr and process.stderr.read()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        if process.stderr is not None:
            process.stderr.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where nginx writes."""
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def front(served: str, place: Path) -> Iterator[str]:
    with nginx_before(served, place) as url:
        yield url


@pytest.mark.usefixtures("front")
def test_all_that_nginx_writes_is_in_one_place(place: Path) -> None:
    """In a container everything else is read-only, and it would not start."""
    made = {one.name for one in place.iterdir() if one.is_dir()}
    assert made == {"cache", "temp", "body", "fastcgi", "uwsgi", "scgi"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", ["", "gzip", "br", "zstd, br;q=0, gzip;q=0.5"])
def test_answers_are_those_of_the_program_and_304_where_nothing_changed(
    served: str, front: str, path: str, coding: str
) -> None:
    asked = {"Accept-Encoding": coding if "zstd" not in coding else "gzip"}
    direct = httpx.get(served + path, headers=asked)
    for _ in range(2):
        answer = httpx.get(front + path, headers={"Accept-Encoding": coding})
        assert (answer.status_code, answer.content) == (200, direct.content)
        assert {name: answer.headers.get(name) for name in TOLD} == {name: direct.headers.get(name) for name in TOLD}
    fields = {"Accept-Encoding": coding, "If-None-Match": direct.headers["etag"]}
    assert httpx.get(front + path, headers=fields).status_code == 304
    assert httpx.head(front + path, headers={"Accept-Encoding": coding}).headers["etag"] == direct.headers["etag"]


def test_representations_are_kept_apart(front: str) -> None:
    for _ in range(2):
        for media_type in ("application/json", "text/csv", "application/atom+xml"):
            answer = httpx.get(f"{front}/v1/milestones", headers={"Accept": media_type})
            assert answer.headers["content-type"].startswith(media_type)


def test_nobody_can_poison_the_cache(front: str) -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Original-URL": "/evil", "Cookie": "evil=1"}
    path = f"{front}/v1/plans?limit=2"
    first = httpx.get(path, headers=evil)
    assert first.status_code == 200
    for more in ("&evil=1", "&utm_source=evil"):
        assert httpx.get(path + more).status_code == 400
    for other in ("//v1/plans?limit=2", "/v1%2Fplans?limit=2", "/v1/plans;evil?limit=2"):
        assert httpx.get(front + other).status_code == 404
    again = httpx.get(path, headers={"Authorization": "Bearer evil"})
    assert again.content == first.content and b"evil" not in again.content
    assert "evil" not in str(first.headers) + str(again.headers)
    assert first.headers["request-id"] != again.headers["request-id"]


# A second request in the body of a first, for whom two servers may disagree about where that body ends.
HIDDEN = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d" % len(HIDDEN)
SMUGGLED = {
    "length and chunks": [LENGTH, b"Transfer-Encoding: chunked"],
    "two lengths": [LENGTH, b"Content-Length: 5"],
    "chunks that are none": [LENGTH, b"Transfer-Encoding: xchunked"],
    "a blank before the colon": [LENGTH, b"Transfer-Encoding : chunked"],
    "a folded field": [LENGTH, b"X-Field: a\r\n Transfer-Encoding: chunked"],
}


@pytest.mark.parametrize("fields", SMUGGLED.values(), ids=list(SMUGGLED))
def test_one_request_goes_in_and_one_answer_comes_out(front: str, fields: list[bytes]) -> None:
    head = b"\r\n".join([b"GET /v1/plans?limit=3 HTTP/1.1", b"Host: x", *fields, b"", b""])
    with socket.create_connection(("127.0.0.1", urlsplit(front).port), timeout=2) as one:
        one.sendall(head + HIDDEN)
        answer = b""
        # The connection may stay open for a next request; two seconds of silence are the end too.
        with suppress(TimeoutError, ConnectionResetError):
            while part := one.recv(65536):
                answer += part
    assert answer.count(b"HTTP/1.1 ") == 1
    assert httpx.get(f"{front}/v1/plans?limit=3").json()["meta"]["total"] == 1


def own_address() -> str:
    """One that this machine has besides the loopback, whose clients nobody counts; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address besides the loopback")
        return str(one.getsockname()[0])


FORGED = [
    [("X-Forwarded-For", "203.0.113.{}")],
    [("X-Forwarded-For", "127.0.0.1")],
    [("X-Forwarded-For", "198.51.100.1, 203.0.113.{}"), ("X-Forwarded-For", "127.0.0.1, 203.0.113.{}")],
    [("Forwarded", "for=203.0.113.{}"), ("X-Real-IP", "203.0.113.{}"), ("True-Client-IP", "203.0.113.{}")],
]


def test_client_is_counted_and_logged_as_who_it_is_whatever_it_says(dsn: str, tmp_path: Path) -> None:
    own = own_address()
    settings = {"OGP_TRUSTED_PROXIES": "127.0.0.1", "OGP_READ_QUOTA": "5"}
    with (
        running("--database-url", dsn, "--sample", **settings) as (process, url),
        nginx_before(url, tmp_path) as front,
        httpx.Client(base_url=front, transport=httpx.HTTPTransport(local_address=own)) as client,
    ):
        # A search is five units, all that there are: whoever got a second one would have had another bucket.
        statuses = [
            client.get(
                f"/v1/plans?q=t{turn}", headers=[(name, value.format(turn)) for name, value in fields]
            ).status_code
            for turn, fields in enumerate([[], *FORGED])
        ]
        assert statuses == [200, *len(FORGED) * [429]]
        wrong = [("Authorization", f"Bearer ogp_wrong_{'x' * 40}"), ("X-Forwarded-For", "203.0.113.77")]
        assert client.post("/v1/imports", headers=wrong, content=b"x").status_code == 401
        # Nobody else has paid for it: not who was named, nor another client of the same proxy.
        assert httpx.get(f"{front}/v1/plans?q=other").status_code == 200
        named = {"X-Forwarded-For": "203.0.113.1"}
        assert httpx.get(f"{url}/v1/plans?q=named", headers=named).headers["ratelimit"].startswith('"reads";r=0')
        process.terminate()
        assert process.stderr is not None
        refused = [json.loads(line) for line in process.stderr if '"key.refused"' in line]
    assert [one["client"] for one in refused] == [own]


def test_release_is_seen_soon_and_answers_outlive_the_program(dsn: str, tmp_path: Path) -> None:
    with (
        running("--database-url", dsn, "--sample") as (process, url),
        nginx_before(url, tmp_path) as front,
        httpx.Client(timeout=30) as client,
    ):
        releases = f"{front}/v1/releases?limit=1"
        before = client.get(releases).json()["meta"]["total"]
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
        began = time.monotonic()
        while client.get(releases).json()["meta"]["total"] == before:
            assert time.monotonic() - began < 10
            time.sleep(0.1)
        known = client.get(f"{front}/v1/plans/nz-nap2").content
        process.kill()
        process.wait(5)
        time.sleep(1.2)
        assert client.get(f"{front}/v1/plans/nz-nap2").content == known
        assert client.get(f"{front}/v1/plans/nz-nap3").status_code == 502
