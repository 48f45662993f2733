"""Errors of the library as a person at a terminal wants them: one message, no traceback."""

import os
import warnings
from typing import Any

import click

from keras_stprivacy.missing_backend import missing_backend


class CommandGroup(click.Group):
    """A group whose commands end in `Error: message` and code 1 where the library raises.

    Wrong usage ends in code 2 (click's own). Warnings go to standard error as one line.
    """

    def invoke(self, ctx: click.Context) -> Any:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets at length
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except ImportError as error:
                raise click.ClickException(missing_backend(error) or str(error)) from error
            except (ValueError, TypeError, OSError, RuntimeError, ArithmeticError) as error:
                if isinstance(error, click.exceptions.Exit | click.exceptions.Abort):
                    raise
                raise click.ClickException(str(error)) from error


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, UserWarning):
        click.echo(f"Warning: {message}", err=True)
