"""Who is told of each release: `webhooks add`, `list`, `remove`, `resume`."""

import asyncio

import click
import msgspec

from ogp_open_data import settings
from ogp_open_data.cli.keys import on_store, tabled
from ogp_open_data.cli.migrated import user
from ogp_open_data.cli.stores import with_store
from ogp_open_data.publishing import messages
from ogp_open_data.store import audit, receivers
from ogp_open_data.store.audit import Entry
from ogp_open_data.store.doors import Store
from ogp_open_data.store.receivers import Receiver
from ogp_open_data.terminal import printable


@click.group("webhooks")
def webhooks() -> None:
    """Addresses that are told of each release."""


@webhooks.command("add")
@click.argument("url")
@with_store
def add(url: str, data_dir: str | None, database_url: str | None) -> None:
    """Tell URL of every release from the next one on; prints the secret that signs the messages, this once."""
    # Loaded by who needs it: its HTTP client takes a quarter of a second.
    from ogp_open_data.publishing import places

    asyncio.run(places.checked(url, settings.allowed_receivers(settings.load())))
    secret = messages.new_secret()

    async def work(store: Store) -> None:
        async with store.writing() as connection:
            await receivers.add(connection, url, secret)
            await audit.write(connection, Entry(user().name, None, "webhook added", url))

    on_store(work, data_dir, database_url)
    click.echo("Keep it safe: it is not shown again.", err=True)
    click.echo(secret)


@webhooks.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_store
def list_(as_json: bool, data_dir: str | None, database_url: str | None) -> None:
    """Tell who is told, how far each of them is, and who was given up."""
    found = on_store(lambda store: store.reading_primary(receivers.every), data_dir, database_url)
    if as_json:
        shown = [
            {name: value for name, value in msgspec.structs.asdict(one).items() if name != "secret"} for one in found
        ]
        click.echo(msgspec.json.encode(shown))
        return
    tabled(("address", "kind", "has release", "waiting", "state"), [_row(one) for one in found])


def _row(one: Receiver) -> list[str]:
    state = "well"
    if one.ended_at is not None:
        state = f"given up {one.ended_at:%Y-%m-%d %H:%M} UTC: {one.last_failure}"
    elif one.failures:
        state = f"failed {one.failures} times: {one.last_failure}; next try {one.due_at:%Y-%m-%d %H:%M} UTC"
    return [one.url, one.kind, str(one.told), str(one.waiting), state]


@webhooks.command("remove")
@click.argument("url")
@with_store
def remove(url: str, data_dir: str | None, database_url: str | None) -> None:
    """Tell URL no more."""

    async def work(store: Store) -> None:
        async with store.writing() as connection:
            await receivers.remove(connection, url)
            await audit.write(connection, Entry(user().name, None, "webhook removed", url))

    on_store(work, data_dir, database_url)
    click.echo(f"{printable(url)} is told no more.")


@webhooks.command("resume")
@click.argument("url")
@with_store
def resume(url: str, data_dir: str | None, database_url: str | None) -> None:
    """Begin again with a receiver that was given up, with the release after the last that it has."""

    async def work(store: Store) -> int:
        async with store.writing() as connection:
            told = await receivers.resume(connection, url)
            await audit.write(connection, Entry(user().name, None, "webhook resumed", url))
            return told

    told = on_store(work, data_dir, database_url)
    click.echo(f"{printable(url)} is told again, from release {told + 1} on.")
