"""A shard's specification → the shard."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_stprivacy.data.errors import VideoDecodeError
from keras_stprivacy.data.manifest import ShardInfo
from tfrecords_tools.decoders import DecoderPool, Outcomes
from tfrecords_tools.encode import EncodedClip, encode_array
from tfrecords_tools.record_writer import RecordWriter, fits
from tfrecords_tools.records import sequence_example
from tfrecords_tools.shards import ShardReport, ShardTask, note_of, text_of
from tfrecords_tools.source import SourceEntry
from tfrecords_tools.storage import Storage, write_text

FindBoxes = Callable[[EncodedClip], Sequence[np.ndarray]]


def make_shard(
    task: ShardTask,
    storage: Storage,
    decoders: DecoderPool,
    find_boxes: FindBoxes | None = None,
    on_video: Callable[[bool], None] | None = None,
) -> ShardReport:
    """Makes a shard, and beside it a note that it is finished.

    The file depends on the task alone: not on who runs this where, nor on the number of decoders.

    Args:
        task: what to make.
        storage: where to put it.
        decoders: what decodes video files.
        find_boxes: gives the person boxes of a clip's frames; None: those of the source, if any.
        on_video: called after each video with whether it became a record.

    Returns:
        A `ShardReport`.

    Raises:
        OSError: if the shard cannot be written.
    """
    sources: dict[str, dict[str, Any]] = {}
    quarantined: list[dict[str, Any]] = []
    frames = unannotated = 0
    with storage.writing(task.file) as file, contextlib.closing(_clips(task, decoders)) as clips:
        writer = RecordWriter(file)
        for entry, clip in zip(task.entries, clips, strict=True):
            where = {
                "path": entry.id if entry.file is None else text_of(entry.file),
                "split": entry.split,
            }
            made = _write(writer, task, entry, clip, find_boxes)
            if isinstance(made, str):
                quarantined.append({"id": entry.id, **where, "reason": made, "shard": task.file})
            else:
                sources[entry.id] = {**where, **made, "shard": task.file}
                frames += made["frames"]
                unannotated += entry.attributes is None
            if on_video is not None:
                on_video(not isinstance(made, str))
    info = ShardInfo(
        file=task.file,
        records=len(sources),
        frames=frames,
        unannotated=unannotated,
        bytes=writer.bytes,
        sha256=writer.sha256,
        plan=task.plan(),
    )
    report = ShardReport(info, sources, quarantined)
    write_text(storage, note_of(task.file), report.to_json())
    return report


def _write(
    writer: RecordWriter,
    task: ShardTask,
    entry: SourceEntry,
    clip: EncodedClip | VideoDecodeError,
    find_boxes: FindBoxes | None,
) -> dict[str, Any] | str:
    """Writes a record and says what it was made from; or says why there is none."""
    if isinstance(clip, VideoDecodeError):
        return clip.reason
    with contextlib.closing(clip.frames):
        boxes = _own_boxes(entry.boxes, clip) if find_boxes is None else find_boxes(clip)
        record = sequence_example(
            entry, clip, task.dataset_name, task.class_names, task.attribute_names, boxes
        )
        if not fits(record):
            return f"a record of {len(record)} bytes; readers take 2 GiB at most"
        writer.write(record)
    made = {
        "frames": len(clip.frames),
        "bytes": clip.source_bytes,
        "sha256": clip.source_sha256,
    }
    if entry.source_video is not None:
        made["source_video"] = entry.source_video
    if boxes is not None:
        made["frames_without_box"] = sum(not len(of_frame) for of_frame in boxes)
    return made


def _own_boxes(boxes: np.ndarray | None, clip: EncodedClip) -> list[np.ndarray] | None:
    """The source's boxes of the frames that are stored."""
    if boxes is None:
        return None
    rows = [np.reshape(boxes[number], (-1, 4)) for number in clip.frame_numbers]
    return [of_frame[np.isfinite(of_frame).all(axis=1)] for of_frame in rows]


def _clips(task: ShardTask, decoders: DecoderPool) -> Outcomes:
    paths = {e.id: path_inside(task.root, e.file) for e in task.entries if e.file is not None}
    with contextlib.closing(
        decoders.encode(path for path in paths.values() if path is not None)
    ) as decoded:
        for entry in task.entries:
            if entry.clip is not None:
                yield encode_array(entry.clip, entry.frame_rate or 0.0, task.settings)
            elif paths[entry.id] is not None:
                yield next(decoded)
            else:
                yield VideoDecodeError(str(entry.file), "the path leads out of the source's folder")


def path_inside(root: pathlib.Path | None, file: pathlib.PurePosixPath) -> pathlib.Path | None:
    """Where a file is; None where links or ".." lead out of the root."""
    if root is None:
        raise ValueError(f"A dataset of files needs a root. Received: root=None, file={file}")
    try:
        path = pathlib.Path(os.path.realpath(root / file))
    except ValueError:  # a null character: no name of a file
        return None
    return path if path.is_relative_to(os.path.realpath(root)) else None
