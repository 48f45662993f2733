"""A small source of videos, and what reads records back with nothing but TensorFlow."""

import dataclasses
import hashlib
import pathlib
import sys
from collections.abc import Callable

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "data"))

from made_videos import write_video


@dataclasses.dataclass
class Record:
    """A parsed record."""

    context: dict
    lists: dict

    def one(self, key: str):
        """The single value of a context feature."""
        (value,) = self.all(key)
        return value

    def all(self, key: str) -> list:
        """All values of a context feature."""
        return _values(self.context[key])

    def per_frame(self, key: str) -> list:
        """The single value of a feature list's entries."""
        return [value for feature in self.lists[key].feature for value in _values(feature)]


def _values(feature) -> list:
    return list(getattr(feature, feature.WhichOneof("kind")).value)


@pytest.fixture
def read_records() -> Callable[[pathlib.Path], list[Record]]:
    """Reads all records of a directory, in the order of file names."""
    tf = pytest.importorskip("tensorflow")

    def read(directory: pathlib.Path) -> list[Record]:
        files = [str(path) for path in sorted(directory.glob("*.tfrecord"))]
        examples = [
            tf.train.SequenceExample.FromString(data.numpy())
            for data in tf.data.TFRecordDataset(files)
        ]
        return [Record(e.context.feature, e.feature_lists.feature_list) for e in examples]

    return read


@pytest.fixture
def videos(tmp_path) -> pathlib.Path:
    """Two classes with three videos each."""
    for i, action in enumerate(("jump", "wave")):
        for j in range(3):
            levels = [20 + 40 * i + 10 * j + 5 * k for k in range(2 + j)]
            write_video(tmp_path / "videos" / action / f"{action}_{j}.mp4", levels)
    return tmp_path / "videos"


@pytest.fixture
def digests() -> Callable[[pathlib.Path], dict[str, str]]:
    """SHA-256 of every file in a directory."""

    def digest(directory: pathlib.Path) -> dict[str, str]:
        return {
            str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(directory.rglob("*"))
            if path.is_file()
        }

    return digest
