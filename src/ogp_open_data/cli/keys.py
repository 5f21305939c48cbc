"""Who may publish, and who did: `keys create`, `keys list`, `keys revoke`, `log`."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from ogp_open_data import settings
from ogp_open_data.cli.migrated import run, user
from ogp_open_data.cli.stores import opened, with_store
from ogp_open_data.errors import Refused
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.store import audit, releases
from ogp_open_data.store import keys as stored
from ogp_open_data.store.audit import Entry, Line
from ogp_open_data.store.doors import Connection, Store
from ogp_open_data.store.keys import Key
from ogp_open_data.terminal import printable

NEWEST = 100
MOST = 100_000
# Wide enough for a line of a table where output goes to a file.
WIDTH = 160


@click.group("keys")
def keys() -> None:
    """API keys of publishing agencies."""


@keys.command("create")
@click.argument("name")
@click.option(
    "--organisation", "organisations", multiple=True, metavar="ID", help="Whom it may speak for; all, if not given."
)
@click.option(
    "--action",
    "actions",
    multiple=True,
    type=click.Choice(stored.ACTIONS),
    help="What it may do; import, if not given. admin is everything.",
)
@with_store
def create(
    name: str,
    organisations: tuple[str, ...],
    actions: tuple[str, ...],
    data_dir: str | None,
    database_url: str | None,
) -> None:
    """Make a key and print it, this once."""
    if not 0 < len(name.strip()) <= 100 or printable(name) != name:
        raise click.UsageError("give the key a name of 1 to 100 characters, for example ssc-2026")
    scope = sorted(set(organisations)), [one for one in stored.ACTIONS if one in (actions or ("import",))]

    async def work(store: Store) -> str:
        async with store.writing() as connection:
            await _known(connection, scope[0])
            key = await stored.create(connection, name, *scope)
            said = f"for {', '.join(scope[0]) or 'all organisations'}; may {', '.join(scope[1])}"
            await audit.write(connection, Entry(user().name, None, "key created", name, said))
            return key

    key = on_store(work, data_dir, database_url)
    click.echo("Keep it safe: it is not shown again.", err=True)
    click.echo(key)


async def _known(connection: Connection, organisations: Sequence[str]) -> None:
    """Raises Refused where an organisation is in no vocabulary and was never published: a key for it would open nothing."""
    there = {
        *vocabulary.load(settings.load().vocabulary).organisations,
        *(await releases.directory(connection)).records,
    }
    for one in organisations:
        if one not in there:
            near = get_close_matches(one, there, 1)
            hint = f"did you mean {near[0]}?" if near else "/v1/organisations lists them"
            raise Refused(f"there is no organisation {one}; {hint}")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_store
def list_(as_json: bool, data_dir: str | None, database_url: str | None) -> None:
    """Tell which keys there are; never the keys themselves."""
    found = on_store(lambda store: store.reading_primary(stored.every), data_dir, database_url)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    columns = ("name", "prefix", "organisations", "actions", "created", "last used", "revoked")
    tabled(columns, [_of_key(one) for one in found])


def _of_key(one: Key) -> list[str]:
    scope = [" ".join(one.organisations) or "all", " ".join(one.actions)]
    times = [f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (one.created_at, one.last_used_at, one.revoked_at)]
    return [one.name, one.prefix, *scope, *times]


@keys.command("revoke")
@click.argument("name")
@with_store
def revoke(name: str, data_dir: str | None, database_url: str | None) -> None:
    """End a key, by its name or prefix, from now on."""

    async def work(store: Store) -> str:
        async with store.writing() as connection:
            prefix = await stored.revoke(connection, name)
            await audit.write(connection, Entry(user().name, None, "key revoked", name, prefix))
            return prefix

    click.echo(f"{printable(name)} ({on_store(work, data_dir, database_url)}) is revoked.")


@click.command("log")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--since", metavar="DAY|TIME", help="From then on, as 2026-11-24 or 2026-11-24T09:00:00Z; else the newest."
)
@with_store
def log(as_json: bool, since: str | None, data_dir: str | None, database_url: str | None) -> None:
    """Tell who did what, when, on what and from where; refusals too."""
    at = _moment(since) if since else None
    found = on_store(
        lambda store: store.reading_primary(audit.since, at, MOST if since else NEWEST), data_dir, database_url
    )
    if as_json:
        click.echo(msgspec.json.encode([one._asdict() for one in found]))
        return
    tabled(("when (UTC)", "who", "from", "what", "on", "why", "result"), [_of_line(one) for one in found])


def _of_line(one: Line) -> list[str]:
    result = f"refused: {one.refused}" if one.refused else f"release {one.release}" if one.release else "done"
    said = [text or "" for text in (one.address, one.action, one.subject, one.detail)]
    return [f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, *said, result]


def on_store(work: Any, data_dir: str | None, database_url: str | None) -> Any:
    """Do some work on the store that the options name."""
    with ExitStack() as stack:
        return run(opened(stack, settings.load(data_dir=data_dir, database_url=database_url)), work)


def tabled(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows for people; whoever reads them by program takes JSON."""
    # Loaded by who needs it: it takes a tenth of a second, and most commands print no table.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else WIDTH
    console.print(table)


def _moment(text: str) -> datetime:
    """The moment that a time is, or that a day of the office begins at."""
    for type in (datetime, date):
        try:
            read = msgspec.convert(text, type)
        except msgspec.ValidationError:
            continue
        if isinstance(read, datetime) and read.tzinfo is not None:
            return read.astimezone(UTC)
        if not isinstance(read, datetime):
            return datetime.combine(read, time(), ZoneInfo(settings.load().time_zone))
    raise click.UsageError("--since: give it as 2026-11-24 or 2026-11-24T09:00:00Z")
