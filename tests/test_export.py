"""`export`: the release as files, with the bytes that are served, every link leading somewhere, and swapped in at once."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import msgspec
import pytest

from database import named
from ogp_open_data.errors import Refused
from ogp_open_data.publishing.tree import MANIFEST, Manifest, replaced
from ogp_open_data.settings import Settings
from ogp_open_data.web import app as application
from ogp_open_data.web import frozen, query
from serving import program

# What is exported does not depend on which PostgreSQL is behind it.
pytestmark = pytest.mark.embedded
BASE = "https://data.example.org"
ENVIRON = {"OGP_PUBLIC_URL": BASE, "OGP_CONTACT": "mailto:data@example.org"}
# Told of in docs/operating.md: of the moment, made of what somebody types in, or the lines of older releases.
ABSENT = re.compile(r"/(status(\.json)?|search|livez|readyz|metrics|v1/imports|v1/releases/\d+/\w+\.tsv|v1/changes)$")


@pytest.fixture(scope="module")
def dsn(served: str, server: str) -> str:
    return named(server, f"ogp_served_{os.getpid()}")


@pytest.fixture(scope="module")
def exported(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "site"
    said = program("export", str(directory), "--database-url", dsn, **ENVIRON).stdout
    assert re.search(r"release \d+, [\d,]+ files, [\d,]+ bytes; 0 as before", said)
    return directory


def manifest(directory: Path) -> Manifest:
    return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host(exported: Path) -> Iterator[httpx.Client]:
    """A host that knows nothing but files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(exported)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_address[1]}", follow_redirects=True) as one:
        yield one
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_have_the_bytes_that_are_served(exported: Path, client: httpx.Client):
    """But for pages for people, and the links between the pages of a list."""
    files = manifest(exported).files
    compared = 0
    for path, file in files.items():
        body = (exported / path).read_bytes()
        assert len(body) == file.size
        if path.endswith(".html") or ".page-" in path or b".page-" in body:
            continue
        answer = client.get(file.address.removeprefix(BASE))
        if answer.status_code == 307:
            # An archive that is not closed yet: the feed stands in its place.
            continue
        assert answer.content == body, path
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
            file.content_type,
            file.cache_control,
        )
        compared += 1
    assert compared > 800
    on_disk = {str(one.relative_to(exported.resolve())) for one in exported.resolve().rglob("*") if one.is_file()}
    assert on_disk == {*files, MANIFEST}


def test_every_record_is_there_in_every_format(exported: Path, client: httpx.Client):
    head = client.get("/v1").json()["data"]
    files = manifest(exported).files
    for noun, count in head["counts"].items():
        for suffix in head["formats"]:
            assert f"v1/{noun}.{suffix}" in files
        ids = {
            one["id"] for one in map(msgspec.json.decode, (exported / f"v1/{noun}.ndjson").read_bytes().splitlines())
        }
        assert len(ids) == count
        for id in ids:
            assert {f"v1/{noun}/{id}.{suffix}" for suffix in head["formats"]} | {
                f"v1/{noun}/{id}/index.json"
            } <= files.keys()


def test_no_link_leads_nowhere_on_a_host_of_files(exported: Path, host: httpx.Client):
    links = {}
    for path, file in manifest(exported).files.items():
        if re.match(r"text/html|application/(json|atom|feed|rss|linkset)", file.content_type):
            body = (exported / path).read_text()
            found = re.findall(rf'(?:{BASE}|(?:href|src)=")(/[^"\\\s<>?#&]*)(?=["#<\\])', body)
            links |= dict.fromkeys((link for link in found if "{" not in link), path)
    assert len(links) > 500
    for link, path in links.items():
        if not ABSENT.search(link):
            there = [exported / f"{link}{index}".strip("/") for index in ("", "/index.html", "/index.json")]
            assert any(one.is_file() for one in there), f"{link} in {path}"
    assert host.get("/").status_code == host.get("/commitments/nz-nap2-c5").status_code == 200
    assert host.get("/v1/commitments/nz-nap2-c5.json").json()["data"]["id"] == "nz-nap2-c5"


def test_pages_for_people_have_no_form_and_no_link_that_needs_an_answer(exported: Path):
    pages = [path for path in manifest(exported).files if path.endswith(".html")]
    assert len(pages) > 60
    for path in pages:
        text = (exported / path).read_text()
        assert "<form" not in text and not re.search(r'href="/[^"]*\?', text), path


def test_pages_of_a_list_follow_one_another_as_files(exported: Path, host: httpx.Client):
    ids, address = [], f"{BASE}/v1/progress.atom"
    for _ in range(20):
        page = host.get(address.removeprefix(BASE)).text
        ids += re.findall(r"<entry>.*?<id>([^<]*)</id>", page, re.DOTALL)
        following = re.search(r'<link href="([^"]*)" rel="next"|<link rel="next" href="([^"]*)"', page)
        if following is None:
            break
        address = following[1] or following[2]
        assert "?" not in address
    assert len(ids) == len(set(ids)) == host.get("/v1/index.json").json()["data"]["counts"]["progress"] > 50


async def test_changes_of_more_than_a_page_follow_one_another_as_files_to_the_last(
    dsn: str, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = latest(client.get("/v1/changes.ndjson?since=0&limit=1000").content.splitlines())
    assert len(whole) > 100
    monkeypatch.setattr(query, "MOST", 30)
    app = application.create(Settings(database_url=dsn, public_url=BASE, cache_bytes=0, read_quota=0), at_work=False)
    with replaced(tmp_path / "site") as tree:
        async with frozen.alive(app):
            walk = frozen._Walk(app, tree, BASE)
            walk.meet(("/v1/changes.json", "/v1/changes.ndjson"))
            while walk.coming:
                if (one := walk.coming.popleft())[0].startswith("/v1/changes"):
                    await walk.step(one)
    lines = sorted((tmp_path / "site/v1").glob("changes*.ndjson"), key=lambda one: (len(one.name), one.name))
    assert len(lines) > 3 and latest(b"".join(one.read_bytes() for one in lines).splitlines()) == whole
    address, found = "/v1/changes.json", []
    while address:
        page = msgspec.json.decode((tmp_path / f"site{address}").read_bytes())
        found += page["data"]
        address = page["links"].get("next", "").removeprefix(BASE)
    assert latest(map(msgspec.json.encode, found)) == whole


def latest(lines: Iterable[bytes]) -> dict[tuple[str, str], tuple[int, str | None]]:
    """The last word on each record: of one page there is only that."""
    told = [msgspec.json.decode(line) for line in lines]
    assert [one["release"] for one in told] == sorted(one["release"] for one in told)
    return {(one["noun"], one["id"]): (one["version"], one["sha256"]) for one in told}


def test_again_nothing_is_new_and_what_was_read_is_still_there(exported: Path, dsn: str):
    before, then = exported.resolve(), manifest(exported)
    inode = (exported / "v1/plans.csv").stat().st_ino
    said = program("export", str(exported), "--database-url", dsn, **ENVIRON).stdout
    assert f"{len(then.files):,} as before" in said
    assert exported.resolve() != before and before.is_dir() and manifest(exported) == then
    assert (exported / "v1/plans.csv").stat().st_ino == inode


def test_killed_at_any_point_the_export_before_stands_whole(exported: Path, dsn: str):
    then = manifest(exported)
    for _ in range(3):
        command = [sys.executable, "-m", "ogp_open_data", "export", str(exported), "--database-url", dsn]
        run = subprocess.Popen(command, env={**os.environ, **ENVIRON}, stdout=subprocess.DEVNULL)
        time.sleep(random.uniform(0.5, 2.5))
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert manifest(exported) == then
        assert all((exported / path).stat().st_size == file.size for path, file in then.files.items())
    program("export", str(exported), "--database-url", dsn, **ENVIRON)
    # The newest and the one before; what was killed is gone.
    assert len(list(exported.parent.glob(".site-*"))) == 2


def test_what_is_no_export_is_not_touched(tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(Refused, match="something else is there"), replaced(tmp_path):
        raise AssertionError("nothing is begun")
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(Refused, match="is no export"), replaced(tmp_path / "link"):
        raise AssertionError("nothing is begun")
    assert (tmp_path / "photo.jpg").read_bytes() == b"mine"


def test_no_room_leaves_the_export_before_and_says_so(tmp_path: Path):
    site = tmp_path / "site"
    for body in (b"old", b"new"):
        try:
            with replaced(site) as tree:
                with tree.part() as part:
                    part.write(body)
                    tree.add("file.txt", part, "/file.txt", "text/plain", "max-age=60")
                if body == b"new":
                    raise OSError(28, "No space left on device")
        except Refused as refusal:
            assert "No space left on device; the export before, if there is one, stands" in refusal.detail
    assert (site / "file.txt").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir() if one.is_dir() and not one.is_symlink()] == [os.readlink(site)]


def test_neither_another_export_nor_what_a_killed_run_left_stands_in_the_way(tmp_path: Path):
    def export(name: str) -> None:
        with replaced(tmp_path / name) as tree, tree.part() as part:
            part.write(name.encode())
            tree.add("file.txt", part, "/file.txt", "text/plain", "max-age=60")

    export("example.org-staging")
    (tmp_path / ".example.org-mine").mkdir()
    for left in (".example.link", f".example.org-{16 * 'a'}.link"):
        (tmp_path / left).symlink_to("nowhere")
    export("example.org")
    assert (tmp_path / "example.org-staging/file.txt").read_bytes() == b"example.org-staging"
    assert (tmp_path / "example.org/file.txt").read_bytes() == b"example.org"
    assert (tmp_path / ".example.org-mine").is_dir() and not (tmp_path / f".example.org-{16 * 'a'}.link").is_symlink()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "a//b", ".", "a/.", "x\0", "a\\b", "a b"])
def test_no_path_leads_out_of_the_tree(tmp_path: Path, path: str):
    with (
        replaced(tmp_path / "site") as tree,
        tree.part() as part,
        pytest.raises(Refused, match="no file is made of that name"),
    ):
        tree.add(path, part, "/", "text/plain", "")


def test_empty_store_has_nothing_to_export(server: str, template: str, tmp_path: Path):
    said = program(
        "export", str(tmp_path / "site"), "--database-url", named(server, template), expect=1, **ENVIRON
    ).stderr
    assert "nothing was released yet" in said and not (tmp_path / "site").exists()
