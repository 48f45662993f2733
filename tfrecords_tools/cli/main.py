"""The command `stprivacy-tfrecords`.

Exit codes: 0 done; 1 failed, or faults were found; 2 wrong usage; 3 done, but some videos were
quarantined; 130 interrupted.
"""

import click

from keras_stprivacy.version import __version__
from tfrecords_tools.cli.convert import convert
from tfrecords_tools.cli.datasets import datasets
from tfrecords_tools.cli.inspect import inspect
from tfrecords_tools.cli.splits import splits
from tfrecords_tools.cli.stats import stats
from tfrecords_tools.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stprivacy-tfrecords")
def main() -> None:
    """\b
    Examples:
      stprivacy-tfrecords convert folder my_videos records/mine
      stprivacy-tfrecords convert ucf101 /data/ucf101 records/ucf101 --fold 1
      stprivacy-tfrecords verify records/ucf101
      stprivacy-tfrecords inspect records/ucf101 --frames 8
      stprivacy-tfrecords datasets

    Turns video datasets into TFRecords, and looks into them.

    \b
    Exit codes: 0 done; 1 failed, or faults were found; 2 wrong usage; 3 done, but
    some videos were quarantined; 130 interrupted.
    """


for command in (convert, datasets, inspect, splits, stats, verify):
    main.add_command(command)
