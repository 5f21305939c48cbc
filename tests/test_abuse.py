"""What no client library would send, on a raw socket: each is answered with 2xx to 4xx in time, and nothing else happens."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

BASE = b"https://data.example.org"
EVIL = b"evil.example"


def exchanged(url: str, sent: bytes) -> bytes:
    """What comes back to some bytes until the server hangs up, or has nothing more to say to a head that it took."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    assert host is not None and port is not None
    with socket.create_connection((host, port), timeout=5) as one:
        found = b""
        try:
            one.sendall(sent)
            while part := one.recv(65536):
                found += part
        except (ConnectionResetError, BrokenPipeError):
            # It hung up while we were still talking.
            pass
        return found


def get(target: bytes, *fields: bytes, method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: x", b"Connection: close", *fields, b"", b""])


def status(answer: bytes) -> int:
    line = answer.partition(b"\r\n")[0]
    assert line.startswith(b"HTTP/1.1 "), answer[:200]
    return int(line.split(b" ")[1])


MANY = [b"X-%d: %d" % (n, n) for n in range(300)]
TARGETS: dict[str, tuple[bytes, int]] = {
    "query of 64 kB": (get(b"/v1/plans?q=" + b"a" * 30_000), 414),
    "query of 1 MB": (get(b"/v1/plans?q=" + b"a" * 1_000_000), 431),
    "5,000 parameters": (get(b"/v1/plans?" + b"&".join(b"a=%d" % n for n in range(3000))), 414),
    "NUL, escaped": (get(b"/v1/plans/%00"), 400),
    "NUL, raw": (get(b"/v1/plans/\0"), 400),
    "no UTF-8": (get(b"/v1/plans/%ff"), 400),
    "overlong UTF-8": (get(b"/v1/plans/%c0%af"), 400),
    "lone surrogate": (get(b"/v1/plans?q=%ed%a0%80"), 400),
    "broken percent sign": (get(b"/v1/plans?q=%zz"), 400),
    "eight bits, raw": (get(b"/v1/plans/\xe9"), 400),
    "line break, escaped": (get(b"/v1/plans?q=%0d%0aSet-Cookie:%20a=b"), 400),
    "dots": (get(b"/v1/plans/../../etc/passwd"), 404),
    "dots, escaped": (get(b"/v1/plans/%2e%2e/x"), 404),
    "dots, escaped twice": (get(b"/v1/plans/%252e%252e"), 404),
    "backslash": (get(b"/v1\\plans"), 404),
    "slash, escaped": (get(b"/v1%2fplans"), 404),
    "two slashes": (get(b"//v1/plans"), 404),
    "semicolon": (get(b"/v1/plans;a=b"), 404),
    "fragment": (get(b"/v1/plans#a"), 200),
    "no slash": (get(b"v1/plans"), 400),
    "300 fields": (get(b"/v1", *MANY), 431),
    "a field of 70 kB": (get(b"/v1", b"X: " + b"a" * 70_000), 431),
    "10,000 etags": (get(b"/v1", b"If-None-Match: " + b",".join([b'"a"'] * 7000)), 200),
    "odd etags": (get(b"/v1", b'If-None-Match: ",", W/, "'), 200),
    "date of 1900": (get(b"/v1", b"If-Modified-Since: Mon, 01 Jan 1900 00:00:00 GMT"), 200),
    "date of 9999": (get(b"/v1", b"If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT"), 304),
    "1,000 ranges": (get(b"/v1/plans.csv", b"Range: bytes=" + b",".join(b"%d-" % n for n in range(1000))), 200),
    "TRACE": (get(b"/v1", method=b"TRACE"), 405),
    "CONNECT": (get(b"evil.example:443", method=b"CONNECT"), 400),
    "BREW": (get(b"/v1", method=b"BREW"), 400),
    "lower case": (get(b"/v1", method=b"get"), 400),
    "POST with an override": (
        get(b"/v1/plans", b"X-HTTP-Method-Override: GET", b"Content-Length: 0", method=b"POST"),
        405,
    ),
    "DELETE": (get(b"/v1/plans", method=b"DELETE"), 405),
    "DELETE of a record without a key": (get(b"/v1/plans/nz-nap2", method=b"DELETE"), 401),
    "two lengths": (get(b"/v1", b"Content-Length: 1", b"Content-Length: 2"), 400),
    "length and chunks": (get(b"/v1", b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "folded field": (get(b"/v1", b"X: a", b" b"), 400),
    "bare line feeds": (b"GET /v1 HTTP/1.1\nHost: x\nConnection: close\n\n", 400),
    "space in a field name": (get(b"/v1", b"X : a"), 400),
    "a body to GET": (get(b"/v1", b"Content-Length: 100000") + b"a" * 100_000, 200),
    "waiting to go on": (get(b"/v1", b"Expect: 100-continue", b"Content-Length: 0"), 200),
    "no Host": (b"GET /v1 HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "two Hosts": (get(b"/v1", b"Host: y"), 400),
    "HTTP/1.0 without a Host": (b"GET /v1 HTTP/1.0\r\n\r\n", 200),
    "HTTP/0.9": (b"GET /v1\r\n\r\n", 200),
    "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, 400),
}


@pytest.mark.parametrize(("sent", "expected"), TARGETS.values(), ids=TARGETS)
def test_abuse_is_answered_in_time_and_with_no_failure(served: str, sent: bytes, expected: int) -> None:
    answer = exchanged(served, sent)
    assert status(answer) == expected, answer[:300]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Traceback" not in answer and b"set-cookie" not in head.lower()
    if expected >= 400:
        assert b"content-type: application/problem+json" in head and b"access-control-allow-origin: *" in head
        assert body.startswith(b"{") or sent.startswith(b"HEAD")
    assert httpx.get(f"{served}/livez", timeout=5).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        get(b"http://evil.example/v1/plans"),
        get(b"http://evil.example/v1/plans/?limit=1"),
        get(
            b"/v1/plans",
            b"X-Forwarded-Host: evil.example",
            b"X-Forwarded-Proto: gopher",
            b"Forwarded: host=evil.example",
        ),
        get(b"/v1/plans.atom", b"X-Original-URL: /evil.example", b"X-Rewrite-URL: /evil.example"),
        get(b"/v1/plans").replace(b"Host: x", b"Host: evil.example"),
        get(b"/v1/plans/").replace(b"Host: x", b"Host: evil.example"),
        get(b"/feed.atom").replace(b"Host: x", b"Host: evil.example"),
        get(b"/").replace(b"Host: x", b"Host: evil.example"),
        get(b"/openapi.json").replace(b"Host: x", b"Host: evil.example"),
        get(b"/v1/plans/nz-nope").replace(b"Host: x", b"Host: evil.example"),
    ],
    ids=range(10),
)
def test_links_come_from_the_settings_whatever_a_request_says(served: str, sent: bytes) -> None:
    answer = exchanged(served, sent)
    assert status(answer) in (200, 308, 404) and EVIL not in answer and BASE in answer


def test_two_requests_in_one_piece_get_two_answers(served: str) -> None:
    first = b"GET /v1/plans HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchanged(served, first + get(b"/livez"))
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


def test_bytes_behind_a_refused_request_are_not_a_request(served: str) -> None:
    smuggled = get(b"/v1", b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + get(b"/livez")
    assert exchanged(served, smuggled).count(b"HTTP/1.1 ") == 1
