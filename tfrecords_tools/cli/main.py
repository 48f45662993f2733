"""The command `stprivacy-tfrecords`.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some videos were quarantined; 130
interrupted.
"""

import click

from keras_stprivacy.version import __version__
from tfrecords_tools.cli.convert import convert


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


for command in (convert,):
    main.add_command(command)
