"""The commands: each reads its options, then makes one call. Exit codes: 0 done, 1 refused, 2 usage, 3 store unreachable."""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ogp_open_data import __version__
from ogp_open_data.errors import OpenDataError
from ogp_open_data.terminal import printable

# The commands, and the module that has each.
COMMANDS = {
    "serve": "serving",
    **dict.fromkeys(("sync", "migrate", "check", "export", "backup", "recover", "schemas"), "operating"),
    **dict.fromkeys(("import", "parse"), "documents"),
    **dict.fromkeys(
        ("withdraw", "restore", "correct", "merge", "renumber", "rename", "redact", "release"),
        "changes",
    ),
    **dict.fromkeys(("keys", "log"), "keys"),
    "webhooks": "webhooks",
}


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


class Commands(click.Group):
    """The commands of the table. Only the one that is asked for is loaded, for all of them take a quarter of a second."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found = vars(import_module(f"ogp_open_data.cli.{COMMANDS[name]}")).values()
        return next(one for one in found if isinstance(one, click.Command) and one.name == name)


@click.group(cls=Commands, help="Open data of a country's Open Government Partnership plan.")
@click.version_option(__version__)
def commands() -> None:
    pass
