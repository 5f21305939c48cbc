"""One address may name several servers: each is asked in its turn, within a time of its own.

asyncpg gives them one time together, which a machine that is gone uses up by itself: it refuses nothing, its packets are lost, and
nobody would ever reach the server that took its place.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

# Seconds that a server has at the least to answer a new connection.
LEAST = 1.0
# It is not there, not yet, or is not what is wanted: another one may be.
ELSEWHERE = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)


def each(dsn: str) -> list[str]:
    """An address for each server that an address names before its path, in their order."""
    parts = urlsplit(dsn)
    account, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{account}{at}{host}").geturl() for host in hosts.split(",")]


async def connect(dsn: str, *, timeout: float, **options: Any) -> asyncpg.Connection:
    """A connection to the first server that is what `target_session_attrs` of the address wants; `timeout` is for all of them.

    Raises what the last one said where none is.
    """
    addresses = each(dsn)
    if len(addresses) == 1:
        return await asyncpg.connect(dsn, timeout=timeout, **options)
    share, failure = max(LEAST, timeout / len(addresses)), None
    for wanted in _wanted(dsn):
        for one in addresses:
            try:
                return await asyncpg.connect(one, timeout=share, **wanted, **options)
            except ELSEWHERE as error:
                failure = error
    assert failure is not None
    raise failure


def _wanted(dsn: str) -> Sequence[dict[str, Any]]:
    """What is looked for, one after the other, as options; none is what the address says."""
    said = parse_qs(urlsplit(dsn).query).get("target_session_attrs")
    return [{"target_session_attrs": one} for one in ("standby", "any")] if said == ["prefer-standby"] else [{}]
