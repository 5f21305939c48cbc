"""The commands: each reads its options, then makes one call. Exit codes: 0 done, 1 refused, 2 usage, 3 store unreachable."""

import asyncio
import stat
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
from msgspec.structs import replace

from ogp_open_data import __version__, schemas, settings
from ogp_open_data.errors import OpenDataError, Refused
from ogp_open_data.intake import hand, importer, vocabulary
from ogp_open_data.intake.importer import Document
from ogp_open_data.printing import outcome_json, outcome_text, parsed, printable
from ogp_open_data.settings import Settings
from ogp_open_data.store import checks, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from ogp_open_data.store.migrate import migrate as migrate_store

LARGEST = 10 * 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; never a traceback for what a user can mend."""
    try:
        commands.main(
            args=list(arguments) if arguments is not None else None, prog_name="ogp-open-data", standalone_mode=False
        )
    except OpenDataError as error:
        click.echo(printable(f"ogp-open-data: {error.detail}"), err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


@click.group(help="Open data of a country's Open Government Partnership plan.")
@click.version_option(__version__)
def commands() -> None:
    pass


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


def store_of(chosen: Settings) -> Store:
    assert chosen.database_url is not None
    return Store(chosen.database_url, chosen.database_read_url, chosen.read_connections, chosen.statement_timeout)


def run(chosen: Settings, work: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
    """Do some work on a migrated store."""

    async def inside() -> Any:
        store = store_of(chosen)
        await store.open()
        try:
            await _migrated(store, chosen)
            await hand.reshape(store)
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(inside())


async def _migrated(store: Store, chosen: Settings, new_epoch: bool = False) -> list[str]:
    async with store.writing() as connection:
        return await migrate_store(connection, settings.tag_authority(chosen), datetime.now(UTC).date(), new_epoch)


@commands.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--plan", metavar="ID", help="The plan, where a document names none that is known: nz-nap2.")
@click.option(
    "--map",
    "answers",
    multiple=True,
    metavar="NUMBER=MILESTONE",
    help="Which milestone a printed number is: 4=m3, or 4=new.",
)
@click.option("--dry-run", is_flag=True, help="Do it all, then roll it back.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--source-url", metavar="URL", help="Where the document was published.")
@click.option("--published-on", metavar="DAY", help="When it was published, as YYYY-MM-DD.")
@click.option("--retrieved-at", metavar="TIME", help="When it was fetched, as 2026-11-24T09:00:00Z.")
@with_store
def import_(
    files: tuple[Path, ...], data_dir: str | None, database_url: str | None, dry_run: bool, as_json: bool, **said: Any
) -> None:
    """Import documents, each into a release of its own."""
    chosen = settings.load(data_dir=data_dir, database_url=database_url)
    about = _said(**said)
    with ExitStack() as stack:
        ready = opened(stack, chosen)
        refused = run(ready, lambda store: _import(store, files, about, dry_run, as_json))
    if refused and dry_run:
        raise Refused(f"{refused} of {len(files)} documents would be refused; nothing was changed")
    if refused:
        raise Refused(
            f"{refused} of {len(files)} documents refused; the others were imported"
            if len(files) > 1
            else "nothing was imported"
        )


async def _import(store: Store, files: Sequence[Path], about: Document, dry_run: bool, as_json: bool) -> int:
    """Import one after the other, telling of each; how many were refused."""
    known = vocabulary.load()
    told: list[Any] = []
    refused = 0
    try:
        for path in files:
            try:
                document = replace(about, name=path.name, body=_bytes(path))
                outcome = await importer.import_document(store, document, known, dry_run)
            except Refused as error:
                refused += 1
                click.echo(printable(f"{path.name}: {error.detail.removeprefix(f'{path.name}: ')}"), err=True)
                told.append({"file": path.name, "release": None, "refused": error.detail, **error.extra})
                continue
            told.append(outcome_json(outcome, dry_run))
            if not as_json:
                click.echo(printable(outcome_text(outcome, dry_run)))
    finally:
        # What was done is told, also when the store is lost half way.
        if as_json:
            click.echo(msgspec.json.encode(told[0] if len(told) == 1 else told))
    return refused


def _said(
    plan: str | None = None,
    answers: tuple[str, ...] = (),
    source_url: str | None = None,
    published_on: str | None = None,
    retrieved_at: str | None = None,
) -> Document:
    """What was said of the files, as a document that has no body yet."""
    pairs = dict(pair.split("=", 1) for pair in answers if "=" in pair)
    if len(pairs) != len(answers):
        raise click.UsageError("--map takes NUMBER=MILESTONE, for example --map 4=m3")
    return Document(
        name="",
        body=b"",
        plan=plan,
        source_url=source_url,
        published_on=_read(date, published_on, "--published-on", "2018-01-31"),
        retrieved_at=_read(datetime, retrieved_at, "--retrieved-at", "2026-11-24T09:00:00Z"),
        answers=pairs,
    )


def _bytes(path: Path) -> bytes:
    """The bytes of a file of reasonable size."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path}: is no file; name a document")
        if status.st_size > LARGEST:
            raise Refused(
                f"{path}: larger than {LARGEST // 1024 // 1024} MB; a progress report has a few pages. Was this the right file?"
            )
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror}); check the name and the permissions") from error


def _read(type: type[Any], text: str | None, option: str, example: str) -> Any:
    if text is None:
        return None
    try:
        value = msgspec.convert(text, type)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"{option}: give it as {example}") from error
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise click.UsageError(f"{option}: give it with a time zone, as {example}")
        return value.astimezone(UTC)
    return value


def by_hand(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every change that is made by hand."""
    for option in (
        click.option("--reason", required=True, metavar="R", help="Why; it is published with the change."),
        click.option("--dry-run", is_flag=True, help="Do it all, then roll it back."),
    ):
        command = option(command)
    return with_store(command)


def _told(data_dir: str | None, database_url: str | None, dry_run: bool, work: Callable[[Store], Any]) -> None:
    """Make a change on the store and tell what it did."""
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        outcome = run(ready, work)
    click.echo(printable(outcome_text(outcome, dry_run)))


@commands.command()
@click.argument("id")
@by_hand
def withdraw(id: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Take a record out; it answers 410 from then on."""
    known = vocabulary.load()
    _told(data_dir, database_url, dry_run, lambda store: hand.withdraw(store, known, id, reason, dry_run))


@commands.command()
@click.argument("id")
@by_hand
def restore(id: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Bring a withdrawn record back."""
    known = vocabulary.load()
    _told(data_dir, database_url, dry_run, lambda store: hand.restore(store, known, id, reason, dry_run))


@commands.command()
@click.argument("id")
@click.option(
    "--set", "values", multiple=True, required=True, metavar="FIELD=VALUE", help="A field and what it shall be."
)
@by_hand
def correct(
    id: str, values: tuple[str, ...], reason: str, dry_run: bool, data_dir: str | None, database_url: str | None
) -> None:
    """Set fields of a record."""
    pairs = dict(pair.split("=", 1) for pair in values if "=" in pair)
    if len(pairs) != len(values):
        raise click.UsageError("--set takes FIELD=VALUE, for example --set status=completed")
    known = vocabulary.load()
    _told(data_dir, database_url, dry_run, lambda store: hand.correct(store, known, id, pairs, reason, dry_run))


@commands.command()
@click.argument("old")
@click.argument("new")
@by_hand
def merge(old: str, new: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Let the record NEW take the place of OLD."""
    known = vocabulary.load()
    _told(data_dir, database_url, dry_run, lambda store: hand.merge(store, known, old, new, reason, dry_run))


@commands.command()
@click.argument("id")
@click.argument("number")
@by_hand
def renumber(id: str, number: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Give a milestone another printed number."""
    known = vocabulary.load()
    _told(data_dir, database_url, dry_run, lambda store: hand.renumber(store, known, id, number, reason, dry_run))


@commands.command()
@click.option("--message", metavar="M", help="What is said of the release.")
@with_store
def release(message: str | None, data_dir: str | None, database_url: str | None) -> None:
    """Make the release of the day: what time alone causes, empty if that is nothing; at most one a day."""
    known, zone = vocabulary.load(), ZoneInfo(settings.load().time_zone)
    _told(data_dir, database_url, False, lambda store: hand.daily(store, known, zone, message))


@commands.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--source-url", metavar="URL", help="Where the document was published.")
def parse(files: tuple[Path, ...], as_json: bool, source_url: str | None) -> None:
    """Tell what documents claim. Needs no store."""
    known, about = vocabulary.load(), _said(source_url=source_url)
    read, failed = [], None
    for path in files:
        try:
            document = replace(about, name=path.name, body=_bytes(path))
            read.append(parsed(str(path), importer.read(document, known)[1]))
        except Refused as error:
            failed = error
            read.append({"file": str(path), "kind": "unreadable", "reason": error.detail})
    body = msgspec.json.encode(read[0] if len(read) == 1 else read)
    click.echo(body if as_json else msgspec.json.format(body, indent=2))
    if failed is not None:
        raise failed


@commands.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), metavar="P")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), metavar="N")
@click.option("--sample", is_flag=True, help="Load the bundled sample into an empty store.")
@with_store
def serve(host: str, port: int, workers: int, sample: bool, data_dir: str | None, database_url: str | None) -> None:
    """Migrate, then answer requests until SIGTERM or SIGINT."""
    from ogp_open_data.web import server

    server.end_quietly()
    chosen = settings.load(data_dir=data_dir, database_url=database_url)
    with ExitStack() as stack:
        ready = opened(stack, chosen, watch=True)
        run(ready, lambda store: _prepared(store, ready, sample))
        server.serve(ready, host, port, workers)


async def _prepared(store: Store, chosen: Settings, sample: bool) -> None:
    """Import the sample, where nothing is there yet, by the same door as everything else; make the day's release."""
    known, zone = vocabulary.load(), ZoneInfo(chosen.time_zone)
    head = await store.reading(releases.head)
    for document in importer.sample() if sample and head.number == 0 else ():
        await importer.import_document(store, document, known)
    if datetime.now(zone).time() >= time.fromisoformat(chosen.daily_at):
        await hand.daily(store, known, zone)


@commands.command()
@click.argument("url")
@click.option("--into", required=True, metavar="DIR|DSN", help="A directory, sqlite:///FILE, or postgresql://….")
@click.option("--verify", is_flag=True, help="Only compare the copy with the publisher, and name what differs.")
def sync(url: str, into: str, verify: bool) -> None:
    """Keep a copy of another instance, and prove it equal."""
    from ogp_open_data.client import sync as kept

    done = kept(url, into, verify_only=verify)
    click.echo(printable(done.line))
    sys.exit(done.exit_code)


@commands.command()
@click.option(
    "--new-epoch", is_flag=True, help="Begin another history: after going back to an older state of this database."
)
@with_store
def migrate(new_epoch: bool, data_dir: str | None, database_url: str | None) -> None:
    """Bring the database schema, and the shape of its records, up to this program's."""
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        run(ready, lambda store: _migrated(store, ready, new_epoch))
    click.echo("The schema is up to date." + (" Copies will be taken afresh." if new_epoch else ""))


@commands.command()
@with_store
def check(data_dir: str | None, database_url: str | None) -> None:
    """Hold every stored record against its digest, and the releases against each other."""
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        faults = run(ready, lambda store: store.reading(checks.faults))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise Refused(f"{len(faults)} faults found; restore the store from a backup")
    click.echo("The store is sound.")


@commands.command("schemas")
@click.option("--check", "only_check", is_flag=True, help="Only tell whether the files are up to date.")
@click.argument("directory", default="schemas", type=click.Path(path_type=Path), metavar="[DIR]")
def schemas_(directory: Path, only_check: bool) -> None:
    """Write the JSON Schemas of the nouns."""
    if only_check:
        if stale := schemas.stale(directory):
            raise Refused(f"{directory}: out of date for {', '.join(stale)}; run: make schemas")
        return
    for path in schemas.write(directory):
        click.echo(path)
