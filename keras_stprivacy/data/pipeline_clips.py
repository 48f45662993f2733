"""Parsed records → clips, with tf.data: chooses frames, decodes those, crops, resizes, colours."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_stprivacy.data import sampling
from keras_stprivacy.data.augment import Augment, colour_change, crop_window
from keras_stprivacy.data.pipeline_checks import record_check
from keras_stprivacy.data.pipeline_per_frame import moved_boxes

# Shrinking by more than this aliases visibly unless every pixel has its share in the result.
# Averaging areas takes a fifth of the time of TensorFlow's smoothed bilinear resizing.
_AREAS_FROM = 1.25
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PICTURE = tf.TensorSpec((None, None, 3), tf.uint8)


def training_clip(
    num_frames: int, frame_step: int, size: tuple[int, int], augment: Augment | None
) -> Callable:
    """Returns the function (parsed record, random number) → (clip (T, H, W, 3), labels)."""
    height, width = size

    def make(video, seed):
        uniform = tf.random.stateless_uniform([9], tf.stack([seed, 0]))
        start = tf.random.stateless_uniform([], tf.stack([seed, 1]), 0, tf.int64.max, tf.int64)
        length = tf.size(video["frames"], tf.int64)
        indices = sampling.random_indices(length, num_frames, frame_step, start, tf)
        distinct, order = tf.unique(indices)
        frames = tf.gather(video["frames"], distinct)
        flip = None
        if augment is not None and augment.flip:
            flip = uniform[4] < augment.flip
        if augment is None or augment.crop_scale is None:
            crops, shape, windows = _spread_crops(_decoded(frames, video["place"]), size, 1)
            frames, window = tf.gather(_flipped(crops[0], flip), order), windows[0]
        else:
            shape = (tf.cast(video["height"], "float32"), tf.cast(video["width"], "float32"))
            window = crop_window(augment, *shape, width / height, uniform[:4], tf)
            window = tf.cast(tf.stack(window), "int32")
            frames = tf.gather(_flipped(_decoded(frames, video["place"], window), flip), order)
            frames = _resized(frames, size)
        if augment is not None and augment.changes_colour:
            matrix, offset = colour_change(augment, uniform[5:], tf)
            changed = tf.matmul(tf.reshape(frames, (-1, 3)), matrix / 255.0) + offset
            frames = tf.reshape(changed, tf.shape(frames))
        else:
            frames = frames / 255.0
        frames = tf.clip_by_value(frames, 0.0, 1.0)
        clip = tf.ensure_shape(frames, (num_frames, *size, 3))
        labels = dict(video["labels"])
        if "boxes" in video:
            labels["boxes"] = moved_boxes(tf.gather(video["boxes"], indices), shape, window, flip)
        if "frame_privacy" in video:
            labels["frame_privacy"] = tf.gather(video["frame_privacy"], indices)
            labels["frame_number"] = indices
        return clip, labels

    return make


def evaluation_clip(
    num_frames: int, frame_step: int, size: tuple[int, int], views: tuple[int, int] | None
) -> Callable:
    """Returns the function parsed record → (clip (T, H, W, 3) or (V, T, H, W, 3), labels)."""
    temporal, spatial = views or (1, 1)

    def make(video):
        length = tf.size(video["frames"], tf.int64)
        indices = sampling.view_indices(length, num_frames, frame_step, temporal, tf)
        distinct, order = tf.unique(tf.reshape(indices, [-1]))
        frames = _decoded(tf.gather(video["frames"], distinct), video["place"])
        crops, whole, windows = _spread_crops(frames, size, spatial)
        crops = tf.clip_by_value(crops / 255.0, 0.0, 1.0)
        order = tf.reshape(order, (temporal, num_frames))
        clips = tf.gather(crops, order, axis=1)  # (spatial, temporal, T, H, W, 3)
        clips = tf.transpose(clips, (1, 0, 2, 3, 4, 5))
        clips = tf.reshape(clips, (temporal * spatial, num_frames, *size, 3))
        own = {}
        if "boxes" in video:
            boxes = tf.gather(video["boxes"], indices)  # (temporal, T, K, 4)
            boxes = tf.stack([moved_boxes(boxes, whole, window) for window in windows], axis=1)
            own["boxes"] = tf.reshape(boxes, (temporal * spatial, num_frames, -1, 4))
        if "frame_privacy" in video:
            frame_privacy = tf.gather(video["frame_privacy"], indices)  # (temporal, T, P)
            own["frame_privacy"] = tf.repeat(frame_privacy, spatial, axis=0)
            own["frame_number"] = tf.repeat(indices, spatial, axis=0)
        if views is None:
            clips, own = clips[0], {key: value[0] for key, value in own.items()}
        return clips, {**video["labels"], **own}

    return make


def single_views(views: tf.Tensor, labels: dict[str, tf.Tensor]) -> tf.data.Dataset:
    """A video's views (V, T, H, W, 3) and labels → its views one by one, each with the labels."""
    of_frames = ("boxes", "frame_privacy", "frame_number")
    own = {key: labels[key] for key in of_frames if key in labels}
    slices = tf.data.Dataset.from_tensor_slices((views, own))
    return slices.map(lambda clip, of_clip: (clip, {**labels, **of_clip}))


def _decoded(
    frames: tf.Tensor, place: tuple[Any, Any], window: tf.Tensor | None = None
) -> tf.Tensor:
    """JPEGs (F,) → (F, h, w, 3) uint8; of each only the window (top, left, height, width)."""

    def decode(frame):
        if window is None:
            return tf.io.decode_jpeg(frame, channels=3, dct_method="INTEGER_ACCURATE")
        return tf.io.decode_and_crop_jpeg(frame, window, 3, dct_method="INTEGER_ACCURATE")

    def decode_all(frames):
        return tf.map_fn(decode, frames, fn_output_signature=_PICTURE)

    def decode_or_name():
        # The message of TensorFlow's decoder says neither file nor record. Only a dataset can go on
        # after an error, and to make one takes time that whole files need not spend.
        pictures = tf.data.Dataset.from_tensors(frames).map(decode_all).ignore_errors()
        none = tf.data.Dataset.from_tensors(tf.zeros((0, 0, 0, 3), "uint8"))
        pictures = pictures.concatenate(none).take(1).get_single_element()
        check = record_check(
            tf.shape(pictures)[0] == tf.size(frames),
            "Shard {}, record {}: a frame is no JPEG, or not all of one; "
            "`stprivacy-tfrecords verify` says which",
            place,
        )
        with tf.control_dependencies([check]):
            return tf.identity(pictures)

    return tf.cond(_look_whole(frames), lambda: decode_all(frames), decode_or_name)


def _look_whole(frames: tf.Tensor) -> tf.Tensor:
    """Whether all of some files begin and end as a JPEG does."""

    def compare():
        starts = tf.strings.substr(frames, 0, 2) == _JPEG_START
        ends = tf.strings.substr(frames, -2, 2) == _JPEG_END
        return tf.reduce_all(starts & ends)

    long_enough = tf.reduce_min(tf.strings.length(frames)) >= 4
    return tf.cond(long_enough, compare, lambda: tf.constant(False))


def _flipped(frames: tf.Tensor, flip: tf.Tensor | None) -> tf.Tensor:
    """Frames (F, h, w, 3), left and right exchanged where the scalar `flip` is true."""
    if flip is None:
        return frames
    return tf.cond(flip, lambda: tf.reverse(frames, [2]), lambda: frames)


def _resized(frames: tf.Tensor, size: tuple[int, int] | tf.Tensor) -> tf.Tensor:
    """(F, h, w, 3) uint8 → (F, height, width, 3) float32 in [0, 255]."""
    shrinks = tf.shape(frames)[1:3] / tf.convert_to_tensor(size)
    return tf.cond(
        tf.reduce_max(shrinks) > _AREAS_FROM,
        lambda: tf.image.resize(frames, size, method="area"),
        lambda: tf.image.resize(frames, size),
    )


def _spread_crops(
    frames: tf.Tensor, size: tuple[int, int], count: int
) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """(F, h, w, 3) uint8 → (count, F, H, W, 3) in [0, 255]: resized to cover the size, then cut.

    Beside them, height and width of the resized frames, and of each crop top, left, height and
    width in them.
    """
    height, width = size
    shape = tf.cast(tf.shape(frames)[1:3], "float32")
    cover = tf.reduce_max(tf.constant(size, "float32") / shape)
    whole = tf.maximum(tf.cast(tf.round(shape * cover), "int32"), size)
    frames = _resized(frames, whole)
    tops, lefts = (sampling.spread_offsets(whole[axis] - size[axis], count) for axis in (0, 1))
    crops = [
        frames[:, tops[k] : tops[k] + height, lefts[k] : lefts[k] + width] for k in range(count)
    ]
    windows = [
        tf.stack([tf.cast(tops[k], "int32"), tf.cast(lefts[k], "int32"), height, width])
        for k in range(count)
    ]
    return tf.stack(crops), whole, windows
