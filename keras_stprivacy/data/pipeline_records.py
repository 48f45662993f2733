"""Shards → parsed records, with tf.data; what cannot be read is named."""

import numpy as np
import tensorflow as tf

from keras_stprivacy.data import schema
from keras_stprivacy.data.manifest import DatasetInfo
from keras_stprivacy.data.pipeline_checks import record_check
from keras_stprivacy.data.pipeline_per_frame import (
    frame_attributes,
    frame_boxes,
    per_frame_features,
)

_MOST_FILES_AT_ONCE = 16
_SOURCE_VIDEOS = 1 << 62  # so many that two of them do not get one number by chance


def read_records(
    info: DatasetInfo, split: str, seed: int | None, shuffle: bool
) -> "tf.data.Dataset":
    """(shard name, index in the shard, serialized record), undecoded."""
    shards = [shard for shard in info.shards(split) if shard.records]
    files = tf.data.Dataset.from_tensor_slices(
        (
            [str(info.directory / shard.file) for shard in shards],
            [shard.file for shard in shards],
            np.array([shard.records for shard in shards], "int64"),
        )
    )
    if shuffle:
        files = files.shuffle(len(shards), seed=seed)
    return files.interleave(
        _records_of_shard,
        cycle_length=min(len(shards), _MOST_FILES_AT_ONCE),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _records_of_shard(path, name, expected):
    # TensorFlow's own message says neither file nor record, and a file that ends on a record
    # boundary reads as complete. So reading stops at the first damage, and the end is then compared
    # with where it should be.
    content = tf.data.TFRecordDataset(path).ignore_errors().map(lambda record: (record, False))
    end = tf.data.Dataset.from_tensors(("", True))

    def check(index, entry):
        record, is_end = entry
        complete = tf.debugging.Assert(
            tf.equal(is_end, tf.equal(index, expected)),
            [
                tf.strings.format(
                    "Shard {}, record {}: damaged or missing (the shard should hold {} records)",
                    (name, index, expected),
                )
            ],
        )
        with tf.control_dependencies([complete]):
            return name, index, tf.identity(record), is_end

    return (
        content.concatenate(end)
        .enumerate()
        .map(check)
        .filter(lambda name, index, record, is_end: tf.logical_not(is_end))
        .map(lambda name, index, record, is_end: (name, index, record))
    )


def record_parser(
    info: DatasetInfo,
    with_boxes: bool = False,
    max_boxes: int | None = None,
    with_frame_labels: bool = False,
    with_source_videos: bool = False,
):
    """Returns the function (shard name, index, serialized record) → what the record holds."""
    num_classes, num_attributes = len(info.class_names), len(info.attribute_names)
    # How many values there are is checked here: TensorFlow's own message would not name the record.
    context_keys = (
        *(schema.IMAGE_HEIGHT, schema.IMAGE_WIDTH, schema.LABEL_INDEX),
        *(schema.PRIVACY_INDEX, schema.PRIVACY_IS_ANNOTATED),
    )
    context_features = {key: tf.io.VarLenFeature(tf.int64) for key in context_keys}
    if with_source_videos:
        for key in (schema.MEDIA_ID, schema.EXAMPLE_ID):
            context_features[key] = tf.io.VarLenFeature(tf.string)
    sequence_features = {
        schema.IMAGE_ENCODED: tf.io.FixedLenSequenceFeature([], tf.string),
        **per_frame_features(info.attribute_names, with_boxes, with_frame_labels),
    }

    def parse(shard, index, record):
        name = tf.strings.format("Shard {}, record {}", (shard, index))  # for errors of parsing
        context, sequence = tf.io.parse_single_sequence_example(
            record, context_features, sequence_features, example_name=name
        )
        context = {key: feature.values for key, feature in context.items()}
        place = (shard, index)
        action = context[schema.LABEL_INDEX]
        if not info.multi_label:
            action = _only_value(context, schema.LABEL_INDEX, place)
        present = context[schema.PRIVACY_INDEX]
        frames = sequence[schema.IMAGE_ENCODED]
        checks = [
            record_check(
                tf.reduce_all((action >= 0) & (action < num_classes)),
                "Shard {}, record {}: label {} is outside of the {} classes",
                (*place, action, tf.constant(num_classes)),
            ),
            record_check(
                tf.reduce_all((present >= 0) & (present < num_attributes)),
                "Shard {}, record {}: attributes {} are outside of the {} there are",
                (*place, present, tf.constant(num_attributes)),
            ),
            record_check(tf.size(frames) > 0, "Shard {}, record {}: no frames", place),
        ]
        with tf.control_dependencies(checks):
            frames = tf.identity(frames)
            if info.multi_label:
                labels = {"action": _hot(action, num_classes)}
            else:
                labels = {"action": tf.cast(action, tf.int32)}
        if num_attributes:
            labels["privacy"] = _hot(present, num_attributes)
        if with_source_videos:
            labels["source_video"] = _source_video(context, place)
        count = tf.size(frames)
        per_frame = {}
        if with_boxes:
            per_frame["boxes"] = frame_boxes(sequence, count, max_boxes, place)
        if with_frame_labels:
            names = info.attribute_names
            per_frame["frame_privacy"] = frame_attributes(sequence, count, names, place)
        return {
            "place": place,
            "frames": frames,
            "height": _only_value(context, schema.IMAGE_HEIGHT, place),
            "width": _only_value(context, schema.IMAGE_WIDTH, place),
            "is_annotated": tf.reduce_any(context[schema.PRIVACY_IS_ANNOTATED] > 0),
            "labels": labels,
            **per_frame,
        }

    return parse


def _source_video(context, place):
    """A number of what the video was cut from; a negative one of its id where that is not known."""
    own, cut_from = context[schema.EXAMPLE_ID], context[schema.MEDIA_ID]
    keys = tf.constant(schema.EXAMPLE_ID), tf.constant(schema.MEDIA_ID)
    check = record_check(
        (tf.size(own) == 1) & (tf.size(cut_from) <= 1),
        "Shard {}, record {}: {} must be one text, and {} one or none. Received: {} and {} texts",
        (*place, *keys, tf.size(own), tf.size(cut_from)),
    )
    with tf.control_dependencies([check]):
        cut_from = tf.boolean_mask(cut_from, tf.strings.length(cut_from) > 0)
    name = tf.concat([cut_from, own], 0)[0]
    number = tf.strings.to_hash_bucket_fast(name, _SOURCE_VIDEOS)
    return tf.where(tf.size(cut_from) > 0, number, -1 - number)


def _only_value(context, key, place):
    """The value of a context feature that must have one, and no more."""
    values = context[key]
    check = record_check(
        tf.size(values) == 1,
        "Shard {}, record {}: {} must be one number. Received: {}",
        (*place, tf.constant(key), values),
    )
    with tf.control_dependencies([check]):
        return tf.identity(values)[0]


def _hot(indices, count):
    """Indices (any number) → float32 (count,), 1 for those that are there."""
    return tf.minimum(tf.reduce_sum(tf.one_hot(indices, count), axis=0), 1.0)
