"""What records hold of single frames, with tf.data: boxes of persons, and private attributes."""

from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import LabelError, ShardError
from keras_stprivacy.data.manifest import DatasetInfo
from keras_stprivacy.data.pipeline_checks import record_check

# The part of a box that is less than this wide, in pixels of the clip, is a rounding error.
_LEAST_PIXELS = 1e-3


def per_frame_content(info: DatasetInfo, split: str) -> frozenset[str]:
    """What the records of a split hold of every frame, as the first of them says.

    The first one that was annotated, in a dataset with attributes: others may be left out.

    Args:
        info: of the dataset.
        split: name of the split.

    Returns:
        Of the labels "boxes" and "frame_privacy" those that can be read.

    Raises:
        ShardError: if the record is damaged.
    """
    names = info.attribute_names
    for shard in info.shards(split):
        path = info.directory / shard.file
        index = 0
        try:
            for record in tf.data.TFRecordDataset(str(path)):
                example = tf.train.SequenceExample.FromString(record.numpy())
                annotated = example.context.feature[schema.PRIVACY_IS_ANNOTATED].int64_list.value
                if names and not any(annotated):
                    index += 1
                    continue
                keys = set(example.feature_lists.feature_list)
                content = {"boxes"} if keys.issuperset(schema.BBOX_KEYS) else set()
                if names and keys.issuperset(schema.FRAME_PRIVACY_PREFIX + name for name in names):
                    content.add("frame_privacy")
                return frozenset(content)
        except (tf.errors.OpError, DecodeError) as error:
            raise ShardError(path, index, "damaged. Convert again") from error
    return frozenset()


def require_per_frame(
    info: DatasetInfo, split: str, with_boxes: bool, with_frame_labels: bool
) -> None:
    """Checks that the records of a split hold what is asked for.

    Raises:
        LabelError: if they do not.
        ShardError: if the first record is damaged.
    """
    if not with_boxes and not with_frame_labels:
        return
    content = per_frame_content(info, split)
    where = f"the records of split {split!r} of {info.directory}"
    if with_boxes and "boxes" not in content:
        raise LabelError(
            f"with_boxes=True, but {where} hold no person boxes ({schema.BBOX_YMIN} and so on). "
            "Convert with `--boxes detector --detector-weights FOLDER`, or pass with_boxes=False."
        )
    if with_frame_labels and "frame_privacy" not in content:
        raise LabelError(
            f"with_frame_labels=True, but {where} hold no labels of frames "
            f"({schema.FRAME_PRIVACY_PREFIX}NAME for each attribute). Convert a dataset that has "
            "them, such as PA-HMDB51, or pass with_frame_labels=False."
        )


def per_frame_features(
    attribute_names: tuple[str, ...], with_boxes: bool, with_frame_labels: bool
) -> dict[str, Any]:
    """What to parse of the feature lists: any number of values in each frame."""
    keys = list(schema.BBOX_KEYS) if with_boxes else []
    features = {key: tf.io.RaggedFeature(tf.float32) for key in keys}
    for name in attribute_names if with_frame_labels else ():
        for key in (schema.FRAME_PRIVACY_PREFIX + name, schema.frame_privacy_raw(name)):
            features[key] = tf.io.RaggedFeature(tf.int64)
    return features


def frame_boxes(
    sequence: dict[str, Any], count: tf.Tensor, max_boxes: int | None, place: tuple[Any, Any]
) -> tf.Tensor:
    """The boxes of all frames of a record.

    Args:
        sequence: the parsed feature lists.
        count: number of frames, F.
        max_boxes: K; None: as many as the record's fullest frame has, at least 1.
        place: shard and index of the record.

    Returns:
        float32 (F, K, 4), NaN where there is no box.
    """
    sides = [sequence[key] for key in schema.BBOX_KEYS]
    alike = [_same(side.row_splits, sides[0].row_splits) for side in sides[1:]]
    most = tf.reduce_max(tf.concat([[1], tf.cast(sides[0].row_lengths(), tf.int32)], 0))
    checks = [
        record_check(
            tf.reduce_all([sides[0].nrows() == tf.cast(count, sides[0].nrows().dtype), *alike]),
            "Shard {}, record {}: each side of the person boxes must have a list for each of {} "
            "frames, all of the same length",
            (*place, count),
        )
    ]
    if max_boxes is not None:
        checks.append(
            record_check(
                most <= max_boxes,
                "Shard {}, record {}: a frame has {} person boxes, more than max_boxes={}",
                (*place, most, tf.constant(max_boxes)),
            )
        )
    with tf.control_dependencies(checks):
        room = tf.stack([-1, most if max_boxes is None else max_boxes])
        dense = [side.to_tensor(float("nan"), shape=room) for side in sides]
        return tf.ensure_shape(tf.stack(dense, axis=-1), (None, max_boxes, 4))


def frame_attributes(
    sequence: dict[str, Any],
    count: tf.Tensor,
    attribute_names: tuple[str, ...],
    place: tuple[Any, Any],
) -> tf.Tensor:
    """The private attributes of all frames of a record.

    Args:
        sequence: the parsed feature lists.
        count: number of frames, F.
        attribute_names: of the dataset.
        place: shard and index of the record.

    Returns:
        int32 (F, P) of 0 and 1, and -1 where nobody annotated.
    """
    columns = []
    for name in attribute_names:
        said = sequence[schema.FRAME_PRIVACY_PREFIX + name]
        raw = sequence[schema.frame_privacy_raw(name)]
        rows = [tf.cast(lists.nrows(), tf.int32) for lists in (said, raw)]
        check = record_check(
            tf.reduce_all([(number == count) | (number == 0) for number in rows])
            & tf.reduce_all(said.row_lengths() <= 1)
            & tf.reduce_all((said.values == 0) | (said.values == 1)),
            "Shard {}, record {}: the labels of frames for {} must be a 0 or 1 for each of {} "
            "frames",
            (*place, tf.constant(name), count),
        )
        with tf.control_dependencies([check]):
            column = said.to_tensor(-1, shape=(None, 1))[:, 0]
            # A record without any such list was not annotated frame by frame.
            column = tf.cond(rows[0] > 0, lambda c=column: c, lambda: _nowhere(count))
            values = tf.cond(
                rows[1] > 0, lambda r=raw: r.row_lengths() > 0, lambda: tf.fill([count], True)
            )
        columns.append(tf.where(values, column, -1))
    return tf.cast(tf.stack(columns, axis=-1), tf.int32)


def moved_boxes(
    boxes: tf.Tensor, whole: tf.Tensor, window: tf.Tensor, flip: tf.Tensor | None = None
) -> tf.Tensor:
    """Boxes of frames, as shares of a window of the frames.

    Args:
        boxes: float32 (..., 4) of ymin, xmin, ymax, xmax in shares of the frame.
        whole: float32 (2,), height and width of the frame in pixels.
        window: float32 (4,), top, left, height and width in the same pixels.
        flip: bool, whether the window is flipped horizontally; None: it is not.

    Returns:
        The same shape, in [0, 1], and NaN where nothing of a box is in the window.
    """
    whole, window = tf.cast(whole, "float64"), tf.cast(window, "float64")
    extent = tf.tile(window[2:], [2])
    pixels = tf.cast(boxes, "float64") * tf.tile(whole, [2]) - tf.tile(window[:2], [2])
    pixels = tf.clip_by_value(pixels, tf.zeros_like(extent), extent)
    left = tf.reduce_all(pixels[..., 2:] - pixels[..., :2] > _LEAST_PIXELS, -1, keepdims=True)
    moved = tf.cast(tf.where(left, pixels / extent, float("nan")), "float32")
    if flip is None:
        return moved
    mirrored = tf.gather(moved, [0, 3, 2, 1], axis=-1) * [1.0, -1.0, 1.0, -1.0] + [0.0, 1.0] * 2
    return tf.where(flip, mirrored, moved)


def _same(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    return tf.cond(
        tf.size(first) == tf.size(second),
        lambda: tf.reduce_all(first == second),
        lambda: tf.constant(False),
    )


def _nowhere(count: tf.Tensor) -> tf.Tensor:
    return tf.fill([count], tf.constant(-1, tf.int64))
