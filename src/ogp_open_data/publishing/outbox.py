"""The loop that tells receivers of each release: webhooks of every one, in order; hubs that there is news.

The releases are the outbox: each receiver has its place in them. Any number of processes may run the loop; a receiver is served
by one at a time, for as long as LEASE. A message may come twice where a process dies between sending and noting; its id is the
same then.
"""

import asyncio
import random
import re
import time
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from ogp_open_data.errors import Refused, StoreUnavailable
from ogp_open_data.events import log
from ogp_open_data.publishing import messages, places
from ogp_open_data.publishing.places import Place
from ogp_open_data.store import following, history, receivers, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.receivers import Receiver
from ogp_open_data.tracing import span

if TYPE_CHECKING:
    # Loaded with the first receiver that is due: most publishers have none, and it is a sixth of what a start loads.
    import httpx

# What Standard Webhooks recommends, in seconds: two and a half days of tries.
RETRIES = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
# Seconds until a receiver must have answered, and how long one is another process's to serve.
PATIENCE = 10.0
LEASE = timedelta(seconds=60)
EVERY = 5.0
PAUSE = 1.0
AT_ONCE = 4
GONE = 410


class Office(Struct, frozen=True):
    """Who sends: the public address, the hubs of its feeds, and receivers that need not be in a public network."""

    base: str
    hubs: list[str]
    allowed: Collection[str] = ()
    retries: tuple[int, ...] = RETRIES


class Failed(Exception):
    """A receiver did not take a message; the words are all that is told of why. `final` where it will never take one."""

    def __init__(self, why: str, final: bool = False, wait: float = 0) -> None:
        super().__init__(why)
        self.final = final
        self.wait = wait


async def forever(store: Store, office: Office) -> None:
    """Tell everybody of every release; a store that is away is asked again."""
    begun = False
    client: httpx.AsyncClient | None = None
    async with AsyncExitStack() as stack:
        while True:
            with suppress(StoreUnavailable):
                async for state in following.states(store.dsn, EVERY):
                    if not begun:
                        async with store.writing() as connection:
                            await receivers.keep_hubs(connection, office.hubs, state.head.number)
                        begun = True
                    if await store.reading_primary(receivers.any_due):
                        if client is None:
                            client = await stack.enter_async_context(caller())
                        await emptied(store, office, client)
            await asyncio.sleep(PAUSE)


def caller() -> "httpx.AsyncClient":
    """Who calls the receivers; to be closed."""
    import httpx

    # A connection is known by its network address alone: kept, it could carry what is meant for another name there.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(follow_redirects=False, timeout=PATIENCE, trust_env=False, limits=limits)


async def emptied(store: Store, office: Office, client: "httpx.AsyncClient") -> None:
    """Send what is due now, to a few receivers at once."""

    async def working() -> None:
        while (one := await _taken(store)) is not None:
            await _tell(store, office, client, one)

    await asyncio.gather(*(working() for _ in range(AT_ONCE)))


async def _taken(store: Store) -> Receiver | None:
    """A receiver that is due, now ours for a while."""
    # Nearly always there is none, and nobody need wait for the right to write.
    if not await store.reading_primary(receivers.any_due):
        return None
    async with store.writing() as connection:
        return await receivers.take(connection, LEASE)


async def _tell(store: Store, office: Office, client: "httpx.AsyncClient", one: Receiver) -> None:
    """Send a receiver what it has not got, and note how it went."""
    try:
        with span(one.kind, release=one.told + 1):
            told = await (_hub if one.kind == "hub" else _webhook)(store, office, client, one)
    except Failed as error:
        await _note_failure(store, office, one, error)
        return
    async with store.writing() as connection:
        await receivers.told(connection, one.url, told)


async def _note_failure(store: Store, office: Office, one: Receiver, error: Failed) -> None:
    over = error.final or one.failures >= len(office.retries)
    # A tenth more or less, so that receivers that failed together do not come back together.
    wait = 0.0 if over else max(office.retries[one.failures] * random.uniform(0.9, 1.1), error.wait)
    async with store.writing() as connection:
        await receivers.failed(connection, one.url, str(error), timedelta(seconds=wait), over)
    log("receiver.ended" if over else "receiver.failed", url=one.url, reason=str(error), waiting_from=one.told + 1)


async def _webhook(store: Store, office: Office, client: "httpx.AsyncClient", one: Receiver) -> int:
    """Send the next release; its number."""
    number = one.told + 1
    made = (await store.reading_primary(history.made, number + 1, 1))[0]
    epoch = (await store.reading_primary(releases.dataset)).epoch
    body = messages.webhook(made, office.base)
    assert one.secret is not None, "the table demands one of a webhook"
    fields = messages.signed(body, messages.id_of(epoch, number), int(time.time()), one.secret)
    await _sent(client, await _place(one.url, office), body, fields)
    return number


async def _hub(store: Store, office: Office, client: "httpx.AsyncClient", one: Receiver) -> int:
    """Tell a hub of the newest release; nothing is sent where all since the last time were empty, for then no feed changed."""
    head = await store.reading_primary(releases.head)
    if await store.reading_primary(receivers.any_news, one.told, head.number):
        fields = {"content-type": "application/x-www-form-urlencoded"}
        place = await _place(one.url, office)
        for form in messages.pings(office.base):
            await _sent(client, place, form, fields)
    return head.number


async def _place(url: str, office: Office) -> Place:
    """Looked up anew each time: a name may lead elsewhere by now."""
    try:
        return await places.checked(url, office.allowed)
    except Refused as error:
        raise Failed(error.detail.removeprefix(f"{url}: ")) from error


async def _sent(client: "httpx.AsyncClient", place: Place, body: bytes, fields: dict[str, str]) -> None:
    """Send, and look at nothing of the answer but its head. Raises Failed unless it is 2xx; redirects are failures."""
    import httpx

    headers = {**fields, "host": place.host, "user-agent": "ogp-open-data"}
    try:
        async with (
            asyncio.timeout(PATIENCE),
            client.stream(
                "POST", place.direct, content=body, headers=headers, extensions={"sni_hostname": place.name}
            ) as answer,
        ):
            if not 200 <= answer.status_code < 300:
                after = answer.headers.get("retry-after", "")
                # Python reads no number of more than 4300 digits, and a receiver may send one.
                wait = min(int(after), RETRIES[-1]) if re.fullmatch(r"[0-9]{1,9}", after) else 0
                raise Failed(f"it answered {answer.status_code}", answer.status_code == GONE, wait)
    except TimeoutError as error:
        raise Failed(f"no answer within {PATIENCE:.0f} seconds") from error
    except httpx.TimeoutException as error:
        raise Failed(f"no answer within {PATIENCE:.0f} seconds") from error
    except httpx.HTTPError as error:
        raise Failed("no connection") from error
