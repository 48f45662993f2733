"""`inspect`: records as a table, frames as a picture."""

import click

from tfrecords_tools.cli.errors import Report, reporting


@click.command(short_help="Shows records as a table, and frames as a contact sheet.")
@click.argument("dataset")
@click.option("--split", help="Only this split.")
@click.option("--match", default="", help="Only records whose id holds this text.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most.")
@click.option(
    "--frames", type=click.IntRange(1), help="Write a contact sheet with so many frames a record."
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False),
    help="Where to; by default contact_sheet.png.",
)
@reporting
def inspect(
    dataset: str, split: str | None, match: str, limit: int, frames: int | None, sheet: str | None
) -> tuple[Report, int]:
    """\b
    Examples:
      stprivacy-tfrecords inspect records/ucf101 --split test --limit 5
      stprivacy-tfrecords inspect records/ucf101 --match Archery --frames 8 --sheet archery.png

    Shows records of DATASET: where they are, ids, labels, frames, seconds, sizes.
    """
    from tfrecords_tools.inspect import inspect as run

    if sheet is not None and frames is None:
        raise click.UsageError("--sheet needs --frames: how many frames of each record.")
    report = run(dataset, split=split, match=match, limit=limit, frames=frames or 0, sheet=sheet)
    return report, 0
