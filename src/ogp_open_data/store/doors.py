"""The doors to PostgreSQL: `reading`, which is read-only and tries again, and `writing`, one transaction on the primary.

Reads go to a standby where there is one, but never to one that has not the newest release that this process knows: the primary is
asked then. `reading_primary` is for what must hold this very moment. A server that has another release under that number, or lacks
it though it is the primary, has lost what was published: it is neither read nor written to.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec, TypeVar
from urllib.parse import urlsplit

import asyncpg

from ogp_open_data.errors import Refused, StoreUnavailable
from ogp_open_data.store import servers
from ogp_open_data.tracing import span

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
# A standby ends a read that stands in the way of what it has to replay.
RETRIED = (TimeoutError, asyncpg.SerializationError, *LOST)
# The address is wrong, or the server will not have us: trying again does not help.
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
# Plans are made per call: the optional filters `($1 IS NULL OR …)` are 16 times slower under a generic plan (measured).
PLANNED_ONCE = "planned_once"
SESSION = {"application_name": "ogp-open-data", "timezone": "UTC", "plan_cache_mode": "force_custom_plan", "jit": "off"}
READ_ONLY = "SET default_transaction_read_only = on"
MADE_AT = "SELECT made_at FROM release WHERE number = $1"


def planned_once(query: Callable[P, T]) -> Callable[P, T]:
    """Mark a query whose plan is good for all its arguments: it is then made once a connection, which takes a third of the time
    of a look-up (0.14 ms against 0.44, measured)."""
    return planned_once_where(lambda *_: True)(query)


def planned_once_where(good: Callable[..., bool]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The same of a query whose plan is good for all arguments that `good`, called with them, does not except."""

    def marked(query: Callable[P, T]) -> Callable[P, T]:
        setattr(query, PLANNED_ONCE, good)
        return query

    return marked


def _check(dsn: str) -> None:
    """Raises Refused where the address is none; its secrets are not repeated. It may name several servers, with commas."""
    try:
        parts = urlsplit(dsn)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        if parts.scheme in ("postgresql", "postgres") and all(urlsplit(f"//{host}").port != 0 for host in hosts):
            return
    except ValueError:
        pass
    raise Refused("the address of the database cannot be read; give it as postgresql://user@host:5432/name")


class Known(NamedTuple):
    """A release that was seen: two of one number that were made at different times belong to different histories."""

    number: int
    made_at: datetime | None


class Stateless(asyncpg.Connection):
    """Has no session state but its transaction's, so the pool need not reset it: 1.57 times the record requests (measured)."""

    # The newest release that its server was seen to have.
    seen: Known | None = None

    def get_reset_query(self) -> str:
        return ""

    async def has(self, release: Known | None) -> bool:
        """Whether its server has a release; asked once for each."""
        if release is not None and release != self.seen:
            if await self.fetchval(MADE_AT, release.number) != release.made_at:
                return False
            self.seen = release
        return True


class Readers(NamedTuple):
    """Connections for reads of one server; those for queries that are planned once stand apart."""

    general: asyncpg.Pool
    steady: asyncpg.Pool


class Behind(Exception):
    """A server has not the release that was asked for."""


async def _pool(
    dsn: str,
    most: int,
    patience: float,
    session: dict[str, str],
    begin: str | None = None,
    silence: float | None = None,
) -> asyncpg.Pool:
    """At most so many connections, each made at need within so many seconds; `begin` is executed on each, and what does not answer
    for `silence` seconds is given up.

    A session that begins read-only would not pass for a primary under `target_session_attrs=read-write`, so that comes after.
    """

    async def begun(connection: Connection) -> None:
        if begin is not None:
            await connection.execute(begin)

    # Its types want each option of asyncpg's own function by name.
    pool: asyncpg.Pool = await asyncpg.create_pool(  # type: ignore[call-overload]
        dsn,
        min_size=0,
        max_size=most,
        timeout=patience,
        command_timeout=silence,
        connection_class=Stateless,
        connect=servers.connect,
        server_settings=session,
        init=begun,
    )
    return pool


class Store:
    """A database: connections for reads (of a standby where there is one, then of the primary), and a few for writes."""

    def __init__(self, dsn: str, read_dsn: str | None = None, readers: int = 8, statement_timeout: int = 15) -> None:
        self.dsn = dsn
        self.read_dsn = read_dsn or dsn
        self.readers = readers
        self.statement_timeout = statement_timeout
        # Where reads are tried, in this order; the primary is the last.
        self.doors: list[Readers] = []
        self.writers: asyncpg.Pool | None = None
        # No server is read from or written to that has not this release: whoever knows it never gets an older one.
        self.floor: Known | None = None

    async def open(self) -> None:
        """Connects at the first need, so that a program starts before its database. Raises Refused for a wrong address."""
        addresses = list(dict.fromkeys((self.read_dsn, self.dsn)))
        for dsn in addresses:
            _check(dsn)
        # Each server gets its share of the time that a read waits.
        self.doors = [await self._readers(dsn, PATIENCE / len(addresses)) for dsn in addresses]
        self.writers = await _pool(
            self.dsn, WRITERS, PATIENCE, {**SESSION, "plan_cache_mode": "auto", "lock_timeout": LOCK_TIMEOUT}
        )

    async def _readers(self, dsn: str, patience: float) -> Readers:
        session = {**SESSION, "statement_timeout": f"{self.statement_timeout}s"}
        few = max(1, self.readers // 2)
        steady, silence = {**session, "plan_cache_mode": "auto"}, self.statement_timeout + SILENCE
        return Readers(
            await _pool(dsn, few, patience, session, READ_ONLY, silence),
            await _pool(dsn, max(1, self.readers - few), patience, steady, READ_ONLY, silence),
        )

    async def close(self) -> None:
        for pool in (*(pool for readers in self.doors for pool in readers), self.writers):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), PATIENCE)
                except (TimeoutError, *LOST):
                    pool.terminate()

    @property
    def most_connections(self) -> int:
        """Connections to the primary that one process may have: those for reads, for writes, and the one that listens."""
        return max(2, self.readers) + WRITERS + 1

    @property
    def busy(self) -> int:
        """Connections for reads that are in use now."""
        return sum(pool.get_size() - pool.get_idle_size() for readers in self.doors for pool in readers)

    async def reading(
        self, query: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `query(connection, …)` answers, at the release `floor` or later.

        A lost database, or a standby that lags, is waited for; raises StoreUnavailable after PATIENCE seconds.
        """
        return await self._asked(self.doors, query, *args, **kwargs)

    async def reading_primary(
        self, query: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same on the primary, for what must hold this very moment: a key, or what a change builds on."""
        return await self._asked(self.doors[-1:], query, *args, **kwargs)

    async def _asked(
        self,
        doors: Sequence[Readers],
        query: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with span("query", name=getattr(query, "__name__", "query")):
            steady = getattr(query, PLANNED_ONCE, lambda *_: False)(*args)
            return await self._read(doors, steady, self.floor, lambda one: query(one, *args, **kwargs))

    async def renew(self) -> None:
        """Ask no connection to the primary any more that was made before: it hangs, and each would be waited for in its turn."""
        for pool in (*(self.doors[-1] if self.doors else ()), self.writers):
            if pool is not None:
                await pool.expire_connections()

    async def reading_each(self, query: Callable[[Connection], Awaitable[T]], seconds: float) -> list[T | None]:
        """What every server answers, whatever release it has, the primary last; None for one that does not in so many seconds."""
        asked = [asyncio.create_task(self._read([one], False, None, query)) for one in self.doors]
        await asyncio.wait(asked, timeout=seconds)
        for one in asked:
            # Its end is not waited for: it may be as slow as its answer.
            one.cancel()
        return [one.result() if one.done() and one.exception() is None else None for one in asked]

    async def _read(
        self, doors: Sequence[Readers], steady: bool, floor: Known | None, work: Callable[[Connection], Awaitable[T]]
    ) -> T:
        assert doors, "open() comes first"
        until = monotonic() + PATIENCE
        while True:
            for readers in doors:
                pool = readers.steady if steady else readers.general
                try:
                    async with pool.acquire(timeout=max(0.1, until - monotonic())) as connection:
                        try:
                            if await connection.has(floor):  # type: ignore[attr-defined]
                                return await work(connection)
                        except HUNG:
                            connection.terminate()
                            raise
                        failure: Exception = Behind(f"the database has not release {floor and floor.number} yet")
                except REFUSED as error:
                    raise StoreUnavailable(f"the database refuses this program: {error}") from error
                except asyncpg.QueryCanceledError as error:
                    raise StoreUnavailable("the query took too long; ask for less at once") from error
                except EXHAUSTED as error:
                    raise StoreUnavailable("the database has no disk or memory for this; try again later") from error
                except RETRIED as error:
                    failure = error
            if monotonic() >= until:
                why = str(failure) if isinstance(failure, Behind) else "the database does not answer"
                raise StoreUnavailable(f"{why}; try again in a few seconds") from failure
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
            await self._same_history(connection)
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

    async def _same_history(self, connection: Connection) -> None:
        """Raises StoreUnavailable where a release that was published is missing: the next one would be another of its number."""
        try:
            async with asyncio.timeout(PATIENCE):
                there = await connection.has(self.floor)  # type: ignore[union-attr]
        except HUNG as error:
            connection.terminate()
            raise TimeoutError(f"no answer within {PATIENCE:.0f} seconds") from error
        if not there and self.floor is not None:
            raise StoreUnavailable(
                f"the primary lacks release {self.floor.number}, which was published; nothing is added to its history. "
                "Bring the server back that has it, or run `ogp-open-data migrate --new-epoch`"
            )


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
