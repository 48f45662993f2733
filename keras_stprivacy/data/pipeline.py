"""Clip records → batches of clips, with tf.data."""

import logging
import os
from collections.abc import Sequence

import numpy as np

from keras_stprivacy.data import schema
from keras_stprivacy.data.address import size_of
from keras_stprivacy.data.augment import Augment
from keras_stprivacy.data.errors import EmptyDatasetError, LabelError, ShardError
from keras_stprivacy.data.framing import record_spans
from keras_stprivacy.data.manifest import DatasetInfo, ShardInfo, dataset_info

try:
    import tensorflow as tf
except ImportError as error:
    raise ImportError(
        "Clip records are read with TensorFlow, whichever backend trains. "
        "Install it: pip install 'keras-stprivacy[tensorflow]'"
    ) from error

import keras  # which may need TensorFlow too, and says less where it is missing

from keras_stprivacy.data.pipeline_clips import evaluation_clip, single_views, training_clip
from keras_stprivacy.data.pipeline_per_frame import require_per_frame
from keras_stprivacy.data.pipeline_records import read_records, record_parser

_log = logging.getLogger(__name__)

_DEFAULT_AUGMENT = Augment()
_SHUFFLED_BYTES = 1 << 31
_SHUFFLED_RECORDS = 16


def clip_dataset(
    source: str | os.PathLike,
    split: str = "train",
    num_frames: int = 16,
    frame_step: int = 2,
    image_size: int | tuple[int, int] = 112,
    batch_size: int = 32,
    seed: int | None = None,
    training: bool | None = None,
    views: tuple[int, int] | None = None,
    *,
    augment: Augment | None = _DEFAULT_AUGMENT,
    shuffle: bool | None = None,
    shuffle_buffer: int = 512,
    repeat: bool = False,
    drop_remainder: bool = False,
    video_level: bool = True,
    unannotated: str = "error",
    with_boxes: bool = False,
    max_boxes: int | None = None,
    with_frame_labels: bool = False,
    with_source_videos: bool = False,
    verify: bool = False,
) -> "tf.data.Dataset":
    """Batches of clips from a converted dataset.

    Which frames a clip consists of is decided before anything is decoded, and only those frames
    (in training, only the cropped part of them) are. In training a clip starts at random and is
    changed at random, the same for all its frames. In evaluation it is in the middle of the video,
    its short side is resized to the clip's and the middle of the frame is cut out; with `views`,
    several such clips are spread evenly over the time and along the long side.

    Before the first batch, all files of the split are checked against `dataset.json`: existence,
    size, and number of records. Payloads are checked as they are read (the checksums of all of them
    at once with `verify=True`): a damaged record, one that is no record of a clip, a label outside
    of the classes, or a frame that does not begin and end as a JPEG does raises a
    `tf.errors.InvalidArgumentError` that names shard and record. Of a frame that is broken within,
    it says only what TensorFlow does; `stprivacy-tfrecords verify` names the record.

    Args:
        source: a directory that holds `dataset.json` (or an address such as `gs://bucket/folder`),
            or the bare name of one inside the folder that the environment variable
            `STPRIVACY_DATA` names.
        split: name of a split of the dataset.
        num_frames: frames per clip, T.
        frame_step: take every `frame_step`-th frame. A video that is too short is filled with its
            last frame.
        image_size: height and width of the clips in pixels, an integer or (H, W).
        batch_size: clips (videos, where `views` is given) per batch, B.
        seed: non-negative integer: the same seed gives the same order and draws in every run, and
            each pass over the dataset has draws of its own. None: different in every run. In
            evaluation it only orders what is shuffled. Where `tf.random.set_seed` was called, its
            seed counts too.
        training: whether to start, crop and colour at random. By default for the split "train",
            unless `views` is given.
        views: None, or the number of temporal and of spatial views in evaluation, such as (5, 3).
        augment: what may change at random in training, an `Augment`, or None for nothing but the
            start. Mind its flips where the action is a direction.
        shuffle: whether to shuffle files and records, anew in every pass. By default as `training`.
        shuffle_buffer: number of undecoded records among which to shuffle; fewer, but at least 16,
            where these would be more than 2 GiB.
        repeat: whether to go on for ever.
        drop_remainder: whether to leave out a last batch that is not full.
        video_level: whether the views of a video stay together, (B, V, T, H, W, 3), or are clips
            of their own, each with the labels of its video.
        unannotated: what to do with videos whose privacy attributes were not annotated, in a
            dataset that has attributes: "error" or "drop".
        with_boxes: whether labels have "boxes", those of persons in the frames of the clip, moved
            as the pixels are by resizing, cropping and flipping.
        max_boxes: room for boxes in a frame, K. A record with more in a frame is an error. None:
            as many as the fullest frame of the batch has, at least 1.
        with_frame_labels: whether labels have "frame_privacy", attributes frame by frame, and
            "frame_number".
        with_source_videos: whether labels have "source_video", equal for videos that were cut from
            one, so that an evaluation can draw them together.
        verify: whether to read all of the split first and check every payload's checksum.

    Returns:
        A `tf.data.Dataset` of `(clip, {"action": int32 (B,), "privacy": float32 (B, P)})` with clip
        float32 (B, T, H, W, 3) in [0, 1], or (B, V, T, H, W, 3) with V = temporal · spatial views,
        temporal ones outermost. A dataset without private attributes (P = 0) has no "privacy". In a
        multi-label dataset, "action" is float32 (B, A), 1 for every action that a video shows.
        "boxes" are float32 (B, T, K, 4) or (B, V, T, K, 4): ymin, xmin, ymax, xmax in shares of the
        clip's height and width, NaN where there is no box or it is outside of the crop.
        "frame_privacy" is int32 (B, T, P) or (B, V, T, P): 0, 1, or -1 for not annotated;
        "frame_number" is int64 (B, T) or (B, V, T), the places of the frames in the record: views
        overlap, and a short video is continued with its last frame. "source_video" is int64 (B,), a
        hash, and a negative one of its own for a video of which it is not known.

    Raises:
        DatasetNotFoundError: if there is no `dataset.json`.
        DatasetFormatError: if it is damaged or of a newer format.
        UnknownSplitError: if the dataset has no such split.
        EmptyDatasetError: if the split holds no videos.
        ShardError: if a file is missing, truncated or damaged; names file and record.
        LabelError: if the split holds unannotated videos and `unannotated` is "error", or if its
            records hold no boxes, no labels of frames or no source videos and those are asked for.
        ValueError: if an argument is outside of what is said above.

    Example:

    ```python
    train = clip_dataset("data/ucf101", "train", num_frames=16, frame_step=4, seed=7)
    test = clip_dataset("data/ucf101", "test", num_frames=16, frame_step=4, views=(5, 3))
    ```
    """
    for name, value in (
        ("num_frames", num_frames),
        ("frame_step", frame_step),
        ("batch_size", batch_size),
        ("shuffle_buffer", shuffle_buffer),
    ):
        _require_whole(name, value, 1)
    if seed is not None:
        _require_whole("seed", seed, 0)
    size = _height_width(image_size)
    if views is not None:
        if not isinstance(views, Sequence) or len(views) != 2:
            raise ValueError(
                "views must be None or a pair (temporal, spatial), such as (5, 3). "
                f"Received: views={views!r}"
            )
        for value in views:
            _require_whole("views", value, 1)
    if training and views is not None:
        raise ValueError("views are for evaluation: pass training=False, or views=None.")
    if max_boxes is not None:
        _require_whole("max_boxes", max_boxes, 1)
        if not with_boxes:
            raise ValueError(f"max_boxes is for with_boxes=True. Received: max_boxes={max_boxes}")
    if unannotated not in ("error", "drop"):
        raise ValueError(
            f"unannotated must be 'error' or 'drop'. Received: unannotated={unannotated!r}"
        )
    if training is None:
        training = split == "train" and views is None
    if shuffle is None:
        shuffle = training

    info = dataset_info(source)
    num_videos = _num_videos(info, split, unannotated)
    for shard in info.shards(split):
        _check_shard(info, shard, verify)
    _hide_gpus_from_tensorflow()
    require_per_frame(info, split, with_boxes, with_frame_labels)
    if with_source_videos and not info.has_source_videos(split):
        raise LabelError(
            f"with_source_videos=True, but {info.directory} says of no video of split {split!r} "
            "what it was cut from. Convert again (UCF101, HMDB51, CelebV-HQ, HVU; or a table with "
            "a column source_video), or pass with_source_videos=False."
        )

    # Seeds of their own for the order of files, the order of records, and the draws.
    words = (None,) * 3 if seed is None else np.random.SeedSequence(seed).generate_state(3)
    seeds = [None if word is None else int(word) for word in words]
    records = read_records(info, split, seeds[0] if shuffle else None, shuffle)
    if shuffle:
        at_most = _records_in_memory(info, split)
        records = records.shuffle(min(shuffle_buffer, num_videos, at_most), seed=seeds[1])
    parse = record_parser(info, with_boxes, max_boxes, with_frame_labels, with_source_videos)
    parsed = records.map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    if info.attribute_names:
        parsed = parsed.filter(lambda video: video["is_annotated"])
    if training:
        draws = tf.data.Dataset.random(seed=seeds[2], rerandomize_each_iteration=True)
        make = training_clip(num_frames, frame_step, size, augment)
        clips = tf.data.Dataset.zip(parsed, draws).map(make, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        make = evaluation_clip(num_frames, frame_step, size, views)
        clips = parsed.map(make, num_parallel_calls=tf.data.AUTOTUNE)
    num_clips = num_videos
    if views is not None and not video_level:
        clips = clips.flat_map(single_views)
        num_clips *= views[0] * views[1]
    clips = clips.apply(tf.data.experimental.assert_cardinality(num_clips))
    if repeat:
        clips = clips.repeat()
    if with_boxes and max_boxes is None:
        fill = {key: float("nan") if key == "boxes" else None for key in clips.element_spec[1]}
        clips = clips.padded_batch(
            batch_size, padding_values=(None, fill), drop_remainder=drop_remainder
        )
    else:
        clips = clips.batch(batch_size, drop_remainder=drop_remainder)
    options = tf.data.Options()
    options.deterministic = seed is not None or not training
    return clips.with_options(options).prefetch(tf.data.AUTOTUNE)


def _require_whole(name: str, value: int, minimum: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}. Received: {name}={value!r}")


def _height_width(image_size: int | tuple[int, int]) -> tuple[int, int]:
    pair = tuple(image_size) if isinstance(image_size, Sequence) else (image_size, image_size)
    if len(pair) != 2:
        raise ValueError(
            f"image_size must be an integer or (height, width). Received: image_size={image_size!r}"
        )
    for side in pair:
        _require_whole("image_size", side, 1)
    return int(pair[0]), int(pair[1])


def _num_videos(info: DatasetInfo, split: str, unannotated: str) -> int:
    """Number of videos of the split that clips are made of."""
    count = info.num_clips(split)
    if info.attribute_names:
        without = sum(shard.unannotated for shard in info.shards(split))
        if without and unannotated == "error":
            raise LabelError(
                f"{without} of {count} videos in split {split!r} of {info.directory} have no "
                "annotation of the private attributes. Convert with labels for all of them, or "
                'pass unannotated="drop" to leave them out.'
            )
        count -= without
    if not count:
        raise EmptyDatasetError(
            f"Split {split!r} of {info.directory} holds no videos; splits: "
            f"{ {name: info.num_clips(name) for name in sorted(info.splits)} }. "
            f"{len(info.quarantined)} videos were quarantined and {len(info.missing)} missing when "
            f"it was converted: see its {schema.MANIFEST_NAME}."
        )
    return count


def _records_in_memory(info: DatasetInfo, split: str) -> int:
    """How many records of the split, of its mean size, may wait to be shuffled."""
    shards = info.shards(split)
    bytes_of_all = max(1, sum(shard.bytes for shard in shards))
    records = sum(shard.records for shard in shards)
    return max(_SHUFFLED_RECORDS, _SHUFFLED_BYTES * records // bytes_of_all)


def _check_shard(info: DatasetInfo, shard: ShardInfo, verify: bool) -> None:
    path = info.directory / shard.file
    count = sum(1 for _ in record_spans(path))
    again = "Convert again: finished shards are kept"
    if count != shard.records:
        raise ShardError(
            path,
            min(count, shard.records),
            f"the file holds {count} records, {schema.MANIFEST_NAME} says {shard.records}. {again}",
        )
    size = size_of(path)
    if size != shard.bytes:
        raise ShardError(
            path, None, f"{size} bytes, {schema.MANIFEST_NAME} says {shard.bytes}. {again}"
        )
    if verify:
        readable = tf.data.TFRecordDataset(str(path)).ignore_errors().reduce(0, lambda n, _: n + 1)
        if int(readable) != count:
            raise ShardError(path, int(readable), f"the payload is damaged. {again}")


def _hide_gpus_from_tensorflow() -> None:
    """Keeps TensorFlow, which only reads here, from taking the memory of another backend's GPUs."""
    if keras.backend.backend() != "tensorflow":
        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError as error:
            _log.debug("TensorFlow has started with its GPUs visible: %s", error)
