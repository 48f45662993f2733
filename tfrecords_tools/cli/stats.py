"""`stats`: frequencies, sizes, and the floors of the metrics."""

import pathlib

import click

from tfrecords_tools.cli.errors import Report, reporting
from tfrecords_tools.count_display import count_display

_LABEL_FILES = (".pickle", ".pkl")


@click.command(short_help="Frequencies, durations, sizes, and the floors of the metrics.")
@click.argument("dataset")
@click.option(
    "--train-split", default="train", show_default=True, help="The floors take their rates here."
)
@click.option(
    "--fold", type=click.IntRange(1, 3), default=1, show_default=True, help="Of a label file."
)
@click.option(
    "--lists",
    type=click.Path(exists=True, file_okay=False),
    help="Of a label file: the folder with the official lists.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of a label file: of the draws.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@reporting
def stats(
    dataset: str, train_split: str, fold: int, lists: str | None, seed: int, quiet: bool
) -> tuple[Report, int]:
    """\b
    Examples:
      stprivacy-tfrecords stats records/vp_ucf101
      stprivacy-tfrecords stats ucf101_privacy_attribute_label.pickle --fold 1
      stprivacy-tfrecords stats hmdb51_privacy_attribute_label.pickle \\
          --lists testTrainMulti_7030_splits

    Says of DATASET, or of a label file of VP-HMDB51 or VP-UCF101, how often each action and
    attribute occurs, and what is scored without seeing any pixel: top-1 of the most frequent
    action, cMAP of guessing, F1 of always saying "present", and cMAP of an attacker that sees the
    true action alone.
    """
    if pathlib.PurePath(dataset).suffix.lower() in _LABEL_FILES:
        from tfrecords_tools.label_file_stats import label_file_stats

        return label_file_stats(dataset, fold, lists, seed), 0
    from tfrecords_tools.stats import stats as run

    with count_display("stats", "records", quiet) as show:
        return run(dataset, train_split=train_split, on_progress=show), 0
