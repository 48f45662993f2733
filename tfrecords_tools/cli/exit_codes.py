"""How `stprivacy-tfrecords` ends; 0 is done and 2, click's own, wrong usage."""

import os
import sys
from typing import NoReturn

import click

FAILED = 1
QUARANTINED = 3  # done, but some videos were left out
INTERRUPTED = 130


def end(context: click.Context, code: int) -> NoReturn:
    """Ends the program with this exit code. Nothing that must still be closed may be open."""
    if "tensorflow_io" in sys.modules:
        # Its S3 client aborts the process while the interpreter shuts down, after all is done.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    context.exit(code)
