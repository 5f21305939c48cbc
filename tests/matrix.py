"""The matrix of HTTP: each check is a question put to one address, which yields what is wrong with the answers."""

import gzip
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

import brotli
import httpx
import zstandard
from msgspec import Struct

from addresses import BASE, Address
from links import parsed

COMPARED = (
    "etag",
    "last-modified",
    "cache-control",
    "vary",
    "link",
    "content-type",
    "content-length",
    "content-location",
)
CODINGS = ["identity", "gzip", "br", "zstd", "gzip;q=0", "*;q=0", "identity;q=0, *", "x-none, gzip;q=0.5", "", "a;;q=,"]
ACCEPTS = [
    "*/*",
    "application/*;q=0.5, */*;q=0.1",
    "text/html",
    ";;,q=",
    "*/*;q=x",
    "a" * 500,
    "application/json;q=1.5",
]


class Case(Struct, frozen=True, dict=True):
    """An address under test, and what a plain GET of it answered."""

    client: httpx.Client
    address: Address
    path: str

    @cached_property
    def first(self) -> httpx.Response:
        return self.ask()

    def ask(self, method: str = "GET", path: str | None = None, **fields: str) -> httpx.Response:
        """Ask it; fields of the header by their names with underscores. The target goes out as it stands here."""
        url = self.client.base_url.copy_with(raw_path=(path or self.path).encode())
        headers = {"accept-encoding": "identity"} | {name.replace("_", "-"): text for name, text in fields.items()}
        return self.client.request(method, url, headers=headers)


Check = Callable[[Case], Iterator[str]]


def validators(case: Case) -> Iterator[str]:
    """HTTP-01, HTTP-16: 200 with strong ETag, Last-Modified, Cache-Control, Vary, Date, length."""
    headers = case.first.headers
    if case.first.status_code != 200:
        yield f"{case.first.status_code} {case.first.text[:200]}"
        return
    if not re.fullmatch(r'"[!#-~]+"', headers.get("etag", "")):
        yield f"etag {headers.get('etag')}"
    if parsedate_to_datetime(headers["last-modified"]) > datetime.now(UTC) or "date" not in headers:
        yield "dates"
    if not re.search(r"max-age=\d+", headers.get("cache-control", "")):
        yield f"cache-control {headers.get('cache-control')}"
    if "Accept-Encoding" not in headers.get("vary", ""):
        yield f"vary {headers.get('vary')}"
    whole = headers.get("content-length") == str(len(case.first.content)) or "chunked" in headers.get(
        "transfer-encoding", ""
    )
    if not whole:
        yield "length"
    if case.ask().content != case.first.content:
        yield "two readings differ"


def media_type(case: Case) -> Iterator[str]:
    """OAS-04, T3: the media type is one the contract names, with one charset."""
    given = case.first.headers["content-type"]
    told = case.address.operation.get("responses", {}).get("200", {}).get("content")
    if told is not None and given.partition(";")[0] not in told:
        yield f"{given} is not in the contract"
    if given.count("charset") > 1 or ("text/" in given and "charset" not in given):
        yield given


def everywhere(case: Case) -> Iterator[str]:
    """CORS-01, CORS-02, NL-02, NL-06, NZ-08: what every answer carries, 304 and errors too."""
    answers = [
        case.first,
        case.ask(if_none_match="*"),
        case.ask(path=f"{case.path}?zzz=1"),
        case.ask("DELETE"),
        case.ask("HEAD"),
    ]
    for one in answers:
        headers = one.headers
        if headers.get("access-control-allow-origin") != "*" or "access-control-allow-credentials" in headers:
            yield f"{one.status_code}: CORS"
        if not {"ETag", "Link", "Retry-After"} <= set(
            re.split(r", *", headers.get("access-control-expose-headers", ""))
        ):
            yield f"{one.status_code}: exposed"
        if "frame-ancestors 'none'" not in headers.get("content-security-policy", ""):
            yield f"{one.status_code}: content-security-policy"
        fixed = {
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "x-frame-options": "DENY",
            "strict-transport-security": "max-age=31536000",
            "api-version": case.first.headers["api-version"],
        }
        yield from (f"{one.status_code}: {name}" for name, text in fixed.items() if headers.get(name) != text)
        if "server" in headers or any(name.startswith("x-powered") for name in headers):
            yield "tells what serves"
    if len({one.headers["request-id"] for one in answers}) != len(answers):
        yield "request-id"


def links(case: Case) -> Iterator[str]:
    """LINK-01 to 04: read by our strict parser and by httpx; absolute, registered relations, a licence, under 8 kB."""
    text = case.first.headers.get("link", "")
    found = parsed(text)
    rels = {rel for one in found for rel in one.rels}
    if "license" not in rels:
        yield "no licence"
    if len(text) >= 8192:
        yield "longer than 8 kB"
    yield from (f"relative: {one.target}" for one in found if not re.match("https?://", one.target))
    ours = [one.target for one in found if "license" not in one.rels and "creativecommons" not in one.target]
    yield from (f"elsewhere: {target}" for target in ours if not target.startswith(BASE))
    if {one.target for one in found} != {one["url"] for one in case.first.links.values()} and len(rels) == len(found):
        yield "two parsers disagree"


def head(case: Case) -> Iterator[str]:
    """HTTP-04: HEAD has the header of GET and no body."""
    answer = case.ask("HEAD")
    if answer.status_code != 200 or answer.content:
        yield f"{answer.status_code}, {len(answer.content)} bytes"
    given, told = case.first.headers, answer.headers
    yield from (f"{name}: {told.get(name)}" for name in COMPARED if told.get(name) != given.get(name))


def conditions(case: Case) -> Iterator[str]:
    """HTTP-02, HTTP-03: If-None-Match by weak comparison, and before If-Modified-Since; what cannot be read is as if not said."""
    tag, since = case.first.headers["etag"], case.first.headers["last-modified"]
    same = [{"if_none_match": one} for one in (tag, f"W/{tag}", f'"x", {tag}', f'W/"x",{tag}', "*")]
    same += [{"if_modified_since": since}, {"if_modified_since": "Fri, 31 Dec 2199 23:59:59 GMT"}]
    for fields in same:
        answer = case.ask(**fields)
        if answer.status_code != 304 or answer.content:
            yield f"{fields}: {answer.status_code}"
            continue
        kept = ("etag", "cache-control", "vary", "content-location", "last-modified")
        yield from (f"304 {name}" for name in kept if answer.headers.get(name) != case.first.headers.get(name))
        if answer.headers.get("content-length", "0") != "0" and "content-type" in answer.headers:
            yield "304 with a length"
    other = [{"if_none_match": one} for one in ('"x"', tag.strip('"'), ",", '"', 'W/"', "")]
    other += [{"if_modified_since": one} for one in ("yesterday", "Mon, 01 Jan 1900 00:00:00 GMT", "0", "")]
    other.append({"if_none_match": '"x"', "if_modified_since": since})
    yield from (f"{fields}: not 200" for fields in other if case.ask(**fields).status_code != 200)
    if case.ask("HEAD", if_none_match=tag).status_code != 304:
        yield "HEAD: not 304"


def accept(case: Case) -> Iterator[str]:
    """HTTP-07, HTTP-08, HTTP-18: each media type by Accept is the same as by its address; none of them is 406 with the list."""
    negotiated = "406" in case.address.operation.get("responses", {})
    for one in ACCEPTS:
        status = case.ask(accept=one).status_code
        if status != 200 and not (negotiated and status == 406):
            yield f"{one[:20]}: {status}"
    if not negotiated:
        return
    types = list(case.address.operation["responses"]["200"]["content"])
    tags = set()
    for one in types:
        answer = case.ask(accept=f"{one}, */*;q=0.1")
        location = answer.headers.get("content-location", "")
        named = case.ask(path=location.removeprefix(BASE))
        if not answer.headers["content-type"].startswith(one) or not location.startswith(BASE):
            yield f"{one}: {answer.headers['content-type']} {location}"
        if (named.content, named.headers["etag"]) != (answer.content, answer.headers["etag"]):
            yield f"{one}: {location} is something else"
        tags.add(answer.headers["etag"])
        if "Accept" not in re.split(r", *", answer.headers["vary"]):
            yield f"{one}: vary"
    if len(tags) != len(types):
        yield "formats share an etag"
    refused = case.ask(accept="image/png")
    if (
        refused.status_code != 406
        or not set(types) <= set(refused.json()["available"])
        or "Accept" not in refused.headers["vary"]
    ):
        yield f"image/png: {refused.status_code}"


def coding(case: Case) -> Iterator[str]:
    """HTTP-05, HTTP-09: a coding that was asked for, truthfully named, with its own strong ETag; else plain, never a failure."""
    tags: dict[str, str] = {}
    for asked in CODINGS:
        answer = case.client.build_request("GET", case.path, headers={"accept-encoding": asked})
        got = case.client.send(answer, stream=True)
        body = b"".join(got.iter_raw())
        name = got.headers.get("content-encoding", "identity")
        if got.status_code not in (200, 406):
            yield f"{asked}: {got.status_code}"
            continue
        if name != "identity" and name not in asked and "*" not in asked:
            yield f"{asked}: {name}, which was not asked for"
        if got.status_code == 200 and decoded(name, body) != case.first.content:
            yield f"{asked}: other bytes under {name}"
        if name not in tags and case.ask(accept_encoding=asked, if_none_match=got.headers["etag"]).status_code != 304:
            yield f"{asked}: no 304"
        if tags.setdefault(name, got.headers["etag"]) != got.headers["etag"]:
            yield f"{name}: two etags"
    text = re.match(r"text/|application/(.+\+)?(json|xml)", case.first.headers["content-type"])
    if text and len(case.first.content) > 2000 and "content-length" in case.first.headers:
        yield from (f"never in {one}" for one in ("gzip", "br", "zstd") if one not in tags)
    if len(set(tags.values())) != len(tags):
        yield f"codings share an etag: {tags}"


def decoded(coding: str, body: bytes) -> bytes:
    """The bytes without their coding."""
    if coding == "gzip":
        return gzip.decompress(body)
    if coding == "br":
        return bytes(brotli.decompress(body))
    if coding == "zstd":
        return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(body))
    return body if coding == "identity" else b""


def methods(case: Case) -> Iterator[str]:
    """HTTP-11: 405 with Allow for what the address does not take, 204 for OPTIONS, TRACE refused."""
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        if method.lower() in case.address.methods:
            continue
        answer = case.ask(method)
        if answer.status_code != 405 or not {"GET", "HEAD"} <= set(answer.headers.get("allow", "").split(", ")):
            yield f"{method}: {answer.status_code} {answer.headers.get('allow')}"
        elif answer.headers["content-type"] != "application/problem+json" or answer.json()["status"] != 405:
            yield f"{method}: no problem document"
    options = case.ask("OPTIONS", origin="https://a.example", access_control_request_method="GET")
    if options.status_code != 204 or options.content or "GET" not in options.headers.get("allow", ""):
        yield f"OPTIONS: {options.status_code}"
    if "If-None-Match" not in options.headers.get("access-control-allow-headers", ""):
        yield "preflight"
    if "access-control-max-age" not in options.headers:
        yield "preflight: no Max-Age"
    if case.ask(x_http_method_override="DELETE").content != case.first.content:
        yield "X-HTTP-Method-Override has an effect"


def spelling(case: Case) -> Iterator[str]:
    """HTTP-18, T7: one address; a slash at the end leads to it by 308, other spellings are 404."""
    if case.path != "/":
        slash = case.ask(path=f"{case.path}/?a=1")
        if (slash.status_code, slash.headers.get("location")) != (308, f"{BASE}{case.path}?a=1"):
            yield f"/ at the end: {slash.status_code} {slash.headers.get('location')}"
    others = {f"/{case.path}", f"{case.path};a=1", f"{case.path}%2F", case.path[0] + case.path[1:].replace("/", "%2f")}
    for path in sorted(others - {case.path}):
        status = case.ask(path=path).status_code
        if status != 404:
            yield f"{path}: {status}"


def questions(case: Case) -> Iterator[str]:
    """T6, PD-01 to PD-06, HTTP-12: what is unknown, repeated, unreadable or too long is refused as the contract says."""
    limit = next((one["name"] for one in case.address.operation.get("parameters", []) if one["in"] == "query"), "zzz")
    asked = {
        "?zzz=1": 400,
        f"?{limit}=1&{limit}=2": 400,
        "?%ff=1": 400,
        "?a=%zz": 400,
        "?a=%00": 400,
        f"?a={'a' * 9000}": 414,
    }
    for query, status in asked.items():
        answer = case.ask(path=case.path + query)
        if answer.status_code != status or answer.headers["content-type"] != "application/problem+json":
            yield f"{query[:10]}: {answer.status_code} {answer.headers.get('content-type')}"
            continue
        told = answer.json()
        if told["status"] != status or told["instance"] != f"urn:uuid:{answer.headers['request-id']}":
            yield f"{query[:10]}: {told}"
        if case.address.operation and str(status) not in case.address.operation["responses"]:
            yield f"{status} is not in the contract"
    if [one["parameter"] for one in case.ask(path=f"{case.path}?zzz=1&yyy=1").json()["errors"]] != ["zzz", "yyy"]:
        yield "not all faults at once"
    if case.ask("HEAD", path=f"{case.path}?zzz=1").content:
        yield "HEAD of an error has a body"


def ranges(case: Case) -> Iterator[str]:
    """HTTP-10: ranges are answered truly, or not at all; many of them are no lever."""
    whole = case.first.content
    one = case.ask(range="bytes=0-3")
    if one.status_code == 206:
        if one.content != whole[:4] or one.headers["content-range"] != f"bytes 0-3/{len(whole)}":
            yield f"bytes=0-3: {one.headers.get('content-range')}"
        if case.ask(range=f"bytes={len(whole)}-").status_code != 416:
            yield "behind the end: not 416"
        weak = case.ask(range="bytes=0-3", if_range=f"W/{case.first.headers['etag']}")
        strong = case.ask(range="bytes=0-3", if_range=case.first.headers["etag"])
        if (weak.status_code, strong.status_code) != (200, 206):
            yield "If-Range"
    elif one.status_code != 200 or one.content != whole or case.first.headers.get("accept-ranges") == "bytes":
        yield f"bytes=0-3: {one.status_code}"
    many = case.ask(range="bytes=" + ",".join(f"{n}-" for n in range(200)))
    if many.status_code not in (200, 206, 416) or len(many.content) > 2 * len(whole) + 10_000:
        yield f"200 ranges: {many.status_code}, {len(many.content)} bytes"


def strangers(case: Case) -> Iterator[str]:
    """HTTP-14, C-HT-05, C-HT-06: no answer depends on a key, a cookie, or what a request says of its host."""
    fields = {
        "host": "evil.example",
        "x_forwarded_host": "evil.example",
        "x_forwarded_proto": "gopher",
        "forwarded": "host=evil.example",
        "x_original_url": "/livez",
        "cookie": "a=b",
        "authorization": "Bearer nonsense",
        "origin": "https://evil.example",
    }
    answer = case.ask(**fields)
    if answer.content != case.first.content or answer.headers["etag"] != case.first.headers["etag"]:
        yield f"{answer.status_code}"
    if "evil" in str(answer.headers):
        yield "evil.example is in the header"


CHECKS: tuple[Check, ...] = (
    validators,
    media_type,
    everywhere,
    links,
    head,
    conditions,
    accept,
    coding,
    methods,
    spelling,
    questions,
    ranges,
    strangers,
)
