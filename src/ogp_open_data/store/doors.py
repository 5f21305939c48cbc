"""The two doors to PostgreSQL: `reading`, which is read-only and tries again, and `writing`, one transaction on the primary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

import asyncpg

from ogp_open_data.errors import Refused, StoreUnavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection

P = ParamSpec("P")
T = TypeVar("T")
# How long a read waits for a database that restarts or changes its owner before it answers 503.
PATIENCE = 5.0
# Beyond the time in which a server that works gives a statement up itself: then it hangs, and only the asker can end it.
SILENCE = 1.0
# Whoever waits no longer hangs up: to cancel in order, or to roll back, would be to wait for a silent server again.
HUNG = (TimeoutError, asyncio.CancelledError)
# One writes at a time; the other waits for its turn.
WRITERS = 2
# A writer that hangs must not make the others wait for ever.
LOCK_TIMEOUT = "60s"
LOST = (
    OSError,
    asyncpg.InterfaceError,
    # What a connection says that was ended while nobody used it.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleSessionTimeoutError,
)
# It works, but has no disk or memory for this.
EXHAUSTED = (asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError)
# The address is wrong, or the server will not have us: trying again does not help.
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
# Plans are made per call: the optional filters `($1 IS NULL OR …)` are 16 times slower under a generic plan (measured).
PLANNED_ONCE = "planned_once"
SESSION = {"application_name": "ogp-open-data", "timezone": "UTC", "plan_cache_mode": "force_custom_plan", "jit": "off"}


def planned_once(query: Callable[P, T]) -> Callable[P, T]:
    """Mark a query whose plan is good for all its arguments: it is then made once a connection, which takes a third of the time
    of a look-up (0.14 ms against 0.44, measured)."""
    setattr(query, PLANNED_ONCE, True)
    return query


def _check(dsn: str) -> None:
    """Raises Refused where an address is none; its secrets are not repeated."""
    try:
        if urlsplit(dsn).scheme in ("postgresql", "postgres") and urlsplit(dsn).port != 0:
            return
    except ValueError:
        pass
    raise Refused("the address of the database cannot be read; give it as postgresql://user@host:5432/name")


class Stateless(asyncpg.Connection):
    """Has no session state but its transaction's, so the pool need not reset it: 1.57 times the record requests (measured)."""

    def get_reset_query(self) -> str:
        return ""


class Store:
    """A database with a pool for reads (on a replica where there is one) and a small one for writes."""

    def __init__(self, dsn: str, read_dsn: str | None = None, readers: int = 8, statement_timeout: int = 15) -> None:
        self.dsn = dsn
        self.read_dsn = read_dsn or dsn
        self.readers = readers
        self.statement_timeout = statement_timeout
        self.pool: asyncpg.Pool | None = None
        # For queries that are planned once.
        self.steady: asyncpg.Pool | None = None
        self.writers: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connects at the first need, so that a program starts before its database. Raises Refused for a wrong address."""
        session = {**SESSION, "default_transaction_read_only": "on", "statement_timeout": f"{self.statement_timeout}s"}
        for dsn in (self.dsn, self.read_dsn):
            _check(dsn)
        few = max(1, self.readers // 2)
        self.pool = await self._readers(session, few)
        self.steady = await self._readers({**session, "plan_cache_mode": "auto"}, max(1, self.readers - few))
        self.writers = await asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=WRITERS,
            timeout=PATIENCE,
            connection_class=Stateless,
            server_settings={**SESSION, "plan_cache_mode": "auto", "lock_timeout": LOCK_TIMEOUT},
        )

    async def _readers(self, session: dict[str, str], most: int) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self.read_dsn,
            min_size=0,
            max_size=most,
            timeout=PATIENCE,
            command_timeout=self.statement_timeout + SILENCE,
            connection_class=Stateless,
            server_settings=session,
        )

    async def close(self) -> None:
        for pool in (self.pool, self.steady, self.writers):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), PATIENCE)
                except (TimeoutError, *LOST):
                    pool.terminate()

    @property
    def busy(self) -> int:
        """Connections for reads that are in use now."""
        return self.pool.get_size() - self.pool.get_idle_size() if self.pool is not None else 0

    async def reading(
        self, query: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `query(connection, …)` answers. A lost database is waited for; raises StoreUnavailable after PATIENCE seconds."""
        pool = self.steady if hasattr(query, PLANNED_ONCE) else self.pool
        assert pool is not None, "open() comes first"
        until = monotonic() + PATIENCE
        while True:
            try:
                async with pool.acquire(timeout=max(0.1, until - monotonic())) as connection:
                    try:
                        return await query(connection, *args, **kwargs)
                    except HUNG:
                        connection.terminate()
                        raise
            except REFUSED as error:
                raise StoreUnavailable(f"the database refuses this program: {error}") from error
            except asyncpg.QueryCanceledError as error:
                raise StoreUnavailable("the query took too long; ask for less at once") from error
            except (TimeoutError, *LOST) as error:
                if monotonic() >= until:
                    raise StoreUnavailable("the database does not answer; try again in a few seconds") from error
            except EXHAUSTED as error:
                raise StoreUnavailable("the database has no disk or memory for this; try again later") from error
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """One transaction on the primary; rolled back when the body raises. Raises StoreUnavailable when it is lost."""
        async with self.writer() as connection, _transaction(connection):
            yield connection

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Connection]:
        """A connection to the primary, for transactions one after another. Raises StoreUnavailable when it is lost."""
        assert self.writers is not None, "open() comes first"
        try:
            connection = await self.writers.acquire(timeout=2 * PATIENCE)
        except (TimeoutError, asyncpg.PostgresError, *LOST) as error:
            raise StoreUnavailable(
                f"the database cannot be reached ({error}); is it running, and its address right?"
            ) from error
        try:
            yield connection
        except LOST as error:
            raise StoreUnavailable(
                f"the connection to the database was lost ({error}); do it again: what was done is not done twice"
            ) from error
        except asyncpg.LockNotAvailableError as error:
            raise StoreUnavailable(
                "another writer has held the store for a minute; end it, or try again later"
            ) from error
        except asyncpg.PostgresError as error:
            raise StoreUnavailable(f"the database refuses the change: {error}; nothing was changed") from error
        finally:
            with suppress(*LOST):
                await self.writers.release(connection)


@asynccontextmanager
async def _transaction(connection: Connection) -> AsyncIterator[None]:
    """Commits at the end of the body; rolls back when it raises."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except HUNG:
        connection.terminate()
        raise
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()


def waiting_helps(error: StoreUnavailable) -> bool:
    """Whether the database may come up, or back; not where its address is wrong or it will not have us."""
    return not isinstance(error.__cause__, REFUSED)
