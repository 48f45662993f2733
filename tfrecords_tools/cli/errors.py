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


def reporting(command: Callable[..., tuple[Report, int]]) -> Callable[..., None]:
    """Adds `--json` to a function that returns a report and an exit code, and prints the report."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.pass_context
    @functools.wraps(command)
    def run(context: click.Context, as_json: bool, **arguments: Any) -> None:
        try:
            report, code = command(**arguments)
        except (ValueError, OSError, RuntimeError, ImportError) as error:
            click.echo(f"Error: {error}", err=True)
            end(context, FAILED)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            end(context, INTERRUPTED)
        click.echo(report.to_json() if as_json else str(report))
        end(context, code)

    return run
