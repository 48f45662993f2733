"""`stprivacy export`."""

import json
from pathlib import Path
from typing import Any, TextIO

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--model-version",
    "version",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Servers take the highest.",
)
@click.option(
    "--keep-ratio",
    "-k",
    type=float,
    help="Fixed share of the tokens that each block keeps, in (0, 1].  [default: the model's]",
)
@click.option(
    "--card",
    type=click.File(encoding="utf-8"),
    help="JSON file with further entries of the model card: metrics, floors, training data.",
)
@click.option("--overwrite", is_flag=True, help="Replace this version if it is there.")
def export(
    model: Path,
    directory: Path,
    version: int,
    keep_ratio: float | None,
    card: TextIO | None,
    overwrite: bool,
) -> None:
    """Write the .keras file MODEL as a SavedModel to DIRECTORY/VERSION.

    \b
    Examples:
      stprivacy export anonymizer.keras serving/stprivacy
      stprivacy export anonymizer.keras serving/stprivacy --model-version 2 --keep-ratio 0.5

    The model may come from any backend; TensorFlow has to be installed. The SavedModel needs
    neither this package nor Keras, and a model_card.json stands in it.
    """
    from keras_stprivacy import export as exporting

    entries = None if card is None else _entries(card)
    click.echo(
        exporting.saved_model(
            model,
            directory,
            version=version,
            keep_ratio=keep_ratio,
            overwrite=overwrite,
            card=entries,
        )
    )


def _entries(card: TextIO) -> dict[str, Any]:
    try:
        entries = json.load(card)
    except ValueError as error:
        raise click.UsageError(f"--card: {card.name} is not readable JSON: {error}") from error
    if not isinstance(entries, dict):
        raise click.UsageError(
            f'--card: {card.name} must hold an object, {{"metrics": ...}}. Received: '
            f"{type(entries).__name__}"
        )
    return entries
