"""The command `stprivacy-tfrecords`, one sub-command a file."""

from tfrecords_tools.cli.main import main

__all__ = ["main"]
