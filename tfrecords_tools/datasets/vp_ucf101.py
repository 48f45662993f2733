"""VP-UCF101: UCF101 whose videos all have private attributes."""

import os

from tfrecords_tools.datasets.adapter import Adapter
from tfrecords_tools.datasets.ucf101 import ADAPTER as UCF101
from tfrecords_tools.datasets.ucf101 import ucf101
from tfrecords_tools.datasets.vp_labels import find_labels, only_labelled, vp_options
from tfrecords_tools.source import SourceDataset

_LABELS = "ucf101_privacy_attribute_label.pickle"


def vp_ucf101(
    source: str | os.PathLike,
    fold: int = 1,
    privacy_labels: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
    lists: str | os.PathLike | None = None,
) -> SourceDataset:
    """VP-UCF101: skin color, face, gender, nudity and relationship of every video of UCF101.

    Videos without labels are left out and counted.

    Args:
        source: the folder that holds videos, lists and labels.
        fold: 1, 2 or 3: which official split.
        privacy_labels: the pickle of private attributes; by default
            `ucf101_privacy_attribute_label.pickle` in `source`.
        videos: as for `ucf101`.
        lists: as for `ucf101`.

    Returns:
        A `SourceDataset` named "vp_ucf101".

    Raises:
        LabelFileError: if a folder, list or label file is missing or not what it should be.
        ValueError: if there is no such fold.
    """
    labels = find_labels(source, privacy_labels, _LABELS)
    return only_labelled(ucf101(source, fold, labels, videos, lists), "vp-ucf101")


ADAPTER = Adapter(
    name="vp-ucf101",
    load=vp_ucf101,
    summary="VP-UCF101: UCF101 with five private attributes of every video.",
    layout=f"{UCF101.layout.rpartition(chr(10))[0]}\nSOURCE/{_LABELS}",
    example="vp-ucf101 /data/ucf101 records/vp_ucf101 --fold 1",
    options=vp_options(_LABELS),
    group_of=UCF101.group_of,
)
