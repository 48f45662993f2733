"""The options that all conversions share, and how a conversion ends."""

import functools
from collections.abc import Callable
from typing import Any

import click

from tfrecords_tools.cli.exit_codes import FAILED, INTERRUPTED, QUARANTINED
from tfrecords_tools.convert import convert as run_conversion
from tfrecords_tools.progress import progress_display
from tfrecords_tools.settings import settings_from
from tfrecords_tools.source import SourceDataset


def conversion(command: Callable[..., SourceDataset]) -> Callable[..., None]:
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
