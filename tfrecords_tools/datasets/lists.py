"""What the adapters of datasets with published split lists share."""

import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.privacy_labels import PRIVACY_ATTRIBUTES, PrivacyLabels
from tfrecords_tools.source import SourceDataset, SourceEntry

FOLDS = (1, 2, 3)


def check_fold(fold: int) -> None:
    """Raises ValueError where there is no such official split."""
    if fold not in FOLDS:
        raise ValueError(f"fold must be one of {FOLDS}, the official splits. Received: {fold!r}")


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a list that are not empty, without white space at the ends, whatever ends them.

    Raises:
        LabelFileError: if the file cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LabelFileError(f"The list {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LabelFileError(f"The list {path} is not text: {error}") from error
    return [line for line in map(str.strip, text.splitlines()) if line]


def find_folder(
    source: pathlib.Path, given: str | os.PathLike | None, names: Sequence[str], what: str
) -> pathlib.Path:
    """The given folder, or the first one of the names inside the source.

    Raises:
        LabelFileError: if there is none.
    """
    if given is not None:
        if not pathlib.Path(given).is_dir():
            raise LabelFileError(f"The folder with {what} is not there: {os.fspath(given)}")
        return pathlib.Path(given)
    for name in names:
        if (source / name).is_dir():
            return source / name
    raise LabelFileError(
        f"No folder with {what} in {source}: looked for {', '.join(map(repr, names))}. "
        "Name it explicitly if it is elsewhere."
    )


def listed_dataset(
    name: str,
    class_names: Sequence[str],
    videos: pathlib.Path,
    listed: Iterable[tuple[str, str, int]],
    privacy_labels: str | os.PathLike | None,
    origin: dict[str, Any],
) -> SourceDataset:
    """A dataset whose lists name every video.

    Args:
        name: of the dataset.
        class_names: the actions.
        videos: the folder with one folder per class.
        listed: for every video in the lists: path relative to `videos`, split, class index.
        privacy_labels: the file with the private attributes, or None.
        origin: for `dataset.json`.

    Returns:
        A `SourceDataset` of the videos that are there.
    """
    labels = None if privacy_labels is None else PrivacyLabels(privacy_labels)
    listed = sorted(listed)
    there = {
        folder: _files_of(videos / folder)
        for folder in {path.split("/")[0] for path, _, _ in listed}
    }
    present, missing, unlabelled, matched = [], [], 0, set()
    for path, split, action in listed:
        folder, _, file = path.partition("/")
        entry_id = str(pathlib.PurePosixPath(path).with_suffix(""))
        if file not in there[folder]:
            missing.append(entry_id)
            continue
        attributes = None if labels is None else labels.find(path)
        if labels is not None and attributes is None:
            unlabelled += 1
        matched.add(path)
        present.append(
            SourceEntry(entry_id, split, action, attributes, pathlib.PurePosixPath(path))
        )

    notes = []
    if missing:
        by_class: dict[str, int] = {}
        for entry_id in missing:
            folder = entry_id.split("/")[0]
            by_class[folder] = by_class.get(folder, 0) + 1
        worst = sorted(by_class.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{folder} {count}" for folder, count in worst[:5])
        more = f" and {len(worst) - 5} more classes" if len(worst) > 5 else ""
        notes.append(
            f"{len(missing)} of {len(listed)} listed videos are not in {videos.name}: {shown}{more}"
        )
    unlisted = sum(
        1 for folder, files in there.items() for file in files if f"{folder}/{file}" not in matched
    )
    if unlisted:
        notes.append(f"{unlisted} files beside them are in neither split")
    if unlabelled:
        notes.append(f"{unlabelled} videos have no privacy labels")
    if labels is not None:
        notes.append(
            f"{len(present) - unlabelled} of {len(labels)} privacy labels belong to a video"
        )

    def entries() -> Iterator[SourceEntry]:
        return iter(present)

    return SourceDataset(
        name=name,
        class_names=tuple(class_names),
        attribute_names=() if labels is None else PRIVACY_ATTRIBUTES,
        root=videos,
        make_entries=entries,
        origin=origin,
        missing=tuple(missing),
        notes=tuple(notes),
    )


def _files_of(folder: pathlib.Path) -> frozenset[str]:
    if not folder.is_dir():
        return frozenset()
    return frozenset(entry.name for entry in os.scandir(folder) if entry.is_file())
