"""`convert`: one sub-command a dataset."""

from collections.abc import Callable
from typing import Any

import click

from tfrecords_tools.cli.conversion_options import conversion
from tfrecords_tools.source import SourceDataset

_FOLDER = click.Path(exists=True, file_okay=False)
_FILE = click.Path(exists=True, dir_okay=False)
_OUT = click.Path(file_okay=False)


@click.group()
def convert() -> None:
    """Converts a dataset. Run again, it goes on where it stopped."""


@convert.command()
@click.argument("source", type=_FOLDER)
@click.argument("out", type=_OUT)
@click.option(
    "--table",
    type=_FILE,
    help="CSV with the columns path, optionally label and split, and one per private attribute.",
)
@click.option(
    "--class-from",
    type=click.Choice(["auto", "folder", "stem", "none"]),
    default="auto",
    show_default=True,
    help="Where a video's class comes from.",
)
@click.option("--test-fraction", type=float, default=0.3, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the split.")
@click.option("--name", help="Name of the dataset; by default the folder's.")
@conversion
def folder(source: str, **arguments: Any) -> SourceDataset:
    """Converts a folder of videos: class sub-folders, or a table.

    \b
    Example:
      stprivacy-tfrecords convert folder my_videos records/mine --table labels.csv
    """
    from tfrecords_tools.datasets.folder import folder as adapter

    return adapter(source, **arguments)


def _official_splits(command: Callable) -> Callable:
    for option in (
        click.option("--lists", type=_FOLDER, help="Where the split lists are."),
        click.option("--videos", type=_FOLDER, help="Where the class folders are."),
        click.option("--privacy-labels", type=_FILE, help="The pickle of private attributes."),
        click.option(
            "--fold",
            "--split-index",
            type=click.IntRange(1, 3),
            default=1,
            show_default=True,
            help="Which official split.",
        ),
        click.argument("out", type=_OUT),
        click.argument("source", type=_FOLDER),
    ):
        command = option(command)
    return command


@convert.command()
@_official_splits
@conversion
def hmdb51(source: str, **arguments: Any) -> SourceDataset:
    """Converts HMDB51: videos/<class>/*.avi and testTrainMulti_7030_splits/ in SOURCE.

    \b
    Example:
      stprivacy-tfrecords convert hmdb51 /data/hmdb51 records/hmdb51 --fold 1 \\
          --privacy-labels hmdb51_privacy_attribute_label.pickle
    """
    from tfrecords_tools.datasets.hmdb51 import hmdb51 as adapter

    return adapter(source, **arguments)


@convert.command()
@_official_splits
@conversion
def ucf101(source: str, **arguments: Any) -> SourceDataset:
    """Converts UCF101: UCF-101/<class>/*.avi and ucfTrainTestlist/ in SOURCE.

    \b
    Example:
      stprivacy-tfrecords convert ucf101 /data/ucf101 records/ucf101 --fold 1 \\
          --privacy-labels ucf101_privacy_attribute_label.pickle
    """
    from tfrecords_tools.datasets.ucf101 import ucf101 as adapter

    return adapter(source, **arguments)


@convert.command("motion-digits")
@click.argument("out", type=_OUT)
@click.option("--num-train", type=click.IntRange(1), default=4000, show_default=True)
@click.option("--num-test", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--num-validation", type=click.IntRange(0), default=0, show_default=True)
@click.option("--num-frames", type=click.IntRange(2), default=8, show_default=True)
@click.option("--image-size", type=click.IntRange(16), default=32, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@conversion
def motion_digits(**arguments: Any) -> SourceDataset:
    """Writes the embedded dataset of moving digits.

    \b
    Example:
      stprivacy-tfrecords convert motion-digits records/digits --num-train 2000
    """
    from tfrecords_tools.datasets.motion_digits import motion_digits_source

    return motion_digits_source(**arguments)
