"""Backups: the whole database in one file, written and read by PostgreSQL's own `pg_dump` and `pg_restore`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import unquote, urlsplit

from ogp_open_data import settings
from ogp_open_data.errors import Refused, StoreUnavailable
from ogp_open_data.store import binaries
from ogp_open_data.store.doors import Connection

SERVER = "SHOW server_version_num"
HOLDS_ANY = "SELECT to_regclass('release') IS NOT NULL"
NUMBER = "SELECT coalesce(max(number), 0) FROM release"


async def server_major(connection: Connection) -> int:
    """The major version of the server."""
    return int(await connection.fetchval(SERVER)) // 10000


async def newest(connection: Connection) -> int:
    """The newest release of a database that may not even have our tables: 0 where there is none."""
    return int(await connection.fetchval(NUMBER)) if await connection.fetchval(HOLDS_ANY) else 0


def dump(dsn: str, major: int, path: Path) -> int:
    """Write everything, as of one moment, to a file that is there whole or not at all; its bytes.

    Raises Refused where the file cannot be written, StoreUnavailable where the tool fails or none is new enough.
    """
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as part:
            try:
                _run("pg_dump", major, dsn, "--format=custom", "--no-owner", "--no-privileges", f"--file={part.name}")
                os.fsync(part.fileno())
                os.replace(part.name, path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        return path.stat().st_size
    except OSError as error:
        raise Refused(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def load(dsn: str, major: int, path: Path) -> None:
    """Fill a database from a file, in one transaction. Raises Refused where the file is no backup."""
    if not path.is_file() or not path.open("rb").read(5) == b"PGDMP":
        raise Refused(f"{path}: is no backup; name a file that `ogp-open-data backup` wrote")
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", major, dsn, *options, str(path))


def _run(tool: str, major: int, dsn: str, *arguments: str) -> None:
    """Run a tool on a database; the password goes by the environment, where no list of processes shows it."""
    address, password = _apart(dsn)
    command = [str(_place(tool, major)), f"--dbname={address}", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=settings.environment_with("PGPASSWORD", password)
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StoreUnavailable(f"{tool}: {said[0].removeprefix(f'{tool}: ')}")


def _apart(dsn: str) -> tuple[str, str | None]:
    """An address without its password, and the password."""
    parts = urlsplit(dsn)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    return parts._replace(netloc=f"{name}{at}{host}").geturl(), unquote(password) if colon else None


def _place(tool: str, major: int) -> Path:
    """The tool of the server's version, else the next newer one: an older one refuses the server, and a newer one may set what
    the server does not know."""
    fitting = [(version, path) for path in _candidates(tool) if (version := _major(path)) >= major]
    if not fitting:
        raise StoreUnavailable(
            f"there is no {tool} of PostgreSQL {major} or later here; install the package postgresql-client-{major}"
        )
    return min(fitting)[1]


def _major(tool: Path) -> int:
    told = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", told)
    return int(found[1]) if found else 0


def _candidates(tool: str) -> Iterator[Path]:
    yield from (path for one in binaries.candidates() if os.access(path := one.bin / tool, os.X_OK))
    # A machine with the client's package only has the tools, but no server.
    if on_path := shutil.which(tool):
        yield Path(on_path)
