"""The commands: each reads its options, then makes one call. Exit codes: 0 done, 1 refused, 2 usage, 3 store unreachable."""

import sys
from collections.abc import Sequence

import click

from ogp_open_data import __version__
from ogp_open_data.cli import changes, documents, keys, operating, webhooks
from ogp_open_data.cli.printing import printable
from ogp_open_data.errors import OpenDataError


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


for command in (
    *(
        operating.serve,
        operating.sync,
        operating.migrate,
        operating.check,
        operating.export,
        operating.backup,
        operating.recover,
        operating.schemas_,
    ),
    *(documents.import_, documents.parse),
    *(
        changes.withdraw,
        changes.restore,
        changes.correct,
        changes.merge,
        changes.renumber,
        changes.rename,
        changes.redact,
        changes.release,
    ),
    *(keys.keys, keys.log, webhooks.webhooks),
):
    commands.add_command(command)
