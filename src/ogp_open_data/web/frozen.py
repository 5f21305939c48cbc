"""The present release as files, for hosts that only serve files: the application is asked for every address, from link to link.

A file has the bytes that its address answers with. A host of files knows no queries, so what asks with one is made to fit: the
pages of a list become files one after another, and pages for people lose their forms and the links that would need an answer.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from html import escape
from io import BufferedRandom
from typing import Any

import msgspec
from litestar.types import ASGIApp, Message
from msgspec.structs import replace

from ogp_open_data import settings as options
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.publishing.tree import Tree
from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.terminal import Tell
from ogp_open_data.web import app as application
from ogp_open_data.web.edge.cache import made_up

HTML, JSON = "text/html", "application/json"
# What links to others: as markup, or as JSON.
MARKUP = {HTML, "application/atom+xml", "application/rss+xml"}
LINKING = {*MARKUP, JSON, "application/feed+json", "application/linkset+json"}
# What an address without a suffix is called; everything else keeps its name.
INDEXES = {HTML: "index.html", JSON: "index.json"}
# What answers to what somebody types in, or tells of this moment.
LEFT_OUT = {"/search", "/status", "/status.json"}
# The lines of older releases would be all that ever was, once for each release.
OLD_LINES = re.compile(r"/v1/releases/(\d+)/[a-z]+\.tsv")
FORM = re.compile(rb"<form\b.*?</form>\n?", re.DOTALL)
ASKING = re.compile(rb'<a\b[^>]*\bhref="(?:[^"]*\?[^"]*|/search|/status(?:\.json)?)"[^>]*>(.*?)</a>', re.DOTALL)
ASKING_IN_HEAD = re.compile(rb'<link\b[^>]*\bhref="[^"]*\?[^"]*"[^>]*>\n?')
IN_MARKUP = re.compile(rb'\b(?:href|src)="([^"?#]+)["#]')
IN_JSON = re.compile(rb'"((?:https?:/)?/[^"?#\s]+)["#]')
NEXT = re.compile(r'<([^>]*)>; rel="next"')
NEXT_IN_PAGE = re.compile(rb'rel="next" href="([^"]*)"')


class Answer(msgspec.Struct):
    """What the application says before the body."""

    status: int = 0
    fields: dict[str, str] = {}

    @property
    def media_type(self) -> str:
        return self.fields["content-type"].partition(";")[0]


async def export(settings: Settings, tree: Tree, tell: Tell) -> None:
    """Write the present release into a tree; it does not change meanwhile. Raises StoreUnavailable where the database is lost."""
    quiet = replace(settings, cache_bytes=0, read_quota=0)
    app = application.create(quiet, at_work=False)
    async with alive(app):
        walk = _Walk(app, tree, options.public_url(settings))
        await walk.begin()
        while walk.coming:
            await walk.step(walk.coming.popleft())
            tell("addresses", len(tree.files), len(tree.files) + len(walk.coming))


class _Walk:
    """The addresses that were met, and those of them that are still to be asked for, each with the path that it gets."""

    def __init__(self, app: ASGIApp, tree: Tree, base: str) -> None:
        self.app = app
        self.tree = tree
        self.base = base
        self.coming: deque[tuple[str, str | None]] = deque()
        self.met: set[str] = set()

    async def begin(self) -> None:
        """Find the beginnings: what has no parameter in its path, and every record and release by its id."""
        self.meet(path for path, _ in application.routes() if "{" not in path)
        self.tree.release = msgspec.json.decode(await self.read("/v1"))["data"]["release"]
        for number in range(1, self.tree.release + 1):
            self.meet((f"/v1/releases/{number}", f"/releases/{number}"))
        for noun in NOUNS:
            for line in (await self.read(f"/v1/releases/{self.tree.release}/{noun}.tsv")).decode().splitlines():
                self.meet((f"/v1/{noun}/{line.partition(chr(9))[0]}",))

    def meet(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            if address not in self.met and not self._left_out(address):
                self.met.add(address)
                self.coming.append((address, None))

    def _left_out(self, address: str) -> bool:
        lines = OLD_LINES.fullmatch(address)
        return address in LEFT_OUT or "//" in address or (lines is not None and int(lines[1]) != self.tree.release)

    async def read(self, address: str) -> bytes:
        with self.tree.part() as part:
            answer = await self.ask(address, part)
            if answer.status != 200:
                raise StoreUnavailable(f"{address} answers {answer.status}; try again when /readyz is well")
            part.seek(0)
            return part.read()

    async def step(self, one: tuple[str, str | None]) -> None:
        """Write the answer of an address, and meet what it links to. What is not there, or is of the moment only, has no file."""
        address, path = one
        with self.tree.part() as part:
            answer = await self.ask(address, part)
            if answer.status == 307:
                # An archive that is not closed yet is what it will be an archive of.
                answer = await self.ask(answer.fields["location"].removeprefix(self.base), part)
            if answer.status >= 500:
                raise StoreUnavailable(f"{address} answers {answer.status}; try again when /readyz is well")
            control = answer.fields.get("cache-control", "")
            if answer.status != 200 or "no-store" in control:
                return
            path = path or path_of(address, answer.media_type)
            if answer.media_type in LINKING or NEXT.search(answer.fields.get("link", "")):
                self.fit(part, answer, address, path)
            self.tree.add(path, part, self.base + address, answer.fields["content-type"], control)

    def fit(self, part: BufferedRandom, answer: Answer, address: str, path: str) -> None:
        """Make what asks with a query fit, and meet what has none."""
        part.seek(0)
        body = whole = part.read()
        if (following := self.following(answer, body)) is not None:
            name = _after(path)
            self.coming.append((following, name))
            body = _named(body, self.base + following, f"{self.base}/{_shown(name)}")
            body = _named(body, following, f"/{_shown(name)}")
        if "?" in address:
            body = _named(body, self.base + address, f"{self.base}/{_shown(path)}")
        if answer.media_type == HTML:
            body = ASKING_IN_HEAD.sub(b"", ASKING.sub(rb"\1", FORM.sub(b"", body)))
        if answer.media_type in LINKING:
            links = (IN_MARKUP if answer.media_type in MARKUP else IN_JSON).findall(body)
            own = (link.decode().removeprefix(self.base) for link in links)
            self.meet(link for link in own if link.startswith("/"))
        if body is not whole:
            part.seek(0)
            part.truncate()
            part.write(body)

    def following(self, answer: Answer, body: bytes) -> str | None:
        """The next page of a list, where there is one: its address without the host."""
        if answer.media_type == HTML:
            linked = NEXT_IN_PAGE.search(body)
            return linked[1].decode().replace("&amp;", "&") if linked else None
        found = NEXT.search(answer.fields.get("link", ""))
        return found[1].removeprefix(self.base) if found else None

    async def ask(self, address: str, part: BufferedRandom) -> Answer:
        """Ask the application for an address; the body goes into the file. A body that is cut off raises what cut it."""
        path, _, query = address.partition("?")
        answer = Answer()

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.fields = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            elif message["type"] == "http.response.body":
                part.write(message["body"])

        await self.app(made_up(path.encode(), query.encode(), "GET"), _nobody_hangs_up, take)
        return answer


def path_of(address: str, media_type: str) -> str:
    """Where the answer of an address goes."""
    name = address.strip("/")
    if "." in name.rpartition("/")[2] and name:
        return name
    index = INDEXES.get(media_type)
    return "/".join(filter(None, (name, index))) if index else name


def _after(path: str) -> str:
    """The path of the page that follows: `v1/plans.json` → `v1/plans.page-2.json` → …"""
    stem, number, suffix = re.fullmatch(r"(.*?)(?:\.page-(\d+))?(\.\w+|/index\.\w+)", path).groups()  # type: ignore[union-attr]
    return f"{stem}.page-{int(number or 1) + 1}{suffix}"


def _shown(path: str) -> str:
    """The address of a path: a host of files shows a directory by its index."""
    return re.sub(r"/index\.\w+$", "", path)


def _named(body: bytes, old: str, new: str) -> bytes:
    """Another address in its place, as JSON has it and as markup has it."""
    for written in (old, escape(old)):
        body = body.replace(f'"{written}"'.encode(), f'"{new}"'.encode())
    return body


async def _nobody_hangs_up() -> Any:
    await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def alive(app: ASGIApp) -> AsyncIterator[None]:
    """An application between its start and its end, which it is told of as a server would."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))  # type: ignore[arg-type]
    await told.put({"type": "lifespan.startup"})
    if (answer := await said.get())["type"] != "lifespan.startup.complete":
        raise StoreUnavailable(answer.get("message", "the application did not start"))
    try:
        yield
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await life
