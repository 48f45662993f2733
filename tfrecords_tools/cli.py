"""The command `stprivacy-tfrecords`.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some videos were quarantined; 130
interrupted.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from keras_stprivacy.version import __version__
from tfrecords_tools.convert import convert as run_conversion
from tfrecords_tools.progress import progress_display
from tfrecords_tools.settings import settings_from
from tfrecords_tools.source import SourceDataset

FAILED = 1
QUARANTINED = 3
INTERRUPTED = 130

_FOLDER = click.Path(exists=True, file_okay=False)
_FILE = click.Path(exists=True, dir_okay=False)
_OUT = click.Path(file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Turns video datasets into TFRecords.

    \b
    Examples:
      stprivacy-tfrecords convert folder my_videos records/mine
      stprivacy-tfrecords convert ucf101 /data/ucf101 records/ucf101 --fold 1
      stprivacy-tfrecords convert motion-digits records/digits

    \b
    Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some videos were
    quarantined; 130 interrupted.
    """


@main.group()
def convert() -> None:
    """Converts a dataset. Run again, it goes on where it stopped."""


def _conversion(command: Callable[..., SourceDataset]) -> Callable[..., None]:
    """Adds the options of all conversions to a function that returns what to convert."""

    @click.option("--short-side", type=click.IntRange(1), help="Shrink frames to this short side.")
    @click.option("--full-size", is_flag=True, help="Keep the size of the frames.")
    @click.option("--quality", type=click.IntRange(1, 100), help="JPEG quality.")
    @click.option("--videos-per-shard", type=click.IntRange(1), help="Videos in a file, at most.")
    @click.option("--seconds-per-video", type=float, help="Time limit for decoding a video.")
    @click.option("--workers", type=click.IntRange(1), help="Decoding processes.")
    @click.option("--overwrite", is_flag=True, help="Make all files anew.")
    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.option("--quiet", is_flag=True, help="Show no progress.")
    @click.pass_context
    @functools.wraps(command)
    def run(
        context: click.Context,
        out: str,
        short_side: int | None,
        full_size: bool,
        quality: int | None,
        videos_per_shard: int | None,
        seconds_per_video: float | None,
        workers: int | None,
        overwrite: bool,
        as_json: bool,
        quiet: bool,
        **arguments: Any,
    ) -> None:
        if full_size and short_side is not None:
            raise click.UsageError("--full-size and --short-side exclude each other.")
        try:
            dataset = command(**arguments)
            settings = settings_from(
                dataset.settings,
                short_side=short_side,
                full_size=full_size,
                jpeg_quality=quality,
                videos_per_shard=videos_per_shard,
                seconds_per_video=seconds_per_video,
            )
            with progress_display(dataset.name, quiet) as on_progress:
                report = run_conversion(
                    dataset,
                    out,
                    settings,
                    workers=workers,
                    overwrite=overwrite,
                    on_progress=on_progress,
                )
        except (ValueError, OSError, RuntimeError) as error:
            click.echo(f"Error: {error}", err=True)
            context.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("Interrupted. Run again to go on: finished files are kept.", err=True)
            context.exit(INTERRUPTED)
        click.echo(report.to_json() if as_json else str(report))
        if not report.records:
            click.echo("Error: not one video could be converted.", err=True)
            context.exit(FAILED)
        if report.info.quarantined:
            context.exit(QUARANTINED)

    return run


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
@_conversion
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
@_conversion
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
@_conversion
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
@_conversion
def motion_digits(**arguments: Any) -> SourceDataset:
    """Writes the embedded dataset of moving digits.

    \b
    Example:
      stprivacy-tfrecords convert motion-digits records/digits --num-train 2000
    """
    from tfrecords_tools.datasets.motion_digits import motion_digits_source

    return motion_digits_source(**arguments)


if __name__ == "__main__":
    sys.exit(main())
