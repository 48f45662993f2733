"""The options that all conversions share, and how a conversion ends."""

import functools
import shlex
from collections.abc import Callable
from typing import Any

import click

from tfrecords_tools.cli.errors import say
from tfrecords_tools.cli.exit_codes import FAILED, INTERRUPTED, QUARANTINED, end
from tfrecords_tools.convert import convert as run_conversion
from tfrecords_tools.dry_run import ConversionPlan
from tfrecords_tools.dry_run import dry_run as plan_conversion
from tfrecords_tools.progress import progress_display
from tfrecords_tools.report import ConversionReport
from tfrecords_tools.runners import Runner
from tfrecords_tools.settings import ConversionSettings, settings_from
from tfrecords_tools.source import SourceDataset

_OPTIONS = (
    click.option("--short-side", type=click.IntRange(1), help="Shrink frames to this short side."),
    click.option("--full-size", is_flag=True, help="Keep the size of the frames."),
    click.option("--quality", type=click.IntRange(1, 100), help="JPEG quality."),
    click.option(
        "--fps",
        type=click.FloatRange(0, min_open=True),
        help="Store this many frames a second; by default all frames, at their own times.",
    ),
    click.option("--videos-per-shard", type=click.IntRange(1), help="Videos in a file, at most."),
    click.option(
        "--shard-bytes",
        type=click.IntRange(1),
        help="Instead: fill each file until its videos are this many bytes in the source.",
    ),
    click.option(
        "--boxes",
        type=click.Choice(["none", "detector"]),
        default="none",
        show_default=True,
        help="Find the persons in every frame and store their boxes.",
    ),
    click.option(
        "--detector-weights",
        type=click.Path(exists=True, file_okay=False),
        help="Folder with the preset of a KerasHub or KerasCV detector.",
    ),
    click.option(
        "--person-class",
        type=click.IntRange(0),
        help="Index of persons among the detector's classes, where they are not those of COCO.",
    ),
    click.option(
        "--seconds-per-video",
        type=click.FloatRange(0, min_open=True),
        help="Time limit for decoding a video.",
    ),
    click.option(
        "--max-errors",
        type=click.IntRange(0),
        help="Fail when more than this many videos are quarantined. Finished files are kept.",
    ),
    click.option("--workers", type=click.IntRange(1), help="Decoding processes."),
    click.option(
        "--runner",
        default="local",
        show_default=True,
        help="local, direct (Apache Beam on this machine), or a Beam runner's name.",
    ),
    click.option("--beam-args", help="Options for Beam, in one string."),
    click.option(
        "--resume/--overwrite",
        default=True,
        show_default=True,
        help="Keep finished files of an earlier run, or make all anew.",
    ),
    click.option("--dry-run", is_flag=True, help="Say what would be made, and write nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    click.option("--quiet", is_flag=True, help="Show no progress."),
)


def conversion(command: Callable[..., SourceDataset]) -> Callable[..., None]:
    """Adds the options of all conversions to a function that returns what to convert."""

    @click.pass_context
    @functools.wraps(command)
    def run(
        context: click.Context,
        out: str,
        short_side: int | None,
        full_size: bool,
        quality: int | None,
        fps: float | None,
        videos_per_shard: int | None,
        shard_bytes: int | None,
        boxes: str,
        detector_weights: str | None,
        person_class: int | None,
        seconds_per_video: float | None,
        max_errors: int | None,
        workers: int | None,
        runner: str,
        beam_args: str | None,
        resume: bool,
        dry_run: bool,
        as_json: bool,
        quiet: bool,
        **arguments: Any,
    ) -> None:
        if full_size and short_side is not None:
            raise click.UsageError("--full-size and --short-side exclude each other.")
        if videos_per_shard is not None and shard_bytes is not None:
            raise click.UsageError("--videos-per-shard and --shard-bytes exclude each other.")
        if (boxes == "detector") != (detector_weights is not None):
            raise click.UsageError("--boxes detector and --detector-weights FOLDER go together.")
        if person_class is not None and detector_weights is None:
            raise click.UsageError("--person-class needs --boxes detector.")
        chosen_runner = _runner(runner, beam_args, workers)
        result: ConversionPlan | ConversionReport
        try:
            dataset = command(**arguments)
            settings = settings_from(
                dataset.settings,
                short_side=short_side,
                full_size=full_size,
                jpeg_quality=quality,
                fps=fps,
                videos_per_shard=videos_per_shard,
                shard_bytes=shard_bytes,
                detector=detector_weights,
                person_class=person_class,
                seconds_per_video=seconds_per_video,
            )
            if dry_run:
                result = plan_conversion(dataset, out, settings, overwrite=not resume)
            else:
                result = _convert(
                    dataset, out, settings, quiet, workers, not resume, max_errors, chosen_runner
                )
        except (ValueError, OSError, RuntimeError, ImportError) as error:
            say(f"Error: {error}", err=True)
            end(context, FAILED)
        except KeyboardInterrupt:
            click.echo("Interrupted. Run again to go on: finished files are kept.", err=True)
            end(context, INTERRUPTED)
        say(result.to_json() if as_json else result)
        if isinstance(result, ConversionPlan):
            end(context, 0)
        if not result.records:
            click.echo("Error: not one video could be converted.", err=True)
            end(context, FAILED)
        end(context, QUARANTINED if result.info.quarantined else 0)

    # click takes what stands nearest to the function last.
    return functools.reduce(lambda function, option: option(function), reversed(_OPTIONS), run)


def _convert(
    dataset: SourceDataset,
    out: str,
    settings: ConversionSettings,
    quiet: bool,
    workers: int | None,
    overwrite: bool,
    max_errors: int | None,
    runner: Callable[[], Runner | None],
) -> ConversionReport:
    with progress_display(dataset.name, quiet) as on_progress:
        return run_conversion(
            dataset,
            out,
            settings,
            workers=workers,
            overwrite=overwrite,
            max_errors=max_errors,
            runner=runner(),
            on_progress=on_progress,
        )


def _runner(name: str, beam_args: str | None, workers: int | None) -> Callable[[], Runner | None]:
    """A function that makes the runner; Beam is loaded when it is called."""
    if name == "local":
        if beam_args is not None:
            raise click.UsageError("--beam-args needs a --runner other than local.")
        return lambda: None
    if workers is not None:
        raise click.UsageError(
            "--workers is for the local runner; tell Beam its own way, such as "
            "--beam-args '--direct_num_workers=2 --direct_running_mode=multi_processing'."
        )
    try:
        args = tuple(shlex.split(beam_args or ""))
    except ValueError as error:
        raise click.UsageError(f"--beam-args cannot be split: {error}.") from error

    def make() -> Runner:
        from tfrecords_tools.beam import BeamRunner

        return BeamRunner(name, args)

    return make
