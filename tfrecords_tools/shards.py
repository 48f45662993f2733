"""One shard: which videos it is made of, and what became of them."""

import dataclasses
import hashlib
import json
import os
import pathlib
import stat
from typing import Any

import numpy as np

from keras_stprivacy.data.manifest import ShardInfo
from tfrecords_tools.labels import label_identity
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.source import SourceEntry
from tfrecords_tools.storage import Storage

PROGRESS_FOLDER = ".progress"


def note_of(file: str) -> str:
    """Where the report of a finished shard is kept until `dataset.json` is written."""
    return f"{PROGRESS_FOLDER}/{file}.json"


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """All that a shard's bytes depend on.

    Args:
        file: name of the shard.
        entries: the videos, in the order of the records.
        dataset_name: of the dataset.
        class_names: the actions.
        attribute_names: the private attributes.
        root: the folder below which the videos are.
        settings: how they are stored.
    """

    file: str
    entries: tuple[SourceEntry, ...]
    dataset_name: str
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    root: pathlib.Path | None
    settings: ConversionSettings

    def plan(self) -> str:
        """SHA-256 of the task: a finished shard of the same plan need not be made again.

        Files count with their size, not with their content, which is only known after reading it.
        """
        content = {
            "dataset": self.dataset_name,
            "classes": self.class_names,
            "attributes": self.attribute_names,
            "settings": self.settings.as_json(),
            "entries": [self._identity(entry) for entry in self.entries],
        }
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def split(self) -> str:
        """The split that all of its videos belong to."""
        return self.entries[0].split

    def _identity(self, entry: SourceEntry) -> list[Any]:
        marks = None if entry.attributes is None else list(entry.attributes)
        identity: list[Any] = [entry.id, entry.split, entry.action, marks]
        identity += label_identity(entry)
        if entry.file is not None and self.root is not None:
            return [*identity, text_of(entry.file), source_bytes(self.root, entry)]
        for array in (entry.clip, entry.boxes):
            if array is not None:
                identity.append(hashlib.sha256(np.ascontiguousarray(array).data).hexdigest())
        return [*identity, entry.frame_rate]


@dataclasses.dataclass(frozen=True)
class ShardReport:
    """What became of a shard.

    Attributes:
        info: the file, as `dataset.json` describes it.
        sources: id → what the record was made from.
        quarantined: the videos that were left out, each with `id`, `split` and `reason`.
    """

    info: ShardInfo
    sources: dict[str, dict[str, Any]]
    quarantined: list[dict[str, Any]]

    def to_json(self) -> str:
        """The report as text."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, storage: Storage, file: str) -> "ShardReport":
        """What `make_shard` has noted about a shard.

        Raises:
            RuntimeError: if there is no such note, or it cannot be read.
        """
        text = storage.read_text(note_of(file))
        try:
            return cls.from_json(text or "")
        except (ValueError, KeyError, TypeError) as error:
            raise RuntimeError(
                f"The shard {file} was made, but its report is not there."
            ) from error

    @classmethod
    def from_json(cls, text: str) -> "ShardReport":
        """The report that `to_json` wrote."""
        content = json.loads(text)
        return cls(ShardInfo(**content["info"]), content["sources"], content["quarantined"])


def text_of(path: pathlib.PurePath) -> str:
    """A path as text that can be stored, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def source_bytes(root: pathlib.Path | None, entry: SourceEntry) -> int | None:
    """Size of what a record is made from, in bytes; None where it cannot be known."""
    if entry.clip is not None:
        return entry.clip.nbytes
    if root is None or entry.file is None:
        return None
    try:
        status = (root / entry.file).stat()
    except (OSError, ValueError):  # missing, not to be looked at, or no name of a file
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
