"""HMDB51, with its official splits and the privacy labels of VP-HMDB51."""

import os
import pathlib
import re

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.lists import check_fold, find_folder, listed_dataset, read_lines
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
    list_files = {}
    for path in sorted(lists_folder.iterdir()):
        match = _LIST.fullmatch(path.name)
        if match and int(match["fold"]) == fold:
            list_files[match["action"]] = path
    if not list_files:
        raise LabelFileError(f"No list named <class>_test_split{fold}.txt in {lists_folder}.")
    class_names = sorted(list_files)

    listed = []
    for action, name in enumerate(class_names):
        for number, line in enumerate(read_lines(list_files[name]), 1):
            file, _, code = line.rpartition(" ")
            if code not in _SPLITS or not file.strip() or "/" in file:
                raise LabelFileError(
                    f"{list_files[name]}, line {number}: needed is '<file> <0, 1 or 2>'. "
                    f"Received: {line[:120]!r}"
                )
            split = _SPLITS[code]
            if split is not None:
                listed.append((f"{name}/{file.strip()}", split, action))
    origin = {"adapter": "hmdb51", "fold": fold}
    return listed_dataset("hmdb51", class_names, videos_folder, listed, privacy_labels, origin)
