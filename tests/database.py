"""Fixtures of a real PostgreSQL: one server a session, a migrated template, and a copy of it for each test (about 40 ms)."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from growing import opened
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from ogp_open_data.store.migrate import migrate

NUMBERS = count(1)


def named(dsn: str, database: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def executed(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server: OGP_TEST_DATABASE_URL, else an embedded one."""
    given = os.environ.get("OGP_TEST_DATABASE_URL")
    if given:
        yield given
        return
    directory = Path(tempfile.mkdtemp(prefix="ogp-test-"))
    directory.chmod(0o755)
    try:
        with Embedded(directory / "data") as embedded:
            yield embedded.dsn
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a migrated database."""
    name = f"ogp_template_{os.getpid()}"

    async def made() -> None:
        await executed(server, f'CREATE DATABASE "{name}"')
        connection = await asyncpg.connect(named(server, name))
        async with connection.transaction():
            await migrate(connection, "example.org", date(2026, 11, 24))
        await connection.close()

    asyncio.run(made())
    return name


@contextmanager
def copied_database(server: str, template: str) -> Iterator[str]:
    """The address of a fresh copy of the migrated database."""
    name = f"ogp_test_{os.getpid()}_{next(NUMBERS)}"
    asyncio.run(executed(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    try:
        yield named(server, name)
    finally:
        asyncio.run(executed(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def dsn(server: str, template: str) -> Iterator[str]:
    """The address of a fresh copy of the migrated database."""
    with copied_database(server, template) as address:
        yield address


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[Store]:
    async with opened(dsn) as one:
        yield one
