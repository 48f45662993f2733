"""Clips → `tf.train.SequenceExample`, and records → files."""

import os
import pathlib
from collections.abc import Iterable, Sequence

import tensorflow as tf

from keras_stprivacy.data import schema
from tfrecords_tools.encode import EncodedClip
from tfrecords_tools.files import partial_of, publish
from tfrecords_tools.labels import context_labels, frame_labels
from tfrecords_tools.source import SourceEntry


def sequence_example(
    entry: SourceEntry,
    clip: EncodedClip,
    dataset_name: str,
    class_names: Sequence[str],
    attribute_names: Sequence[str],
) -> bytes:
    """One record, serialized; the same input always gives the same bytes.

    Args:
        entry: says where the clip is from and what its labels are.
        clip: the frames.
        dataset_name: of the dataset.
        class_names: the actions.
        attribute_names: the private attributes.
    """
    if not clip.frames:
        raise ValueError(f"{entry.id}: a record needs at least one frame")
    example = tf.train.SequenceExample()
    context = example.context.feature
    lists = example.feature_lists.feature_list

    lists[schema.IMAGE_ENCODED].feature.extend(_bytes(frame) for frame in clip.frames)
    lists[schema.IMAGE_TIMESTAMP].feature.extend(_ints(time) for time in clip.timestamps)
    context[schema.IMAGE_FORMAT].CopyFrom(_bytes(schema.JPEG_FORMAT))
    context[schema.IMAGE_HEIGHT].CopyFrom(_ints(clip.height))
    context[schema.IMAGE_WIDTH].CopyFrom(_ints(clip.width))
    context[schema.IMAGE_CHANNELS].CopyFrom(_ints(3))
    context[schema.IMAGE_FRAME_RATE].CopyFrom(_floats(clip.frame_rate))

    for key, values in context_labels(entry, class_names, attribute_names).items():
        context[key].CopyFrom(_labels(key, values))
    numbers = range(len(clip.frames))
    for key, frames in frame_labels(entry, numbers, attribute_names).items():
        lists[key].feature.extend(_ints(*values) for values in frames)

    context[schema.EXAMPLE_ID].CopyFrom(_text(entry.id))
    context[schema.EXAMPLE_DATASET_NAME].CopyFrom(_text(dataset_name))
    path = entry.id.encode() if entry.file is None else os.fsencode(entry.file)
    context[schema.CLIP_DATA_PATH].CopyFrom(_bytes(path))
    duration = round(1_000_000 / clip.frame_rate) if clip.frame_rate else 0
    context[schema.CLIP_START_TIMESTAMP].CopyFrom(_ints(0))
    context[schema.CLIP_END_TIMESTAMP].CopyFrom(_ints(clip.timestamps[-1] + duration))

    if entry.boxes is not None:
        for column, key in enumerate(schema.BBOX_KEYS):
            lists[key].feature.extend(_floats(float(box[column])) for box in entry.boxes)
    return example.SerializeToString(deterministic=True)


def write_records(path: pathlib.Path, records: Iterable[bytes]) -> None:
    """Writes a TFRecord file; nothing of another name or of a part of it is ever left in its place.

    Raises:
        OSError: if it cannot be written, as when the disk is full.
    """
    partial = partial_of(path)
    try:
        try:
            with tf.io.TFRecordWriter(str(partial)) as writer:
                for record in records:
                    writer.write(record)
        except tf.errors.OpError as error:
            raise OSError(f"{path} cannot be written: {error.message}") from error
        publish(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _bytes(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _text(*values: str) -> tf.train.Feature:
    return _bytes(*(value.encode() for value in values))


def _labels(key: str, values: list[int] | list[str]) -> tf.train.Feature:
    """An empty list, too, is of the kind that its key says."""
    if key.endswith(("/string", "/text")):
        return _text(*map(str, values))
    return _ints(*map(int, values))


def _ints(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
