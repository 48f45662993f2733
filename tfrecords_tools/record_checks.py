"""What must hold of one stored record."""

import io
import itertools
import math
import pathlib
from collections.abc import Iterator

from PIL import Image

from keras_stprivacy.data import schema
from keras_stprivacy.data.manifest import DatasetInfo
from tfrecords_tools.stored import StoredRecord


def record_faults(record: StoredRecord, info: DatasetInfo) -> Iterator[str]:
    """Decodes every frame of a record and compares all of it with what the dataset declares.

    Yields:
        What is wrong, a sentence each.
    """
    for check in (_frames, _context, _labels, _frame_lists):
        try:
            yield from check(record, info)
        except ValueError as error:  # a feature of another kind, or not one value
            yield str(error)


def _frames(record: StoredRecord, info: DatasetInfo) -> Iterator[str]:
    frames, times = record.frames, record.timestamps
    if not frames:
        yield "no frames"
    if len(times) != len(frames):
        yield f"{len(frames)} frames, but {len(times)} timestamps"
    if times and (times[0] != 0 or any(b < a for a, b in itertools.pairwise(times))):
        yield f"timestamps must begin with 0 and not decrease. Received: {times[:8]}"
    height = record.one(schema.IMAGE_HEIGHT, "int64")
    width = record.one(schema.IMAGE_WIDTH, "int64")
    for number, frame in enumerate(frames):
        try:
            with Image.open(io.BytesIO(frame), formats=["JPEG"]) as image:
                image.load()
                size, mode = image.size, image.mode
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            yield f"frame {number} does not decode: {error}"
            continue
        if size != (width, height) or mode != "RGB":
            yield (
                f"frame {number} is {mode} {size[0]} x {size[1]}, the record says RGB {width} x "
                f"{height}"
            )


def _context(record: StoredRecord, info: DatasetInfo) -> Iterator[str]:
    if record.one(schema.IMAGE_FORMAT, "bytes") != schema.JPEG_FORMAT:
        yield f"{schema.IMAGE_FORMAT} must be {schema.JPEG_FORMAT!r}"
    if record.one(schema.IMAGE_CHANNELS, "int64") != 3:
        yield f"{schema.IMAGE_CHANNELS} must be 3"
    rate = record.one(schema.IMAGE_FRAME_RATE, "float")
    if not (math.isfinite(rate) and rate >= 0):
        yield f"{schema.IMAGE_FRAME_RATE} must be a number of frames per second. Received: {rate}"
    name = record.text(schema.EXAMPLE_DATASET_NAME)
    if name != info.name:
        yield f"it is of the dataset {name!r}, not of {info.name!r}"
    path = pathlib.PurePosixPath(record.text(schema.CLIP_DATA_PATH))
    if path.is_absolute() or ".." in path.parts:
        yield f"{schema.CLIP_DATA_PATH} must be relative and stay inside. Received: {path}"
    cut_from = record.texts(schema.MEDIA_ID)
    if len(cut_from) > 1 or "" in cut_from:
        yield f"{schema.MEDIA_ID} must be one text or absent. Received: {cut_from[:5]}"
    start = record.one(schema.CLIP_START_TIMESTAMP, "int64")
    end = record.one(schema.CLIP_END_TIMESTAMP, "int64")
    if start != 0 or end < max(record.timestamps, default=0):
        yield f"the clip must go from 0 to its last frame or later. Received: {start}..{end} µs"


def _labels(record: StoredRecord, info: DatasetInfo) -> Iterator[str]:
    actions = record.values(schema.LABEL_INDEX, "int64")
    if not info.multi_label and len(actions) != 1:
        yield f"one action is needed. Received: {len(actions)}"
    yield from _named(record, schema.LABEL_INDEX, schema.LABEL_STRING, info.class_names)
    yield from _named(record, schema.LABEL_INDEX, schema.LABEL_TEXT, info.class_names)
    yield from _named(record, schema.PRIVACY_INDEX, schema.PRIVACY_STRING, info.attribute_names)
    annotated = record.one(schema.PRIVACY_IS_ANNOTATED, "int64")
    if annotated not in (0, 1):
        yield f"{schema.PRIVACY_IS_ANNOTATED} must be 0 or 1. Received: {annotated}"
    if not annotated and record.values(schema.PRIVACY_INDEX, "int64"):
        yield "there are private attributes, though they are said not to be annotated"
    start = 0
    for kind, count in info.attribute_groups.items():
        names = info.attribute_names[start : start + count]
        keys = schema.label_index(kind.upper()), schema.label_string(kind.upper())
        yield from _named(record, *keys, names)
        start += count


def _named(
    record: StoredRecord, index_key: str, name_key: str, names: tuple[str, ...]
) -> Iterator[str]:
    indices = record.values(index_key, "int64")
    if any(not 0 <= i < len(names) for i in indices) or len(set(indices)) < len(indices):
        yield (
            f"{index_key} must be different indices below {len(names)}. Received: {indices[:20]}"
        )
        return
    said = record.texts(name_key)
    if said != [names[i] for i in indices]:
        needed = [names[i] for i in indices][:5]
        yield f"{name_key} must name {needed}, as {index_key} says. Received: {said[:5]}"


def _frame_lists(record: StoredRecord, info: DatasetInfo) -> Iterator[str]:
    count = len(record.frames)
    for name in info.attribute_names:
        key = schema.FRAME_PRIVACY_PREFIX + name
        if key in record.lists():
            marks = record.per_frame(key, "int64")
            if len(marks) != count or any(mark not in ([0], [1]) for mark in marks):
                yield f"{key} must hold 0 or 1 for each of the {count} frames"
            raw = record.per_frame(schema.frame_privacy_raw(name), "int64")
            if [int(any(values)) for values in raw] != [mark[:1] == [1] for mark in marks]:
                yield f"{key} must say where {schema.frame_privacy_raw(name)} is not 0"
    boxes = [record.per_frame(key, "float") for key in schema.BBOX_KEYS]
    if not any(boxes):
        return
    sizes = [[len(values) for values in column] for column in boxes]
    if any(len(column) != count for column in boxes) or any(size != sizes[0] for size in sizes):
        yield f"each of {', '.join(schema.BBOX_KEYS)} must have {count} lists of equal lengths"
    elif not all(0 <= value <= 1 for column in boxes for values in column for value in values):
        yield "the numbers of a person box must be in 0..1"
