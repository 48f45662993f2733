"""`convert`: one sub-command a dataset, made from what its adapter says of itself."""

from collections.abc import Callable
from typing import Any

import click

from tfrecords_tools.cli.conversion_options import conversion
from tfrecords_tools.datasets import adapters
from tfrecords_tools.datasets.adapter import Adapter, Option
from tfrecords_tools.source import SourceDataset

_PATHS = {
    "file": click.Path(exists=True, dir_okay=False),
    "folder": click.Path(exists=True, file_okay=False),
}


@click.group(short_help="Converts a dataset; run again, it goes on where it stopped.")
def convert() -> None:
    """\b
    Examples:
      stprivacy-tfrecords convert folder my_videos records/mine
      stprivacy-tfrecords convert ucf101 /data/ucf101 records/ucf101 --fold 1
      stprivacy-tfrecords datasets ucf101      # which files it needs, and where

    Converts a dataset. Run again, it goes on where it stopped.
    """


def _option_type(option: Option) -> Any:
    if option.kind in _PATHS:
        return _PATHS[option.kind]
    if option.kind == "integer":
        return click.IntRange(option.minimum, option.maximum)
    if option.choices:
        return click.Choice(option.choices)
    return float if option.kind == "number" else str


def _click_option(option: Option) -> Callable:
    names = (f"--{option.name.replace('_', '-')}", *option.other_names, option.name)
    if option.kind == "flag":
        return click.option(*names, is_flag=True, help=option.help)
    return click.option(
        *names,
        type=_option_type(option),
        default=option.default,
        show_default=option.default is not None,
        help=option.help,
    )


def _command(adapter: Adapter) -> click.Command:
    def load(**arguments: Any) -> SourceDataset:
        return adapter.load(**arguments)

    layout = "\n".join(f"  {line}" for line in adapter.layout.splitlines())
    load.__doc__ = (
        f"\b\nExample:\n  stprivacy-tfrecords convert {adapter.example}\n\n"
        f"{adapter.summary}\n\n\b\nFiles:\n{layout}"
    )
    command: Callable = conversion(load)
    for option in reversed(adapter.options):
        command = _click_option(option)(command)
    command = click.argument("out", type=click.Path(file_okay=False))(command)
    if adapter.source is not None:
        command = click.argument("source", type=_PATHS[adapter.source])(command)
    return click.command(adapter.name, short_help=adapter.summary)(command)


for _adapter in adapters().values():
    convert.add_command(_command(_adapter))
