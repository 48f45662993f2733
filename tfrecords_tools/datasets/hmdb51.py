"""HMDB51, with its official splits and the privacy labels of VP-HMDB51."""

import dataclasses
import os
import pathlib
import re

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import Adapter
from tfrecords_tools.datasets.lists import (
    LISTED_OPTIONS,
    check_fold,
    find_folder,
    is_name,
    listed_dataset,
    numbered_lines,
)
from tfrecords_tools.source import SourceDataset

_LIST = re.compile(r"(?P<action>.+)_test_split(?P<fold>[123])\.txt")
_SPLITS = {"0": None, "1": "train", "2": "test"}


def hmdb51(
    source: str | os.PathLike,
    fold: int = 1,
    privacy_labels: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
    lists: str | os.PathLike | None = None,
) -> SourceDataset:
    """HMDB51: 51 actions, three official splits of 70 training and 30 test videos per class.

    Args:
        source: the folder that holds videos and lists.
        fold: 1, 2 or 3: which official split.
        privacy_labels: VP-HMDB51's pickle of private attributes, or None for none.
        videos: the folder with one folder per class; by default `videos`, `hmdb51_org` or `hmdb51`
            in `source`.
        lists: the folder with `<class>_test_split<fold>.txt`; by default
            `testTrainMulti_7030_splits` in `source`.

    Returns:
        A `SourceDataset` named "hmdb51", with the classes that have a list.

    Raises:
        LabelFileError: if a folder, list or label file is missing or not what it should be.
        ValueError: if there is no such fold.
    """
    check_fold(fold)
    source = pathlib.Path(source)
    lists_folder = find_folder(source, lists, ["testTrainMulti_7030_splits"], "the split lists")
    videos_folder = find_folder(source, videos, ["videos", "hmdb51_org", "hmdb51"], "the videos")
    class_names, listed = listed_videos(lists_folder, fold)
    origin = {"adapter": "hmdb51", "fold": fold}
    dataset = listed_dataset(
        "hmdb51", class_names, videos_folder, listed, privacy_labels, origin, film_of
    )
    classes = {path.name for path in videos_folder.iterdir() if path.is_dir()}
    classes |= {match["action"] for match in _list_names(lists_folder)}
    unlisted = {name for name in classes - set(class_names) if not name.startswith(".")}
    if not unlisted:
        return dataset
    shown = ", ".join(sorted(unlisted)[:5]) + ", ..." * (len(unlisted) > 5)
    note = f"{len(unlisted)} classes have no list of split {fold} and were left out: {shown}"
    return dataclasses.replace(dataset, notes=(*dataset.notes, note))


def listed_videos(lists: pathlib.Path, fold: int) -> tuple[list[str], list[tuple[str, str, int]]]:
    """Reads the lists of a split.

    Returns:
        The classes, and for every video of the split `<class>/<file>`, "train" or "test", and the
        index of its class.

    Raises:
        LabelFileError: if there is no list, or a line is not what it should be.
    """
    files = {m["action"]: m[0] for m in _list_names(lists) if int(m["fold"]) == fold}
    if not files:
        raise LabelFileError(f"No list named <class>_test_split{fold}.txt in {lists}.")
    class_names = sorted(files)
    listed = []
    for action, name in enumerate(class_names):
        path = lists / files[name]
        for number, line in numbered_lines(path):
            file, _, code = line.rpartition(" ")
            if code not in _SPLITS or not is_name(file.strip()):
                raise LabelFileError(
                    f"{path}, line {number}: needed is '<file> <0, 1 or 2>'. "
                    f"Received: {line[:120]!r}"
                )
            split = _SPLITS[code]
            if split is not None:
                listed.append((f"{name}/{file.strip()}", split, action))
    return class_names, listed


def _list_names(lists: pathlib.Path) -> list[re.Match[str]]:
    matches = (_LIST.fullmatch(path.name) for path in sorted(lists.iterdir()))
    return [match for match in matches if match]


def film_of(entry_id: str) -> str | None:
    """The film or web video that a clip was cut from: what its name says before the class.

    Example:

    >>> film_of("wave/TrumanShow_wave_f_nm_np1_fr_med_26")
    'TrumanShow'
    """
    action, _, stem = entry_id.partition("/")
    film, found, _ = stem.partition(f"_{action}_")
    return film if found and film else None


def group_of(entry_id: str) -> str | None:
    """The class, and the film or web video that a clip was cut from: what its name says before it.

    Official splits keep clips of a film apart class by class.

    Example:

    >>> group_of("wave/TrumanShow_wave_f_nm_np1_fr_med_26")
    'wave/TrumanShow'
    """
    film = film_of(entry_id)
    return None if film is None else f"{entry_id.partition('/')[0]}/{film}"


ADAPTER = Adapter(
    name="hmdb51",
    load=hmdb51,
    summary="HMDB51: 51 actions, 6766 videos, three official splits of 70 and 30 per class.",
    layout="""\
SOURCE/videos/<class>/<clip>.avi  (or hmdb51_org/, hmdb51/)
SOURCE/testTrainMulti_7030_splits/<class>_test_split<1, 2 or 3>.txt
--privacy-labels FILE             VP-HMDB51's hmdb51_privacy_attribute_label.pickle (optional)""",
    example="hmdb51 /data/hmdb51 records/hmdb51 --fold 1",
    options=LISTED_OPTIONS,
    group_of=group_of,
)
