"""`verify`: whether a converted dataset is whole."""

import click

from tfrecords_tools.cli.errors import Report, reporting
from tfrecords_tools.cli.exit_codes import FAILED
from tfrecords_tools.count_display import count_display


@click.command(short_help="Checks files, hashes, counts and labels; decodes every frame.")
@click.argument("dataset")
@click.option("--workers", type=click.IntRange(1), help="Threads that decode.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@reporting
def verify(dataset: str, workers: int | None, quiet: bool) -> tuple[Report, int]:
    """\b
    Examples:
      stprivacy-tfrecords verify records/ucf101
      stprivacy-tfrecords verify records/ucf101 --json > faults.json

    Compares DATASET with its dataset.json: files, sizes, hashes, counts, labels; decodes every
    frame of every record. Each fault names shard and record; any fault is exit code 1.
    """
    from tfrecords_tools.verify import verify as run

    with count_display("verify", "shards", quiet) as show:
        report = run(dataset, workers=workers, on_progress=show)
    return report, FAILED if report.faults else 0
