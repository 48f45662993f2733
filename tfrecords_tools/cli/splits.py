"""`splits`: what splits share and must not share."""

import click

from tfrecords_tools.cli.errors import Report, reporting
from tfrecords_tools.cli.exit_codes import FAILED


@click.command(short_help="Looks for videos that several splits share.")
@click.argument("dataset")
@click.option("--group", help="Regular expression: what in an id names the video it was cut from.")
@reporting
def splits(dataset: str, group: str | None) -> tuple[Report, int]:
    """\b
    Examples:
      stprivacy-tfrecords splits records/ucf101
      stprivacy-tfrecords splits records/mine --group '^(.*)_part[0-9]+$'

    Looks in DATASET for the same id, the same content (SHA-256 of the video) and the same group
    (clips cut from one video) in two splits. Anything found is exit code 1.
    """
    from tfrecords_tools.splits import splits as run

    report = run(dataset, group)
    return report, FAILED if report.leaks else 0
