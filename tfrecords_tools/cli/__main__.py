"""`python -m tfrecords_tools.cli`."""

from tfrecords_tools.cli.main import main

main(prog_name="stprivacy-tfrecords")
