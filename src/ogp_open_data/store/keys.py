"""API keys: a prefix that may be shown, and a secret of 256 bits of which only the SHA-256 is kept."""

import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

import asyncpg
from msgspec import Struct

from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.records import digest
from ogp_open_data.store.doors import Connection

ACTIONS = ("import", "correct", "withdraw", "release", "admin")
FORM = re.compile(r"ogp_([a-z2-7]{10})_[A-Za-z0-9_-]{43}")
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
# What a key that nobody has is compared with, so that it takes as long as one that somebody has.
NOBODY = digest(b"nobody")
# A storm of requests writes the time of the last use once a minute.
FRESH = timedelta(minutes=1)

CREATE_KEY = "INSERT INTO api_key (prefix, name, sha256, organisations, actions) VALUES ($1, $2, $3, $4, $5)"
BY_PREFIX = """
SELECT prefix, name, organisations, actions, created_at, last_used_at, revoked_at, sha256 FROM api_key WHERE prefix = $1
"""
ALL_KEYS = """
SELECT prefix, name, organisations, actions, created_at, last_used_at, revoked_at FROM api_key ORDER BY created_at, prefix
"""
REVOKE = (
    "UPDATE api_key SET revoked_at = now() WHERE revoked_at IS NULL AND (name = $1 OR prefix = $1) RETURNING prefix"
)
USED = """
UPDATE api_key SET last_used_at = now()
WHERE prefix = $1 AND (last_used_at IS NULL OR last_used_at < now() - $2::interval)
"""


class Key(Struct, frozen=True):
    """A key as it may be shown. `organisations` are ids, none for all; `actions` are some of ACTIONS, `admin` being all."""

    prefix: str
    name: str
    organisations: list[str]
    actions: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def permits(self, action: str) -> bool:
        return action in self.actions or "admin" in self.actions


def prefix_of(given: str) -> str | None:
    """The prefix of what has the form of a key."""
    form = FORM.fullmatch(given)
    return form[1] if form else None


def matches(given: str, sha256: str) -> bool:
    """Whether a key is the one of a digest, in a time that does not tell how much of it is right.

    One round of SHA-256 is enough: nobody guesses 256 random bits, so there is nothing that a slow hash would slow down.
    """
    return hmac.compare_digest(digest(given.encode()), sha256)


async def create(connection: Connection, name: str, organisations: list[str], actions: list[str]) -> str:
    """Make a key; its text, which is told this once. Raises Refused where the name is taken."""
    prefix = "".join(secrets.choice(LETTERS) for _ in range(10))
    key = f"ogp_{prefix}_{secrets.token_urlsafe(32)}"
    try:
        await connection.execute(CREATE_KEY, prefix, name, digest(key.encode()), organisations, actions)
    except asyncpg.UniqueViolationError as error:
        raise Refused(f"there is a key {name}; revoke it first, or give this one another name") from error
    return key


async def find(connection: Connection, given: str) -> Key | None:
    """The key that this text is; None alike for an unknown, a wrong and a revoked one."""
    row = await connection.fetchrow(BY_PREFIX, prefix_of(given) or "")
    right = matches(given, row["sha256"] if row else NOBODY)
    if row is None or not right or row["revoked_at"] is not None:
        return None
    return Key(*(row[name] for name in Key.__struct_fields__))


async def used(connection: Connection, key: Key) -> None:
    """Remember that a key is used now, to the minute."""
    await connection.execute(USED, key.prefix, FRESH)


def is_fresh(key: Key) -> bool:
    """Whether the time of its last use need not be written again."""
    return key.last_used_at is not None and datetime.now(UTC) - key.last_used_at < FRESH


async def every(connection: Connection) -> list[Key]:
    """All keys, the revoked ones too, the oldest first."""
    return [Key(*row) for row in await connection.fetch(ALL_KEYS)]


async def revoke(connection: Connection, name: str) -> str:
    """End a key, by its name or prefix; its prefix. Raises NotFound."""
    prefix: str | None = await connection.fetchval(REVOKE, name)
    if prefix is None:
        raise NotFound(f"there is no key {name} that is in use; ogp-open-data keys list tells which there are")
    return prefix
