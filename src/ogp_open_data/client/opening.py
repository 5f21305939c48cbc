"""Where a copy is kept, by its address: a directory, SQLite, PostgreSQL; each is loaded by who needs it."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from ogp_open_data.client.copies import Copy
from ogp_open_data.errors import Refused


def opened(into: str, make: bool = True) -> AbstractAsyncContextManager[Copy]:
    """The copy at a directory, sqlite:///path or postgresql://…. Raises Refused where it cannot be, or another run has it."""
    scheme, colon, rest = into.partition("://")
    if not colon:
        from ogp_open_data.client.in_directory import Directory

        return Directory(Path(into), make)
    if scheme == "sqlite":
        from ogp_open_data.client.in_sqlite import Sqlite

        # As elsewhere: sqlite:///relative.db, sqlite:////absolute.db.
        return Sqlite(Path(rest.removeprefix("/")), make)
    if scheme in ("postgresql", "postgres"):
        from ogp_open_data.client.in_postgresql import Postgresql

        return Postgresql(into, make)
    raise Refused(f"{into}: a copy is kept in a directory, in sqlite:///path or in postgresql://…")
