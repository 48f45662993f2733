"""What the adapters of datasets with published split lists share."""

import collections
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import VIDEOS, Option
from tfrecords_tools.datasets.privacy_labels import PRIVACY_ATTRIBUTES, PrivacyLabels
from tfrecords_tools.datasets.video_files import files_of
from tfrecords_tools.source import SourceDataset, SourceEntry

FOLDS = (1, 2, 3)
LISTED_OPTIONS = (
    Option(
        "fold",
        "Which official split.",
        "integer",
        1,
        minimum=1,
        maximum=3,
        other_names=("--split-index",),
    ),
    Option("privacy_labels", "The pickle of private attributes.", "file"),
    VIDEOS,
    Option("lists", "Where the split lists are, if not in SOURCE.", "folder"),
)
_LINE_END = re.compile(r"\r\n|\n|\r")  # a name may hold what Unicode also calls a line's end
_ENDING = re.compile(r"(?<=[^/])\.[^./]*$")


def check_fold(fold: int) -> None:
    """Raises ValueError where there is no such official split."""
    if fold not in FOLDS:
        raise ValueError(f"fold must be one of {FOLDS}, the official splits. Received: {fold!r}")


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a list that are not empty, without white space at the ends, whatever ends them.

    Raises:
        LabelFileError: if the file cannot be read as text.
    """
    return [line for _, line in numbered_lines(path)]


def numbered_lines(path: pathlib.Path) -> list[tuple[int, str]]:
    """As `read_lines`, each line with its number in the file, from 1."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabelFileError(f"The list {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LabelFileError(f"The list {path} is not text: {error}") from error
    lines = ((i, line.strip(" \t")) for i, line in enumerate(_LINE_END.split(text), 1))
    return [(i, line) for i, line in lines if line]


def is_name(text: str) -> bool:
    """Whether the text can be the name of a file or folder: no path, no way up."""
    return bool(text) and text not in (".", "..") and not {"/", "\0"} & set(text)


def without_ending(path: str) -> str:
    """A path without the ending of its file.

    Example:

    >>> without_ending("wave/a.b!(c).avi")
    'wave/a.b!(c)'
    """
    return _ENDING.sub("", path)


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
    source_video_of: Callable[[str], str | None],
) -> SourceDataset:
    """A dataset whose lists name every video.

    Args:
        name: of the dataset.
        class_names: the actions.
        videos: the folder with one folder per class.
        listed: for every video in the lists: path relative to `videos`, split, class index.
        privacy_labels: the file with the private attributes, or None.
        origin: for `dataset.json`.
        source_video_of: id → what the video was cut from, where the id says it.

    Returns:
        A `SourceDataset` of the videos that are there.

    Raises:
        LabelFileError: if the lists put a video into two splits, or the label file is none.
    """
    labels = None if privacy_labels is None else PrivacyLabels(privacy_labels)
    all_listed = list(listed)
    unique = _unique(all_listed)
    there, unreadable = {}, []
    for folder in sorted({path.split("/")[0] for path, _, _ in unique}):
        there[folder], trouble = files_of(videos / folder)
        unreadable += [trouble] if trouble else []
    present, missing, unlabelled, matched = [], [], 0, set()
    for path, split, action in unique:
        folder, _, file = path.partition("/")
        entry_id = without_ending(path)
        if file not in there[folder]:
            missing.append(entry_id)
            continue
        attributes = None if labels is None else labels.find(path)
        if labels is not None and attributes is None:
            unlabelled += 1
        matched.add(path)
        present.append(
            SourceEntry(
                entry_id,
                split,
                action,
                attributes,
                pathlib.PurePosixPath(path),
                source_video=source_video_of(entry_id),
            )
        )

    notes = []
    if missing:
        notes.append(f"{len(missing)} of {len(unique)} listed videos are not in {videos.name}: ")
        notes[-1] += _most_frequent(entry_id.split("/")[0] for entry_id in missing)
    if unreadable:
        notes.append(f"{len(unreadable)} folders cannot be read: {unreadable[0]}, ...")
    if len(unique) < len(all_listed):
        notes.append(f"{len(all_listed) - len(unique)} lines of the lists say what others say")
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


def _unique(listed: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Sorted, each video once.

    Raises:
        LabelFileError: if a video is in two splits, or two videos differ in their endings alone.
    """
    seen: dict[str, tuple[str, str, int]] = {}
    for item in sorted(set(listed)):
        other = seen.setdefault(without_ending(item[0]), item)
        if other != item:
            raise LabelFileError(
                f"The lists say two things of {without_ending(item[0])!r}: {other[0]!r} is in "
                f"{other[1]!r}, {item[0]!r} in {item[1]!r}."
            )
    return list(seen.values())


def _most_frequent(names: Iterable[str]) -> str:
    ranked = sorted(collections.Counter(names).items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{name} {count}" for name, count in ranked[:5])
    return shown + (f" and {len(ranked) - 5} more classes" if len(ranked) > 5 else "")
