"""Changes by hand and by the day: `withdraw`, `restore`, `correct`, `merge`, `renumber`, `rename`, `redact`, `release`."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from ogp_open_data import settings
from ogp_open_data.cli.migrated import run, user
from ogp_open_data.cli.printing import outcome_text
from ogp_open_data.cli.stores import opened, with_store
from ogp_open_data.intake import hand
from ogp_open_data.intake.deciding import redacting
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.terms import Terms
from ogp_open_data.store.doors import Store


def by_hand(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every change that is made by hand."""
    for option in (
        click.option("--reason", required=True, metavar="R", help="Why; it is published with the change."),
        click.option("--dry-run", is_flag=True, help="Do it all, then roll it back."),
    ):
        command = option(command)
    return with_store(command)


def _terms() -> Terms:
    return Terms(by=user())


def _told(data_dir: str | None, database_url: str | None, dry_run: bool, work: Callable[[Store], Any]) -> None:
    """Make a change on the store and tell what it did."""
    with ExitStack() as stack:
        ready = opened(stack, settings.load(data_dir=data_dir, database_url=database_url))
        outcome = run(ready, work)
    click.echo(outcome_text(outcome, dry_run))


@click.command()
@click.argument("id")
@by_hand
def withdraw(id: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Take a record out; it answers 410 from then on."""
    known = vocabulary.load(settings.load().vocabulary)
    _told(data_dir, database_url, dry_run, lambda store: hand.withdraw(store, known, id, reason, dry_run, _terms()))


@click.command()
@click.argument("id")
@by_hand
def restore(id: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Bring a withdrawn record back."""
    known = vocabulary.load(settings.load().vocabulary)
    _told(data_dir, database_url, dry_run, lambda store: hand.restore(store, known, id, reason, dry_run, _terms()))


@click.command()
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
    known = vocabulary.load(settings.load().vocabulary)
    _told(
        data_dir, database_url, dry_run, lambda store: hand.correct(store, known, id, pairs, reason, dry_run, _terms())
    )


@click.command()
@click.argument("old")
@click.argument("new")
@by_hand
def merge(old: str, new: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Let the record NEW take the place of OLD."""
    known = vocabulary.load(settings.load().vocabulary)
    _told(data_dir, database_url, dry_run, lambda store: hand.merge(store, known, old, new, reason, dry_run, _terms()))


@click.command()
@click.argument("id")
@click.argument("number")
@by_hand
def renumber(id: str, number: str, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None) -> None:
    """Give a milestone another printed number."""
    known = vocabulary.load(settings.load().vocabulary)
    _told(
        data_dir,
        database_url,
        dry_run,
        lambda store: hand.renumber(store, known, id, number, reason, dry_run, _terms()),
    )


@click.command()
@click.argument("id")
@click.argument("name")
@click.option(
    "--on", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="First day of the new name."
)
@click.option("--abbreviation", metavar="A", help="The new abbreviation, where it changes too.")
@by_hand
def rename(
    id: str,
    name: str,
    on: datetime,
    abbreviation: str | None,
    reason: str,
    dry_run: bool,
    data_dir: str | None,
    database_url: str | None,
) -> None:
    """Give an organisation another name from a day on."""
    known = vocabulary.load(settings.load().vocabulary)
    _told(
        data_dir,
        database_url,
        dry_run,
        lambda store: hand.rename(store, known, id, name, on.date(), abbreviation, reason, dry_run, _terms()),
    )


@click.command()
@click.argument("id")
@click.argument("field")
@click.option("--text", metavar="T", help="Only these words of the field; else all of it.")
@by_hand
def redact(
    id: str, field: str, text: str | None, reason: str, dry_run: bool, data_dir: str | None, database_url: str | None
) -> None:
    """Take personal data out of a field, in every version and release."""
    _told(
        data_dir,
        database_url,
        dry_run,
        lambda store: redacting.redact(store, id, field, reason, text, dry_run, _terms()),
    )


@click.command()
@click.option("--message", metavar="M", help="What is said of the release.")
@with_store
def release(message: str | None, data_dir: str | None, database_url: str | None) -> None:
    """Make the release of the day: what time alone causes, empty if that is nothing; at most one a day."""
    known, zone = vocabulary.load(settings.load().vocabulary), ZoneInfo(settings.load().time_zone)
    _told(data_dir, database_url, False, lambda store: hand.daily(store, known, zone, message, terms=_terms()))
