"""The `avow` command: what behave has no word for. One file a command, loaded when it is called."""

from __future__ import annotations

import importlib
import sys

import click

import avow
from avow.core.errors import AvowError
from avow.core.text import printable

#: Command -> what `avow --help` says of it. The help loads none of them.
COMMANDS = {
    "init": "Start a suite: features, steps, settings, and a first scenario that passes.",
    "report": "Build the HTML report of the last run.",
    "steps": "List the phrases that features can use.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"avow.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from avow.core.errors import did_you_mean

            advice = did_you_mean(args[0], COMMANDS, what="commands")
            ctx.fail(f'There is no command "{args[0]}". {advice}')
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(avow.__version__, prog_name="avow", message="%(prog)s %(version)s")
def cli() -> None:
    """Acceptance tests for integrations. Run a suite by typing `behave`; the rest is here."""


def main() -> None:
    """Run the command line; a user's mistake is a message and an exit code, never a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(4)
    except click.Abort:
        sys.exit(130)
    except AvowError as error:
        print(printable(error), file=sys.stderr)
        sys.exit(error.exit_code)
