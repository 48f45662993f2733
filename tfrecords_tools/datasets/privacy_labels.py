"""The private attributes of VP-HMDB51 and VP-UCF101."""

import os
import pathlib

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.restricted_pickle import load_integer_arrays

# The files do not say it; found by comparing with PA-HMDB51's labels of the same videos.
PRIVACY_ATTRIBUTES = ("skin_color", "face", "gender", "nudity", "relationship")


class PrivacyLabels:
    """Private attributes of videos, found by class and by file name without its ending.

    The published files name the videos `class/clip.mp4`, while the videos are .avi.

    Args:
        path: the pickle: a dict of names → integer array (1, 5). It is read without running it.

    Raises:
        LabelFileError: if the file is anything else.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self._labels: dict[str, tuple[int, ...]] = {}
        for name, array in load_integer_arrays(path).items():
            values = tuple(int(value) for value in array.ravel())
            if len(values) != len(PRIVACY_ATTRIBUTES) or not {0, 1}.issuperset(values):
                raise LabelFileError(
                    f"{self.path}: {name!r} must have {len(PRIVACY_ATTRIBUTES)} numbers, each 0 or "
                    f"1. Received: {values[:8]}"
                )
            key = _key(name)
            if self._labels.setdefault(key, values) != values:
                raise LabelFileError(f"{self.path}: {key!r} has two different labels.")

    def __len__(self) -> int:
        return len(self._labels)

    def as_dict(self) -> dict[str, tuple[int, ...]]:
        """`class/clip`, without an ending → attributes."""
        return dict(self._labels)

    def find(self, video: str) -> tuple[int, ...] | None:
        """The attributes of `class/clip`, with or without an ending; None where there are none."""
        return self._labels.get(_key(video))


def _key(video: str) -> str:
    folder, _, file = video.rpartition("/")
    stem, dot, ending = file.rpartition(".")
    return f"{folder}/{stem if dot and ending.isalnum() and len(ending) <= 4 else file}"
