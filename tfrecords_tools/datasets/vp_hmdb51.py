"""VP-HMDB51: HMDB51 whose videos all have private attributes."""

import os

from tfrecords_tools.datasets.adapter import Adapter
from tfrecords_tools.datasets.hmdb51 import ADAPTER as HMDB51
from tfrecords_tools.datasets.hmdb51 import hmdb51
from tfrecords_tools.datasets.vp_labels import find_labels, only_labelled, vp_options
from tfrecords_tools.source import SourceDataset

_LABELS = "hmdb51_privacy_attribute_label.pickle"


def vp_hmdb51(
    source: str | os.PathLike,
    fold: int = 1,
    privacy_labels: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
    lists: str | os.PathLike | None = None,
) -> SourceDataset:
    """VP-HMDB51: skin color, face, gender, nudity and relationship of every video of HMDB51.

    Videos without labels are left out and counted.

    Args:
        source: the folder that holds videos, lists and labels.
        fold: 1, 2 or 3: which official split.
        privacy_labels: the pickle of private attributes; by default
            `hmdb51_privacy_attribute_label.pickle` in `source`.
        videos: as for `hmdb51`.
        lists: as for `hmdb51`.

    Returns:
        A `SourceDataset` named "vp_hmdb51".

    Raises:
        LabelFileError: if a folder, list or label file is missing or not what it should be.
        ValueError: if there is no such fold.
    """
    labels = find_labels(source, privacy_labels, _LABELS)
    return only_labelled(hmdb51(source, fold, labels, videos, lists), "vp-hmdb51")


ADAPTER = Adapter(
    name="vp-hmdb51",
    load=vp_hmdb51,
    summary="VP-HMDB51: HMDB51 with five private attributes of every video.",
    layout=f"{HMDB51.layout.rpartition(chr(10))[0]}\nSOURCE/{_LABELS}",
    example="vp-hmdb51 /data/hmdb51 records/vp_hmdb51 --fold 1",
    options=vp_options(_LABELS),
    group_of=HMDB51.group_of,
)
