"""Documents in: `import` and `parse`."""

import stat
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from ogp_open_data import settings
from ogp_open_data.cli.migrated import run, user
from ogp_open_data.cli.printing import outcome_json, outcome_text, parsed
from ogp_open_data.cli.stores import opened, with_store
from ogp_open_data.errors import DocumentRefused, Refused
from ogp_open_data.formats import to_table
from ogp_open_data.intake import importer, series
from ogp_open_data.intake.importer import Document
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.intake.terms import Terms
from ogp_open_data.store.doors import Store
from ogp_open_data.terminal import printable

LARGEST = 10 * 1024 * 1024


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--plan", metavar="ID", help="The plan, where a document names none that is known: nz-nap2.")
@click.option(
    "--map",
    "answers",
    multiple=True,
    metavar="NUMBER=MILESTONE",
    help="Which milestone a printed number is: 4=m3, or 4=new.",
)
@click.option("--dry-run", is_flag=True, help="Do it all, show what it does, then roll it back.")
@click.option(
    "--apply", "mark", metavar="MARK", help="Only what a dry run showed: refused where what it read has changed since."
)
@click.option(
    "--rejected",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the faulty rows of a table there, with what is wrong in each; .csv or .xlsx.",
)
@click.option(
    "--confirm", type=int, metavar="N", help="How many published records may be changed or withdrawn, typed back."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--reason", metavar="R", help="Why it corrects what was published; it is published with that.")
@click.option("--source-url", metavar="URL", help="Where the document was published.")
@click.option("--published-on", metavar="DAY", help="When it was published, as YYYY-MM-DD.")
@click.option("--retrieved-at", metavar="TIME", help="When it was fetched, as 2026-11-24T09:00:00Z.")
@with_store
def import_(
    files: tuple[Path, ...],
    data_dir: str | None,
    database_url: str | None,
    dry_run: bool,
    as_json: bool,
    mark: str | None,
    confirm: int | None,
    rejected: Path | None,
    **said: Any,
) -> None:
    """Import documents, each into a release of its own."""
    if (mark is not None or rejected is not None) and len(files) > 1:
        raise click.UsageError("--apply and --rejected are for one document; import them one by one")
    chosen = settings.load(data_dir=data_dir, database_url=database_url)
    about = _said(**said)
    terms = Terms(by=user(), mark=mark, confirm=confirm)
    with ExitStack() as stack:
        ready = opened(stack, chosen)
        refused = run(ready, lambda store: _import(store, files, about, dry_run, terms, as_json, rejected))
    if refused and dry_run:
        raise Refused(f"{refused} of {len(files)} documents would be refused; nothing was changed")
    if refused:
        raise Refused(
            f"{refused} of {len(files)} documents refused; the others were imported"
            if len(files) > 1
            else "nothing was imported"
        )


async def _import(
    store: Store,
    files: Sequence[Path],
    about: Document,
    dry_run: bool,
    terms: Terms,
    as_json: bool,
    rejected: Path | None,
) -> int:
    """Import one after the other, telling of each; how many were refused."""
    known = vocabulary.load(settings.load().vocabulary)
    given = (_given(path, about) for path in files)
    outcomes = _tried(store, given, known, terms) if dry_run else series.import_all(store, given, known, terms)
    told: list[Any] = []
    refused = 0
    try:
        # One after the other, so the files and what came of them go in step.
        paths = iter(files)
        async for outcome in outcomes:
            name = next(paths).name
            if isinstance(outcome, Refused):
                refused += 1
                if rejected is not None and isinstance(outcome, DocumentRefused) and outcome.rejected:
                    _hand_back(rejected, outcome.rejected)
                click.echo(printable(f"{name}: {outcome.detail.removeprefix(f'{name}: ')}"), err=True)
                told.append({"file": name, "release": None, "refused": outcome.detail, **outcome.extra})
                continue
            told.append(outcome_json(outcome, dry_run))
            if not as_json:
                click.echo(outcome_text(outcome, dry_run))
    finally:
        # What was done is told, also when the store is lost half way.
        if as_json:
            click.echo(msgspec.json.encode(told[0] if len(told) == 1 else told))
    return refused


def _given(path: Path, about: Document) -> Document | Refused:
    """A file with what was said of it, or why it cannot be read."""
    try:
        return replace(about, name=path.name, body=_bytes(path))
    except Refused as refusal:
        return refusal


async def _tried(
    store: Store, given: Iterable[Document | Refused], known: Vocabulary, terms: Terms
) -> AsyncIterator[Outcome | Refused]:
    """What would come of documents, each by itself and rolled back."""
    for one in given:
        try:
            yield one if isinstance(one, Refused) else await importer.import_document(store, one, known, True, terms)
        except Refused as refusal:
            yield refusal


def _hand_back(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write the faulty rows of a table, as a workbook or as CSV that a spreadsheet knows for UTF-8."""
    is_workbook = path.suffix.lower() == ".xlsx"
    body = to_table.to_xlsx({"Rejected": rows}) if is_workbook else to_table.to_csv(rows, marked=True)
    try:
        path.write_bytes(body)
    except OSError as error:
        raise Refused(f"{path}: cannot be written ({error.strerror}); name another file") from error
    click.echo(f"{path}: {len(rows) - 1} rows to mend", err=True)


def _said(
    plan: str | None = None,
    answers: tuple[str, ...] = (),
    source_url: str | None = None,
    published_on: str | None = None,
    retrieved_at: str | None = None,
    reason: str | None = None,
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
        reason=reason,
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


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--source-url", metavar="URL", help="Where the document was published.")
def parse(files: tuple[Path, ...], as_json: bool, source_url: str | None) -> None:
    """Tell what documents claim. Needs no store."""
    known, about = vocabulary.load(settings.load().vocabulary), _said(source_url=source_url)
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
