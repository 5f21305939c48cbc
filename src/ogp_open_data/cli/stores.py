"""What the commands that need a store share: their options, and the embedded PostgreSQL."""

from collections.abc import Callable
from contextlib import ExitStack

import click
from msgspec.structs import replace

from ogp_open_data import settings
from ogp_open_data.settings import Settings
from ogp_open_data.store.embedded import Embedded


def with_store(command: Callable[..., None]) -> Callable[..., None]:
    """The two options of every command that needs a store."""
    command = click.option(
        "--database-url", metavar="DSN", help="PostgreSQL 15 or later, instead of the embedded one."
    )(command)
    return click.option("--data-dir", metavar="DIR", help="Where the embedded PostgreSQL lives.")(command)


def opened(stack: ExitStack, chosen: Settings, watch: bool = False) -> Settings:
    """The settings with a database that runs: the given one, else the embedded one, kept up while the stack is open."""
    if chosen.database_url is not None:
        return chosen
    embedded = stack.enter_context(Embedded(settings.data_dir(chosen)))
    if watch:
        embedded.watch()
    return replace(chosen, database_url=embedded.dsn)
