"""UCF101, with its official splits and the privacy labels of VP-UCF101."""

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

_NUMBERED = re.compile(r"(?P<video>.*\S)[ \t]+(?P<label>\d+)")
_GROUP = re.compile(r"_(g\d+)_c\d+$")


def ucf101(
    source: str | os.PathLike,
    fold: int = 1,
    privacy_labels: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
    lists: str | os.PathLike | None = None,
) -> SourceDataset:
    """UCF101: 101 actions, three official splits by groups of videos.

    A video's class is its folder: some file names spell the class differently.

    Args:
        source: the folder that holds videos and lists.
        fold: 1, 2 or 3: which official split.
        privacy_labels: VP-UCF101's pickle of private attributes, or None for none.
        videos: the folder with one folder per class; by default `UCF-101`, `UCF101` or `videos` in
            `source`.
        lists: the folder with `classInd.txt`, `trainlist0<fold>.txt` and `testlist0<fold>.txt`; by
            default `ucfTrainTestlist` or `UCF101TrainTestSplits-RecognitionTask` in `source`.

    Returns:
        A `SourceDataset` named "ucf101".

    Raises:
        LabelFileError: if a folder, list or label file is missing or not what it should be.
        ValueError: if there is no such fold.
    """
    check_fold(fold)
    source = pathlib.Path(source)
    lists_folder = find_folder(
        source,
        lists,
        ["ucfTrainTestlist", "UCF101TrainTestSplits-RecognitionTask"],
        "the split lists",
    )
    videos_folder = find_folder(source, videos, ["UCF-101", "UCF101", "videos"], "the videos")
    class_names, listed = listed_videos(lists_folder, fold)
    origin = {"adapter": "ucf101", "fold": fold}
    return listed_dataset(
        "ucf101", class_names, videos_folder, listed, privacy_labels, origin, group_of
    )


def listed_videos(lists: pathlib.Path, fold: int) -> tuple[list[str], list[tuple[str, str, int]]]:
    """Reads the lists of a split.

    Returns:
        The classes, and for every video `<class>/<file>`, "train" or "test", and the index of its
        class.

    Raises:
        LabelFileError: if a list is missing, or a line is not what it should be.
    """
    class_names = _class_names(lists / "classInd.txt")
    index = {name: i for i, name in enumerate(class_names)}

    listed = []
    for split in ("train", "test"):
        path = lists / f"{split}list{fold:02d}.txt"
        for number, line in numbered_lines(path):
            numbered = _NUMBERED.fullmatch(line)
            video, label = (numbered["video"], numbered["label"]) if numbered else (line, "")
            folder, _, file = video.partition("/")
            if folder not in index or not is_name(file):
                raise LabelFileError(
                    f"{path}, line {number}: needed is '<class>/<file>', with a class of "
                    f"classInd.txt. Received: {line[:120]!r}"
                )
            if label and label != str(index[folder] + 1):
                raise LabelFileError(
                    f"{path}, line {number}: class {folder} has number {index[folder] + 1} in "
                    f"classInd.txt. Received: {line[:120]!r}"
                )
            listed.append((video, split, index[folder]))
    return class_names, listed


def _class_names(path: pathlib.Path) -> list[str]:
    names = []
    for expected, (number, line) in enumerate(numbered_lines(path), 1):
        index, _, name = line.partition(" ")
        name = name.strip()
        if index != str(expected) or not is_name(name) or name in names:
            raise LabelFileError(
                f"{path}, line {number}: needed is '{expected} <class>', each class once. "
                f"Received: {line[:80]!r}"
            )
        names.append(name)
    if not names:
        raise LabelFileError(f"{path} names no class.")
    return names


def group_of(entry_id: str) -> str | None:
    """The web video that a clip was cut from: its class and group.

    Example:

    >>> group_of("Archery/v_Archery_g07_c02")
    'Archery/g07'
    """
    match = _GROUP.search(entry_id)
    return f"{entry_id.partition('/')[0]}/{match[1]}" if match else None


ADAPTER = Adapter(
    name="ucf101",
    load=ucf101,
    summary="UCF101: 101 actions, 13320 videos, three official splits by groups.",
    layout="""\
SOURCE/UCF-101/<class>/<clip>.avi  (or UCF101/, videos/)
SOURCE/ucfTrainTestlist/           classInd.txt, trainlist0<n>.txt, testlist0<n>.txt
                                   (or UCF101TrainTestSplits-RecognitionTask/)
--privacy-labels FILE              VP-UCF101's ucf101_privacy_attribute_label.pickle (optional)""",
    example="ucf101 /data/ucf101 records/ucf101 --fold 1",
    options=LISTED_OPTIONS,
    group_of=group_of,
)
