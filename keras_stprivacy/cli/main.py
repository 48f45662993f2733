"""The `stprivacy` command and its sub-commands, one a file."""

import click

from keras_stprivacy.cli.anonymize import anonymize
from keras_stprivacy.cli.benchmark import benchmark
from keras_stprivacy.cli.errors import CommandGroup
from keras_stprivacy.cli.export import export
from keras_stprivacy.version import __version__


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stprivacy")
def main() -> None:
    """Hide who is in a video, keep what they do.

    \b
    Examples:
      stprivacy anonymize in.mp4 out.mp4 --model anonymizer.keras
      stprivacy export anonymizer.keras serving/stprivacy
      stprivacy benchmark known --out results/quick --quick

    The environment variable KERAS_BACKEND chooses tensorflow, jax or torch.
    """


for command in (anonymize, benchmark, export):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="stprivacy")
