"""What VP-HMDB51 and VP-UCF101 share: official splits, and labels of every video."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import Option
from tfrecords_tools.datasets.lists import LISTED_OPTIONS
from tfrecords_tools.source import SourceDataset, SourceEntry


def vp_options(file_name: str) -> tuple[Option, ...]:
    """The options of the underlying dataset; the label file is looked for in SOURCE."""
    help_text = f"The pickle of private attributes, if it is not SOURCE/{file_name}."
    return tuple(
        dataclasses.replace(option, help=help_text) if option.name == "privacy_labels" else option
        for option in LISTED_OPTIONS
    )


def find_labels(
    source: str | os.PathLike, given: str | os.PathLike | None, file_name: str
) -> pathlib.Path:
    """The label file: the given one, or the one of its published name in the source.

    Raises:
        LabelFileError: if there is none.
    """
    path = pathlib.Path(source) / file_name if given is None else pathlib.Path(given)
    if not path.is_file():
        raise LabelFileError(
            f"The private attributes are needed: there is no {path}. Put {file_name} there, or "
            "name the file with --privacy-labels (privacy_labels=)."
        )
    return path


def only_labelled(dataset: SourceDataset, name: str) -> SourceDataset:
    """The dataset without the videos that have no private attributes, under another name."""
    entries = list(dataset)
    labelled = [entry for entry in entries if entry.attributes is not None]
    notes = list(dataset.notes)
    if len(labelled) < len(entries):
        notes.append(f"{len(entries) - len(labelled)} videos without privacy labels were left out")

    def make_entries() -> Iterator[SourceEntry]:
        return iter(labelled)

    return dataclasses.replace(
        dataset,
        name=name.replace("-", "_"),
        make_entries=make_entries,
        notes=tuple(notes),
        origin={**dataset.origin, "adapter": name},
    )
