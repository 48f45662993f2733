"""How a command that reads ends: its report on standard output, a message where it fails."""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import click

from tfrecords_tools.cli.exit_codes import FAILED, INTERRUPTED, end


class Report(Protocol):
    """What a command prints."""

    def to_json(self) -> str:
        """The report as JSON."""


def say(text: Any, err: bool = False) -> None:
    """Prints; what is no text in the name of a file comes as `\\udcff`, not as an error."""
    click.echo(str(text).encode("utf-8", "backslashreplace").decode(), err=err)


def reporting(command: Callable[..., tuple[Report, int]]) -> Callable[..., None]:
    """Adds `--json` to a function that returns a report and an exit code, and prints the report."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.pass_context
    @functools.wraps(command)
    def run(context: click.Context, as_json: bool, **arguments: Any) -> None:
        try:
            report, code = command(**arguments)
        except (ValueError, OSError, RuntimeError, ImportError) as error:
            say(f"Error: {error}", err=True)
            end(context, FAILED)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            end(context, INTERRUPTED)
        say(report.to_json() if as_json else report)
        end(context, code)

    return run
