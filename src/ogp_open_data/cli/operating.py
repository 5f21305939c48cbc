"""Keeping it: `sync`, `migrate`, `check`, `export`, `backup`, `recover`, `schemas`."""

import asyncio
import sys
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path
from time import monotonic

import click

from ogp_open_data import schemas, settings
from ogp_open_data.cli.migrated import migrated, run, store_of
from ogp_open_data.cli.serving import WORKERS, default_workers
from ogp_open_data.cli.stores import opened, with_store
from ogp_open_data.errors import Refused
from ogp_open_data.settings import Settings
from ogp_open_data.store import backup as backups
from ogp_open_data.store import checks, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.releases import Head
from ogp_open_data.terminal import printable, progress, working


@click.command()
@click.argument("url")
@click.option("--into", required=True, metavar="DIR|DSN", help="A directory, sqlite:///FILE, or postgresql://….")
@click.option("--verify", is_flag=True, help="Only compare the copy with the publisher, and name what differs.")
def sync(url: str, into: str, verify: bool) -> None:
    """Keep a copy of another instance, and prove it equal."""
    from ogp_open_data.client import sync as kept

    done = kept(url, into, verify_only=verify)
    click.echo(printable(done.line))
    sys.exit(done.exit_code)


@click.command()
@click.option(
    "--new-epoch", is_flag=True, help="Begin another history: after going back to an older state of this database."
)
@with_store
def migrate(new_epoch: bool, data_dir: str | None, database_url: str | None) -> None:
    """Bring the database schema, and the shape of its records, up to this program's."""
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        run(ready, lambda store: migrated(store, ready, new_epoch))
    click.echo("The schema is up to date." + (" Copies will be taken afresh." if new_epoch else ""))


@click.command()
@click.option("--settings", "only_settings", is_flag=True, help="Only the settings; needs no store.")
@WORKERS
@with_store
def check(only_settings: bool, workers: int | None, data_dir: str | None, database_url: str | None) -> None:
    """Tell what is set wrongly, and hold every stored record against its digest, the releases against each other."""
    chosen = settings.load(data_dir=data_dir, database_url=database_url)
    doubts = settings.doubts(chosen)
    faults: list[str] = []
    if not only_settings:
        with ExitStack() as stack:
            ready = opened(stack, chosen)
            stack.enter_context(working("holding every record against its digest"))
            found, faults = run(ready, lambda store: _checked(store, chosen, workers))
        doubts += found
    for doubt in doubts:
        click.echo(f"warning: {printable(doubt)}", err=True)
    if only_settings:
        return
    for fault in faults:
        click.echo(fault)
    if faults:
        raise Refused(f"{len(faults)} faults found; restore the store from a backup")
    click.echo("The store is sound.")


async def _checked(store: Store, chosen: Settings, workers: int | None) -> tuple[list[str], list[str]]:
    """What will hurt, and what is wrong."""
    embedded, many = chosen.database_url is None, workers or default_workers()
    doubts = await store.reading_primary(checks.doubts, store.most_connections, many, embedded)
    return doubts, await store.reading(checks.faults)


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@with_store
def export(directory: Path, data_dir: str | None, database_url: str | None) -> None:
    """Write every resource of the newest release to DIR as static files, swapped in at once."""
    from ogp_open_data.publishing.tree import replaced
    from ogp_open_data.web import frozen

    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        if run(ready, lambda store: store.reading(releases.head)).number == 0:
            raise Refused("nothing was released yet; there is nothing to export")
        tree = stack.enter_context(replaced(directory))
        tell = stack.enter_context(progress("addresses"))
        asyncio.run(frozen.export(ready, tree, tell))
    size = sum(one.size for one in tree.files.values())
    click.echo(
        f"{printable(str(directory))}: release {tree.release}, {len(tree.files):,} files, {size:,} bytes; "
        f"{tree.unchanged:,} as before"
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_store
def backup(file: Path, data_dir: str | None, database_url: str | None) -> None:
    """Write the whole database to FILE, while the program runs."""
    began = monotonic()
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        major, head = run(ready, _state)
        assert ready.database_url is not None
        stack.enter_context(working(f"writing everything up to release {head.number}"))
        size = backups.dump(ready.database_url, major, file)
    made = f", made {head.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if head.made_at else ""
    click.echo(f"{file}: everything up to release {head.number}{made}; {size:,} bytes, {monotonic() - began:.1f} s")


async def _state(store: Store) -> tuple[int, Head]:
    return await store.reading(backups.server_major), await store.reading(releases.head)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_store
def recover(file: Path, data_dir: str | None, database_url: str | None) -> None:
    """Fill an empty database from a backup. Copies will be taken afresh, for what came after it is lost."""
    began = monotonic()
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        major, number = asyncio.run(_emptiness(ready))
        if number:
            raise Refused(f"the database holds {number} releases; recover into an empty one, nothing is overwritten")
        assert ready.database_url is not None
        stack.enter_context(working("filling the database, then holding every record against its digest"))
        backups.load(ready.database_url, major, file)
        faults, head = run(ready, lambda store: _recovered(store, ready))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise Refused(f"{file}: {len(faults)} faults in what was recovered; take an earlier backup")
    click.echo(f"The store is sound, at release {head.number}; recovered in {monotonic() - began:.1f} s")


async def _emptiness(chosen: Settings) -> tuple[int, int]:
    """The server's major version, and the newest release of a database in which nothing was migrated yet."""
    store = store_of(chosen)
    await store.open()
    try:
        return await store.reading(backups.server_major), await store.reading(backups.newest)
    finally:
        await store.close()


async def _recovered(store: Store, chosen: Settings) -> tuple[list[str], Head]:
    await migrated(store, chosen, new_epoch=True)
    return await store.reading(checks.faults), await store.reading(releases.head)


@click.command("schemas")
@click.option(
    "--check", "only_check", is_flag=True, help="Only tell whether they are up to date and keep the contract."
)
@click.option("--release", "releasing", is_flag=True, help="Keep today's contract as the one that v1 is held to.")
@click.argument("directory", default="schemas", type=click.Path(path_type=Path), metavar="[DIR]")
def schemas_(directory: Path, only_check: bool, releasing: bool) -> None:
    """Write the JSON Schemas of the nouns; hold the contract against the one released last."""
    from ogp_open_data.web.contract import released

    if only_check:
        if stale := schemas.stale(directory):
            raise Refused(f"{directory}: out of date for {', '.join(stale)}; run: make schemas")
        if broken := released.faults(directory):
            raise Refused("this breaks v1, or needs another version:\n" + "\n".join(broken))
        return
    for path in schemas.write(directory):
        click.echo(path)
    if releasing:
        click.echo(released.write(directory))
