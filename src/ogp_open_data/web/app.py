"""Every address of the program on one screen, and the application that serves them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ASGIApp, Method
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ogp_open_data import settings as options
from ogp_open_data import tracing
from ogp_open_data.deprecations import DEPRECATED, Deprecated
from ogp_open_data.formats import KNOWN
from ogp_open_data.publishing import outbox
from ogp_open_data.publishing.outbox import Office
from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.store.doors import Store
from ogp_open_data.web import cleaning, contract, daily, loops, problems, sunset, watch
from ogp_open_data.web.board import (
    api,
    commitments,
    finding,
    guide,
    looks,
    organisations,
    plans,
    published,
    reports,
    status,
)
from ogp_open_data.web.edge import server
from ogp_open_data.web.edge.cache import Cache
from ogp_open_data.web.edge.front import Edge
from ogp_open_data.web.edge.methods import Methods
from ogp_open_data.web.edge.metrics import Measured
from ogp_open_data.web.edge.quota import Quota
from ogp_open_data.web.feeds import news, states, stories
from ogp_open_data.web.reads import (
    catalogue,
    comparison,
    documents,
    files,
    health,
    history,
    items,
    listings,
    memento,
    tables,
    versions,
    wellknown,
)
from ogp_open_data.web.reads.files import Files
from ogp_open_data.web.site import Request, Response, Site
from ogp_open_data.web.writes import corrections, imports
from ogp_open_data.web.writes.walk import LARGEST_DOCUMENT, Write, carried_out

METHODS: tuple[Method, ...] = ("POST", "PATCH", "DELETE")
Handler = Callable[..., Awaitable[Response]]


def routes() -> list[tuple[str, Handler]]:
    """Path and handler, in the order of the contract."""
    return [
        ("/", plans.home),
        *((f"/{noun}", partial(finding.of_noun, noun=noun)) for noun in finding.LISTED),
        ("/plans/{name:str}", plans.plan),
        ("/commitments/{name:str}", commitments.commitment),
        ("/milestones/{name:str}", commitments.milestone),
        ("/reports/{name:str}", reports.report),
        ("/reports/{name:str}/changes", reports.changes),
        ("/organisations/{name:str}", organisations.organisation),
        ("/releases", published.releases),
        ("/releases/{number:str}", published.release),
        ("/search", finding.everything),
        ("/use", guide.use),
        ("/docs", api.docs),
        (stories.PAGE, api.feeds),
        ("/docs/errors", api.errors),
        ("/docs/errors/{code:str}", api.error),
        (sunset.PAGE, api.deprecations),
        ("/static/{name:str}", looks.file),
        ("/v1", documents.index),
        *((f"/v1/{noun}", partial(listings.list_records, noun=noun, suffix=None)) for noun in NOUNS),
        *((f"/v1/{n}.{s}", partial(listings.list_records, noun=n, suffix=s)) for n in NOUNS for s in KNOWN),
        *((f"/v1/{noun}/{{name:str}}", partial(items.one_record, noun=noun)) for noun in NOUNS),
        *((f"/v1/{noun}/{{name:str}}/versions", partial(versions.list_versions, noun=noun)) for noun in NOUNS),
        *((f"/v1/{noun}/timemap", partial(memento.timemap, noun=noun)) for noun in NOUNS),
        *((f"/v1/{noun}/{{name:str}}/timemap", partial(memento.timemap, noun=noun)) for noun in NOUNS),
        ("/v1/reports/{name:str}/diff", comparison.differ),
        ("/v1/releases", history.list_releases),
        ("/v1/releases/{number:str}", history.one_release),
        ("/v1/releases/{number:str}/{name:str}", history.release_lines),
        ("/v1/imports/{name:str}", imports.pending),
        ("/v1/changes", partial(history.list_changes, suffix=None)),
        ("/v1/changes.json", partial(history.list_changes, suffix="json")),
        ("/v1/changes.ndjson", partial(history.list_changes, suffix="ndjson")),
        ("/v1/changes.atom", states.subscription),
        ("/v1/changes/archive/{name:str}", states.archive),
        *((f"/feed.{suffix}", partial(news.feed, suffix=suffix)) for suffix in news.MEDIA_TYPES),
        ("/feed/archive/{name:str}", news.archive),
        *((path, partial(catalogue.described, path=path)) for path in catalogue.DOCUMENTS),
        *((f"/v1/{noun}.csv-metadata.json", partial(catalogue.table, noun=noun)) for noun in NOUNS),
        ("/.well-known/csvm", catalogue.places),
        ("/dataset.zip", catalogue.archive),
        ("/schemas/v1/{name:str}", documents.schema),
        ("/openapi.json", documents.openapi),
        ("/templates/{name:str}", tables.blank),
        ("/robots.txt", wellknown.robots),
        ("/.well-known/security.txt", wellknown.security),
        ("/.well-known/api-catalog", wellknown.catalog),
        ("/livez", health.livez),
        ("/readyz", health.readyz),
        ("/status", status.page),
        ("/status.json", health.status),
        ("/metrics", health.figures),
    ]


def writes() -> list[tuple[Method, str, Write]]:
    """Method, path and what is done, for those who have a key."""
    return [
        ("POST", "/v1/imports", Write("import", imports.plan, LARGEST_DOCUMENT)),
        ("POST", "/v1/imports/{name:str}/apply", Write("import", imports.apply)),
        *(("PATCH", f"/v1/{n}/{{name:str}}", Write("correct", partial(corrections.correct, noun=n))) for n in NOUNS),
        *(("DELETE", f"/v1/{n}/{{name:str}}", Write("withdraw", partial(corrections.withdraw, noun=n))) for n in NOUNS),
        *(
            ("POST", f"/v1/{n}/{{name:str}}/restore", Write("withdraw", partial(corrections.restore, noun=n)))
            for n in NOUNS
        ),
        *(
            ("POST", f"/v1/{n}/{{name:str}}/merge", Write("correct", partial(corrections.merge, noun=n)))
            for n in ("organisations", "milestones")
        ),
        *(("POST", f"/v1/{n}/{{name:str}}/redact", Write("admin", partial(corrections.redact, noun=n))) for n in NOUNS),
        ("POST", "/v1/milestones/{name:str}/renumber", Write("correct", corrections.renumber)),
        ("POST", "/v1/releases", Write("release", corrections.release)),
    ]


# One route handler for all paths of a method: Litestar examines each that it is given, and with its own for OPTIONS, which `Edge`
# answers, 330 of them took 0.15 s of every start.
def _reads(table: Sequence[tuple[str, Handler]], methods: Methods) -> HTTPRouteHandler:
    """GET and HEAD of every path; the path's parameters go to its handler by name."""
    handlers = {_template(path): handler for path, handler in table}

    async def handle(request: Request) -> Response:
        if (handler := handlers.get(request.scope["path_template"])) is None:
            raise MethodNotAllowedException(headers={"Allow": ", ".join(methods.of(request.scope["path"]))})
        return await sunset.answered(request, lambda: handler(request, **request.path_params))

    paths = [*(path for path, _ in table), *(path for _, path, _ in writes())]
    return HTTPRouteHandler(paths, http_method=["GET", "HEAD", "OPTIONS"], include_in_schema=False, status_code=200)(
        handle
    )


def _writes(table: Sequence[tuple[Method, str, Write]], method: Method) -> HTTPRouteHandler:
    """One method that changes something, of every path that has it."""
    mine = {path: write for one, path, write in table if one == method}
    handlers = {_template(path): write for path, write in mine.items()}

    async def handle(request: Request) -> Response:
        return await carried_out(request, handlers[request.scope["path_template"]])

    return HTTPRouteHandler(list(mine), http_method=[method], include_in_schema=False, status_code=200)(handle)


def _template(path: str) -> str:
    """A path as Litestar names it to a handler: without the types of its parameters."""
    return path.replace(":str}", "}")


def _office(settings: Settings) -> Office:
    """Who tells others of releases."""
    return Office(options.public_url(settings), options.hubs(settings), options.allowed_receivers(settings))


class Application(Litestar):
    """Without what is for other people's types: Litestar looks for pydantic and attrs, and loads them where they happen to be there
    (0.2 s of a start, 15 MB of each worker)."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create(
    settings: Settings | None = None, deprecated: Sequence[Deprecated] = DEPRECATED, at_work: bool = True
) -> ASGIApp:
    """The application; without settings those of the environment. The database may come up later than the program.

    Not `at_work` it only answers, and of one release: it makes no release of the day, tells nobody, and hears of nothing new.
    """
    chosen = settings or options.load()
    assert chosen.database_url is not None, "serve gives the address of the embedded PostgreSQL"
    store = Store(chosen.database_url, chosen.database_read_url, chosen.read_connections, chosen.statement_timeout)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        server.end_with_parent()
        # What is there now stays; the collector need not look at it again and again (6 % of a hot answer).
        gc.freeze()
        gc.enable()
        with tracing.told(chosen.traces), files.directory(chosen) as directory:
            site = app.state.site = Site(chosen, store, cache, Files(directory, chosen.files_bytes), deprecated)
            server.drain(chosen.drain_seconds, site.end)
            await store.open()
            work = {
                "daily": lambda: daily.forever(store, chosen),
                "cleaning": lambda: cleaning.forever(store),
                "watch": lambda: watch.forever(site),
                "outbox": lambda: outbox.forever(store, _office(chosen)),
            }
            tasks = [asyncio.create_task(loops.kept_up(name, each)) for name, each in work.items() if at_work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await store.close()

    methods = Methods((path for path, _ in routes()), ((method, path) for method, path, _ in writes()))
    app = Application(
        route_handlers=[_reads(routes(), methods), *(_writes(writes(), method) for method in METHODS)],
        exception_handlers={Exception: problems.problem},
        openapi_config=None,
        lifespan=[lifespan],
        pdb_on_exception=False,
        logging_config=None,
    )
    behind: Any = app if chosen.trusted_proxies is None else ProxyHeadersMiddleware(app, chosen.trusted_proxies)  # type: ignore[arg-type]
    quota = Quota(chosen.read_quota, chosen.trusted_proxies)
    cache = Cache(behind, chosen.cache_bytes, lambda release: app.state.site.caught_up(release), quota.spend)
    return Measured(Edge(cache, options.public_url(chosen), contract.VERSION, methods))
