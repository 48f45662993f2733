"""UCF101, with its official splits and the privacy labels of VP-UCF101."""

import os
import pathlib

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.lists import check_fold, find_folder, listed_dataset, read_lines
from tfrecords_tools.source import SourceDataset


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
    class_names = _class_names(lists_folder / "classInd.txt")
    index = {name: i for i, name in enumerate(class_names)}

    listed = []
    for split in ("train", "test"):
        path = lists_folder / f"{split}list{fold:02d}.txt"
        for number, line in enumerate(read_lines(path), 1):
            video, _, label = line.partition(" ")
            folder, _, file = video.partition("/")
            if folder not in index or not file or "/" in file:
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
    origin = {"adapter": "ucf101", "fold": fold}
    return listed_dataset("ucf101", class_names, videos_folder, listed, privacy_labels, origin)


def _class_names(path: pathlib.Path) -> list[str]:
    names = []
    for number, line in enumerate(read_lines(path), 1):
        index, _, name = line.partition(" ")
        if index != str(number) or not name:
            raise LabelFileError(
                f"{path}, line {number}: needed is '{number} <class>'. Received: {line[:80]!r}"
            )
        names.append(name.strip())
    return names
