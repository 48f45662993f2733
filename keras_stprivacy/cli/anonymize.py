"""`stprivacy anonymize`."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("destination", type=click.Path(path_type=Path))
@click.option("--model", "-m", required=True, type=click.Path(path_type=Path), help=".keras file.")
@click.option(
    "--keep-ratio",
    "-k",
    type=float,
    help="Share of the tokens that each block keeps, in (0, 1]. Take one that the model was "
    "trained at: at others it may say more.  [default: the model's]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Clips that go through the model at once.",
)
@click.option("--audio", is_flag=True, help="Copy the sound. Voices identify people.")
@click.option("--overwrite", is_flag=True, help="Replace DESTINATION if it is there.")
@click.option(
    "--size",
    type=click.Choice(["source", "model"]),
    default="source",
    show_default=True,
    help="Enlarge to the source's size, or leave the model's.",
)
@click.option("--codec", help="FFmpeg encoder.  [default: libx264; in .webm libvpx-vp9]")
@click.option(
    "--crf",
    type=click.IntRange(0, 63),
    help="Quality of the encoder, if it has one; lower is better.  [default: 18]",
)
@click.option("--allow-truncated", is_flag=True, help="Take what is there of a damaged SOURCE.")
def anonymize(
    source: Path,
    destination: Path,
    model: Path,
    keep_ratio: float | None,
    batch_size: int,
    audio: bool,
    overwrite: bool,
    size: str,
    codec: str | None,
    crf: int | None,
    allow_truncated: bool,
) -> None:
    """Anonymize every frame of the video SOURCE into the new file DESTINATION.

    \b
    Examples:
      stprivacy anonymize in.mp4 out.mp4 --model anonymizer.keras
      stprivacy anonymize in.mp4 out.mp4 --model anonymizer.keras --keep-ratio 0.5
      stprivacy anonymize in.mkv out.mkv -m anonymizer.keras --audio --overwrite

    Frame rate, number and times of the frames stay. Sound, metadata and subtitles are left out.
    DESTINATION (.mp4, .m4v, .mov, .mkv, .webm) appears only when it is complete.
    """
    from keras_stprivacy import video

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} frames"),
        TimeRemainingColumn(),
    )
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("anonymizing", total=None)
        written = video.anonymize(
            source,
            destination,
            model,
            keep_ratio=keep_ratio,
            batch_size=batch_size,
            audio=audio,
            overwrite=overwrite,
            size=size,
            codec=codec,
            crf=crf,
            allow_truncated=allow_truncated,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    click.echo(
        f"{written.path}: {written.num_frames} frames, {float(written.frame_rate):.6g} fps, "
        f"{written.width}x{written.height}, keep ratio {written.keep_ratio:g}, "
        f"{'sound copied' if written.audio else 'no sound'}"
    )
