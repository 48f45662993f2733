"""One shard: which videos it is made of, and how it is made."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_stprivacy.data.errors import VideoDecodeError
from keras_stprivacy.data.manifest import ShardInfo
from tfrecords_tools.decoders import DecoderPool
from tfrecords_tools.encode import EncodedClip, encode_array
from tfrecords_tools.files import digest
from tfrecords_tools.labels import label_identity
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.source import SourceEntry


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

    def _identity(self, entry: SourceEntry) -> list[Any]:
        identity: list[Any] = [entry.id, entry.split, entry.action, entry.attributes]
        identity += label_identity(entry)
        if entry.file is not None and self.root is not None:
            path = self.root / entry.file
            size = path.stat().st_size if path.is_file() else None
            return [*identity, text_of(entry.file), size]
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
    def from_json(cls, text: str) -> "ShardReport":
        """The report that `to_json` wrote."""
        content = json.loads(text)
        return cls(ShardInfo(**content["info"]), content["sources"], content["quarantined"])


def write_shard(
    task: ShardTask,
    directory: pathlib.Path,
    decoders: DecoderPool,
    on_video: Callable[[bool], None] | None = None,
) -> ShardReport:
    """Makes a shard. The file depends on the task alone, not on how many decoders there are.

    Args:
        task: what to make.
        directory: where to put it.
        decoders: what decodes video files.
        on_video: called after each video with whether it became a record.

    Returns:
        A `ShardReport`.

    Raises:
        OSError: if the shard cannot be written.
    """
    from tfrecords_tools import records  # here, since it imports TensorFlow

    sources: dict[str, dict[str, Any]] = {}
    quarantined: list[dict[str, Any]] = []
    totals = {"frames": 0, "unannotated": 0}

    def made() -> Iterator[bytes]:
        for entry, clip in zip(task.entries, _clips(task, decoders), strict=True):
            where = entry.id if entry.file is None else text_of(entry.file)
            if isinstance(clip, VideoDecodeError):
                quarantined.append(
                    {
                        "id": entry.id,
                        "path": where,
                        "split": entry.split,
                        "reason": clip.reason,
                        "shard": task.file,
                    }
                )
            else:
                sources[entry.id] = {
                    "path": where,
                    "split": entry.split,
                    "frames": len(clip.frames),
                    "bytes": clip.source_bytes,
                    "sha256": clip.source_sha256,
                    "shard": task.file,
                }
                totals["frames"] += len(clip.frames)
                totals["unannotated"] += entry.attributes is None
                yield records.sequence_example(
                    entry, clip, task.dataset_name, task.class_names, task.attribute_names
                )
            if on_video is not None:
                on_video(not isinstance(clip, VideoDecodeError))

    path = directory / task.file
    records.write_records(path, made())
    size, sha256 = digest(path)
    info = ShardInfo(
        file=task.file,
        records=len(sources),
        bytes=size,
        sha256=sha256,
        plan=task.plan(),
        **totals,
    )
    return ShardReport(info, sources, quarantined)


def _clips(task: ShardTask, decoders: DecoderPool) -> Iterator[EncodedClip | VideoDecodeError]:
    paths = {e.id: _path_inside(task.root, e.file) for e in task.entries if e.file is not None}
    decoded = decoders.encode(path for path in paths.values() if path is not None)
    for entry in task.entries:
        if entry.clip is not None:
            yield encode_array(entry.clip, entry.frame_rate or 0.0, task.settings)
        elif paths[entry.id] is not None:
            yield next(decoded)
        else:
            yield VideoDecodeError(str(entry.file), "the path leads out of the source's folder")


def _path_inside(root: pathlib.Path | None, file: pathlib.PurePosixPath) -> pathlib.Path | None:
    """Where the file is; None where links or ".." lead out of the root."""
    if root is None:
        raise ValueError(f"A dataset of files needs a root. Received: root=None, file={file}")
    path = pathlib.Path(os.path.realpath(root / file))
    return path if path.is_relative_to(os.path.realpath(root)) else None


def text_of(path: pathlib.PurePath) -> str:
    """A path as text that can be stored, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
