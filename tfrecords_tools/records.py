"""A clip and its labels → a record."""

import os
from collections.abc import Sequence

import numpy as np

from keras_stprivacy.data import schema
from tfrecords_tools.encode import EncodedClip
from tfrecords_tools.labels import context_labels, frame_labels
from tfrecords_tools.source import SourceEntry
from tfrecords_tools.wire import (
    SequenceExample,
    bytes_feature,
    float_feature,
    int_feature,
    text_feature,
)


def sequence_example(
    entry: SourceEntry,
    clip: EncodedClip,
    dataset_name: str,
    class_names: Sequence[str],
    attribute_names: Sequence[str],
    boxes: Sequence[np.ndarray] | None = None,
) -> SequenceExample:
    """One record; the same input always gives the same bytes.

    Args:
        entry: says where the clip is from and what its labels are.
        clip: the frames.
        dataset_name: of the dataset.
        class_names: the actions.
        attribute_names: the private attributes.
        boxes: person boxes of each frame, (K, 4): ymin, xmin, ymax, xmax, normalised, with any
            number K; None: none are stored.
    """
    if not len(clip.frames):
        raise ValueError(f"{entry.id}: a record needs at least one frame")
    path = entry.id.encode() if entry.file is None else os.fsencode(entry.file)
    duration = round(1_000_000 / clip.frame_rate) if clip.frame_rate else 0
    context = {
        schema.IMAGE_FORMAT: bytes_feature(schema.JPEG_FORMAT),
        schema.IMAGE_HEIGHT: int_feature(clip.height),
        schema.IMAGE_WIDTH: int_feature(clip.width),
        schema.IMAGE_CHANNELS: int_feature(3),
        schema.IMAGE_FRAME_RATE: float_feature(clip.frame_rate),
        schema.EXAMPLE_ID: text_feature(entry.id),
        schema.EXAMPLE_DATASET_NAME: text_feature(dataset_name),
        schema.CLIP_DATA_PATH: bytes_feature(path),
        schema.CLIP_START_TIMESTAMP: int_feature(0),
        schema.CLIP_END_TIMESTAMP: int_feature(clip.timestamps[-1] + duration),
    }
    if entry.source_video is not None:
        context[schema.MEDIA_ID] = text_feature(entry.source_video)
    for key, values in context_labels(entry, class_names, attribute_names).items():
        context[key] = _labels(key, values)

    lists = {schema.IMAGE_TIMESTAMP: [int_feature(time) for time in clip.timestamps]}
    for key, frames in frame_labels(entry, clip.frame_numbers, attribute_names).items():
        lists[key] = [int_feature(*values) for values in frames]
    if boxes is not None:
        for column, key in enumerate(schema.BBOX_KEYS):
            lists[key] = [float_feature(*(float(box[column]) for box in each)) for each in boxes]
    return SequenceExample(context, lists, {schema.IMAGE_ENCODED: clip.frames})


def _labels(key: str, values: list[int] | list[str]) -> bytes:
    """An empty list, too, is of the kind that its key says."""
    if key.endswith(("/string", "/text")):
        return text_feature(*map(str, values))
    return int_feature(*map(int, values))
