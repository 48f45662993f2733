import dataclasses
import io
import json
import re

import numpy as np
import pytest
from made_clips import EXACT, gray_clip

from keras_stprivacy.data import Augment, clip_dataset, dataset_info
from keras_stprivacy.data.errors import (
    DatasetNotFoundError,
    EmptyDatasetError,
    LabelError,
    ShardError,
    UnknownSplitError,
)
from keras_stprivacy.data.framing import record_spans

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.any_backend

ONE_LEVEL = 1.01 / 255


def numbered(count, length=40):
    """Videos whose frames are the gray levels 0, 5, 10, ..."""
    return [gray_clip(range(0, 5 * length, 5)) for _ in range(count)]


def frame_numbers(clips):
    """Which frames of `numbered` clips are made of."""
    levels = np.asarray(clips)[..., 8, 8, 0] * 255 / 5
    np.testing.assert_allclose(levels, np.round(levels), atol=0.3)
    return np.round(levels).astype(int)


def read(dataset):
    clips, labels = zip(*dataset, strict=True)
    merged = {key: np.concatenate([batch[key] for batch in labels]) for key in labels[0]}
    return np.concatenate([np.asarray(clip) for clip in clips]), merged


def shards(records):
    return sorted(records.glob("*.tfrecord"))


def test_batches_are_clips_in_the_unit_range_with_labels(write_records):
    random = np.random.default_rng(0)
    videos = [random.integers(0, 256, (6, 16, 24, 3), "uint8") for _ in range(10)]
    attributes = [(i % 2, i // 5, 1) for i in range(10)]
    records = write_records(videos, [i % 4 for i in range(10)], attributes, ("a", "b", "c"))
    dataset = clip_dataset(records, "train", 6, 1, (16, 24), 4, training=False)

    clip_spec, label_spec = dataset.element_spec
    assert clip_spec == tf.TensorSpec((None, 6, 16, 24, 3), tf.float32)
    assert label_spec == {
        "action": tf.TensorSpec((None,), tf.int32),
        "privacy": tf.TensorSpec((None, 3), tf.float32),
    }
    assert int(dataset.cardinality()) == 3
    clips, labels = read(dataset)
    assert clips.shape == (10, 6, 16, 24, 3)
    assert clips.min() >= 0
    assert clips.max() <= 1
    for clip, action, privacy in zip(clips, labels["action"], labels["privacy"], strict=True):
        distances = [np.abs(clip - video / 255).mean() for video in videos]
        i = int(np.argmin(distances))
        assert distances[i] < 0.01
        assert action == i % 4
        np.testing.assert_array_equal(privacy, attributes[i])


def test_every_video_comes_once_in_a_pass(write_records):
    records = write_records(gray_clip([20 * i] * 3) for i in range(10))
    for options in ({"seed": 3}, {"training": False}, {"shuffle_buffer": 2, "seed": 1}):
        clips, _ = read(clip_dataset(records, "train", 2, 1, 16, 3, augment=None, **options))
        assert sorted(np.round(clips[:, 0, 0, 0, 0] * 255 / 20)) == list(range(10))


def test_large_records_are_shuffled_among_fewer(write_records):
    from keras_stprivacy.data import pipeline  # which needs TensorFlow

    info = dataset_info(write_records(gray_clip([20 * i] * 3) for i in range(3)))
    assert pipeline._records_in_memory(info, "train") > 512
    (shard,) = info.splits["train"]
    for bytes_of_one, expected in ((100 << 20, 20), (1 << 30, 16)):
        large = dataclasses.replace(shard, bytes=3 * bytes_of_one)
        splits = dataclasses.replace(info, splits={"train": (large,)})
        assert pipeline._records_in_memory(splits, "train") == expected


def test_evaluation_is_the_middle_and_views_are_spread_evenly(write_records):
    records = write_records(numbered(1))
    clips, _ = read(clip_dataset(records, "train", 4, 2, 16, 1, training=False))
    assert frame_numbers(clips).tolist() == [[16, 18, 20, 22]]

    clips, _ = read(clip_dataset(records, "train", 4, 2, 16, 1, views=(5, 1)))
    assert frame_numbers(clips)[0].tolist() == [
        [2 * (4 * k + i) for i in range(4)] for k in range(5)
    ]


def test_a_short_video_is_filled_with_its_last_frame(write_records):
    records = write_records(numbered(1, length=3))
    for options in ({"training": False}, {"training": True, "augment": None}):
        clips, _ = read(clip_dataset(records, "train", 5, 1, 16, 1, **options))
        assert frame_numbers(clips).tolist() == [[0, 1, 2, 2, 2]]


def test_training_starts_anywhere_and_steps_evenly(write_records):
    records = write_records(numbered(4, length=12))
    dataset = clip_dataset(records, "train", 3, 2, 16, 4, seed=0, augment=None, repeat=True)
    numbers = np.concatenate([frame_numbers(clips) for clips, _ in dataset.take(40)])

    np.testing.assert_array_equal(np.diff(numbers), 2)
    assert set(numbers[:, 0]) == set(range(8))


def test_spatial_views_lie_along_the_long_side(write_records):
    ramp = np.broadcast_to(np.arange(0, 192, 2, "uint8")[:, None], (2, 32, 96, 3)).copy()
    for video, axis in ((ramp, 1), (ramp.transpose(0, 2, 1, 3), 0)):
        records = write_records([video])
        clips, _ = read(clip_dataset(records, "train", 2, 1, 32, 1, views=(1, 3)))
        assert clips.shape == (1, 3, 2, 32, 32, 3)
        first = clips[0, :, 0, 0, 0, 0] * 255 / 2
        np.testing.assert_allclose(first, [0, 32, 64], atol=0.6)
        along = np.moveaxis(clips[0, 1, 0, :, :, 0], axis, 0)[:, 5] * 255 / 2
        np.testing.assert_allclose(along, np.arange(32, 64), atol=0.6)


def test_the_short_side_is_resized_to_the_input(write_records):
    records = write_records([gray_clip([77] * 2, height=48, width=96)])
    for views, shape in ((None, (1, 2, 16, 20, 3)), ((2, 3), (1, 6, 2, 16, 20, 3))):
        clips, _ = read(clip_dataset(records, "train", 2, 1, (16, 20), 1, None, False, views))
        assert clips.shape == shape
        np.testing.assert_allclose(clips, 77 / 255, atol=ONE_LEVEL)


def test_views_can_be_clips_of_their_own(write_records):
    records = write_records(numbered(3), [0, 1, 2])
    together, labels = read(clip_dataset(records, "train", 4, 1, 16, 2, views=(2, 3)))
    dataset = clip_dataset(records, "train", 4, 1, 16, 2, views=(2, 3), video_level=False)
    apart, apart_labels = read(dataset)

    assert together.shape == (3, 6, 4, 16, 16, 3)
    np.testing.assert_array_equal(apart, together.reshape(18, 4, 16, 16, 3))
    np.testing.assert_array_equal(apart_labels["action"], np.repeat(labels["action"], 6))
    assert int(dataset.cardinality()) == 9


def test_the_same_seed_gives_the_same_order_and_draws(write_records):
    random = np.random.default_rng(0)
    records = write_records(random.integers(0, 256, (12, 10, 24, 24, 3), "uint8"))

    def passes(seed):
        dataset = clip_dataset(records, "train", 4, 1, 16, 12, seed=seed)
        return [read(dataset)[0] for _ in range(2)]

    zero, again, other = passes(0), passes(0), passes(1)
    np.testing.assert_array_equal(zero, again)
    assert np.abs(zero[0] - zero[1]).max() > 0.1
    assert np.abs(zero[0] - other[0]).max() > 0.1
    unseeded = [passes(None)[0] for _ in range(2)]
    assert np.abs(unseeded[0] - unseeded[1]).max() > 0.1


def test_all_frames_of_a_clip_change_alike_and_clips_differ(write_records):
    picture = np.random.default_rng(1).integers(0, 256, (1, 6, 6, 3), "uint8")
    still = np.tile(picture.repeat(5, 1).repeat(5, 2), (8, 1, 1, 1))
    records = write_records([still] * 6)
    clips, _ = read(clip_dataset(records, "train", 8, 1, 20, 6, seed=5))

    np.testing.assert_array_equal(clips, np.repeat(clips[:, :1], 8, axis=1))
    for i in range(1, 6):
        assert np.abs(clips[i, 0] - clips[0, 0]).mean() > 0.02


def test_each_change_can_be_switched_off(write_records):
    video = np.random.default_rng(2).integers(0, 256, (2, 16, 16, 3), "uint8")
    records = write_records([video])
    off = {"crop_scale": None, "flip": 0, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}

    def clip(augment):
        return read(clip_dataset(records, "train", 2, 1, 16, 1, seed=1, augment=augment))[0]

    plain = clip(None)
    np.testing.assert_array_equal(clip(Augment(**off)), plain)
    np.testing.assert_array_equal(clip(Augment(**{**off, "flip": 1.0})), plain[:, :, :, ::-1])
    for name, value in (("crop_scale", (0.3, 0.5)), ("brightness", 0.5), ("hue", 0.3)):
        assert np.abs(clip(Augment(**{**off, name: value})) - plain).mean() > 0.005


def test_only_the_sampled_frames_are_decoded(write_records, tmp_path, monkeypatch):
    from tfrecords_tools import encode, make_shard
    from tfrecords_tools.frame_store import FrameStore

    def with_broken_odd_frames(*arguments):
        clip = encode.encode_array(*arguments)
        frames = FrameStore(io.BytesIO())
        for i, frame in enumerate(clip.frames):
            frames.add(b"no JPEG" if i % 2 else frame)
        return dataclasses.replace(clip, frames=frames)

    monkeypatch.setattr(make_shard, "encode_array", with_broken_odd_frames)
    records = write_records(numbered(1, length=12))
    clips, _ = read(clip_dataset(records, "train", 3, 2, 16, 1, views=(4, 1)))
    assert (frame_numbers(clips) % 2 == 0).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"record 0: a frame is no JPEG"):
        read(clip_dataset(records, "train", 3, 1, 16, 1, training=False))


def test_a_dataset_without_attributes_has_no_privacy_labels(write_records):
    records = write_records([gray_clip([1, 2])])
    _, labels = next(iter(clip_dataset(records, "train", 2, 1, 16, 1, training=False)))
    assert set(labels) == {"action"}


def test_unannotated_videos_are_an_error_or_left_out(write_records):
    clips = [gray_clip([10 * i] * 2) for i in range(5)]
    records = write_records(clips, None, [(1,), None, (0,), None, (1,)], ("face",))
    with pytest.raises(LabelError, match=r"2 of 5 videos in split 'train'.*no annotation"):
        clip_dataset(records, "train", 2, 1, 16)

    dataset = clip_dataset(records, "train", 2, 1, 16, 2, training=False, unannotated="drop")
    read_clips, labels = read(dataset)
    assert sorted(np.round(read_clips[:, 0, 0, 0, 0] * 25.5)) == [0, 2, 4]
    assert sorted(labels["privacy"].tolist()) == [[0], [1], [1]]
    assert int(dataset.cardinality()) == 2


def test_repeat_and_drop_remainder(write_records):
    records = write_records(numbered(5, length=2))
    dataset = clip_dataset(records, "train", 2, 1, 16, 2, training=False, drop_remainder=True)
    assert [len(clips) for clips, _ in dataset] == [2, 2]
    dataset = clip_dataset(records, "train", 2, 1, 16, 2, training=False, repeat=True)
    assert len(list(dataset.take(20))) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_frames": 0}, "num_frames must be an integer >= 1. Received: num_frames=0"),
        ({"frame_step": 1.5}, "frame_step must be an integer"),
        ({"batch_size": True}, "batch_size must be an integer"),
        ({"seed": -1}, "seed must be an integer >= 0"),
        ({"image_size": (1, 2, 3)}, "image_size must be an integer or"),
        ({"image_size": (16, 0)}, "image_size must be an integer >= 1"),
        ({"views": 5}, "views must be None or a pair"),
        ({"views": (5, 0)}, "views must be an integer >= 1"),
        ({"views": (5, 3), "training": True}, "views are for evaluation"),
        ({"unannotated": "keep"}, "unannotated must be 'error' or 'drop'"),
    ],
)
def test_wrong_arguments_are_named(write_records, arguments, message):
    with pytest.raises(ValueError, match=message):
        clip_dataset(write_records(numbered(1, 2)), **arguments)


def test_a_place_without_a_dataset_an_unknown_and_an_empty_split(write_records, tmp_path):
    with pytest.raises(DatasetNotFoundError):
        clip_dataset(tmp_path / "nothing")
    records = write_records(numbered(2, 2))
    with pytest.raises(UnknownSplitError, match=r"Received: split='test'"):
        clip_dataset(records, "test")
    content = json.loads((records / "dataset.json").read_text())
    content["splits"]["test"] = {"records": 0, "shards": []}
    (records / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(EmptyDatasetError, match=r"Split 'test' of .* holds no videos"):
        clip_dataset(records, "test")


def test_a_missing_shard_is_named_before_the_first_batch(write_records):
    records = write_records(numbered(6, 2))
    shards(records)[1].unlink()
    with pytest.raises(ShardError, match=r"train-00001-of-00002.tfrecord: cannot be opened"):
        clip_dataset(records)


@pytest.mark.parametrize("at_boundary", [False, True])
def test_truncation_names_shard_and_record(write_records, at_boundary):
    records = write_records(numbered(6, 2))
    shard = shards(records)[1]
    start, length = list(record_spans(shard))[2]
    end = start - 12 if at_boundary else start + length // 2
    shard.write_bytes(shard.read_bytes()[:end])

    with pytest.raises(ShardError, match=r"train-00001-of-00002.tfrecord, record 2: ") as caught:
        clip_dataset(records)
    assert caught.value.record == 2
    assert ("holds 2 records" if at_boundary else "truncated") in str(caught.value)


def test_a_shard_with_another_size_is_named(write_records):
    records = write_records(numbered(6, 2))
    content = json.loads((records / "dataset.json").read_text())
    content["splits"]["train"]["shards"][0]["bytes"] += 1
    (records / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(ShardError, match=r"train-00000-of-00002.tfrecord: .* bytes"):
        clip_dataset(records)


def test_a_damaged_payload_names_shard_and_record(write_records):
    records = write_records(numbered(6, 2))
    shard = shards(records)[0]
    data = bytearray(shard.read_bytes())
    start, length = list(record_spans(shard))[1]
    data[start + length // 2] ^= 1
    shard.write_bytes(data)

    dataset = clip_dataset(records, "train", 2, 1, 16, seed=0)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"train-00000-of-00002.tfrecord.*record 1: damaged"
    ):
        read(dataset)
    with pytest.raises(ShardError, match=r"train-00000-of-00002.tfrecord, record 1: .*payload"):
        clip_dataset(records, verify=True)


def test_a_shard_cut_after_the_check_is_named(write_records):
    records = write_records(numbered(6, 2))
    dataset = clip_dataset(records, "train", 2, 1, 16)
    shard = shards(records)[1]
    start, _ = list(record_spans(shard))[1]
    shard.write_bytes(shard.read_bytes()[: start - 12])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"train-00001-of-00002.tfrecord.*record 1: damaged"
    ):
        read(dataset)


def test_labels_outside_of_the_classes_name_shard_and_record(write_records):
    records = write_records(numbered(4, 2), [0, 1, 2, 3], [(0, 1)] * 4, ("a", "b"))
    original = (records / "dataset.json").read_text()
    for key, kept, message in (
        ("class_names", 3, "record [0-3]: label 3 is outside of the 3 classes"),
        ("attribute_names", 1, r"record [0-3]: attributes \[1\] are outside of the 1"),
    ):
        content = json.loads(original)
        content[key] = content[key][:kept]
        (records / "dataset.json").write_text(json.dumps(content))
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            read(clip_dataset(records, "train", 2, 1, 16))


def rewrite(records, change):
    """Replaces the record 1 of the only shard, under a good checksum."""
    (shard,) = shards(records)
    data = shard.read_bytes()
    payloads = [data[start : start + length] for start, length in record_spans(shard)]
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for i, payload in enumerate(payloads):
            writer.write(change(payload) if i == 1 else payload)
    content = json.loads((records / "dataset.json").read_text())
    content["splits"]["train"]["shards"][0]["bytes"] = shard.stat().st_size
    (records / "dataset.json").write_text(json.dumps(content))


def changed(change):
    """Bytes of a record → those of the record after a change of its parsed form."""

    def apply(payload):
        example = tf.train.SequenceExample.FromString(payload)
        change(example.context.feature, example.feature_lists.feature_list)
        return example.SerializeToString()

    return apply


def frame_is(broken):
    """Replaces the frame 2 of a record."""

    def change(context, lists):
        value = lists["image/encoded"].feature[2].bytes_list.value
        value[0] = broken(value[0])

    return changed(change)


NO_CLIP_RECORDS = {
    "other bytes": (lambda payload: b"\xff\xfe\xfd", "Invalid protocol message"),
    "other text": (lambda payload: b"something else", "Invalid protocol message"),
    "cut": (lambda payload: payload[:-7], "Invalid protocol message"),
    "no label": (
        changed(lambda context, lists: context.pop("clip/label/index")),
        r"clip/label/index\W+must be one number. Received: \[\]",
    ),
    "two heights": (
        changed(lambda context, lists: context["image/height"].int64_list.value.append(9)),
        r"image/height\W+must be one number. Received: \[16 9\]",
    ),
    "label of another kind": (
        changed(lambda c, lists: c["clip/label/index"].CopyFrom(c["clip/label/string"])),
        r"clip/label/index.*Data types don't match",
    ),
    "no JPEG": (frame_is(lambda frame: b"nothing of the kind"), "a frame is no JPEG"),
    "no byte": (frame_is(lambda frame: b""), "a frame is no JPEG"),
    "half a JPEG": (frame_is(lambda frame: frame[: len(frame) // 2]), "a frame is no JPEG"),
    "no end": (frame_is(lambda frame: frame[:-40]), "a frame is no JPEG"),
}


@pytest.mark.parametrize(
    ("case", "training"),
    [*((case, False) for case in NO_CLIP_RECORDS), ("no JPEG", True), ("half a JPEG", True)],
)
def test_what_is_not_a_clip_record_names_shard_and_record(write_records, case, training):
    rng = np.random.default_rng(0)
    records = write_records(rng.integers(0, 256, (3, 4, 16, 16, 3), "uint8"))
    change, reason = NO_CLIP_RECORDS[case]
    rewrite(records, change)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read(clip_dataset(records, "train", 4, 1, 16, 1, training=training, seed=0))
    message = str(caught.value)
    assert re.search(r"train-00000-of-00001.tfrecord\W+record 1\W", message)
    assert re.search(reason, message)


def test_bytes_after_the_end_of_a_frame_do_no_harm(write_records):
    rng = np.random.default_rng(0)
    records = write_records(rng.integers(0, 256, (3, 4, 16, 16, 3), "uint8"))
    expected, _ = read(clip_dataset(records, "train", 4, 1, 16, 1, seed=0))
    rewrite(records, frame_is(lambda frame: frame + bytes(9)))
    found, _ = read(clip_dataset(records, "train", 4, 1, 16, 1, seed=0))
    np.testing.assert_array_equal(found, expected)


def test_evaluation_does_not_depend_on_the_seed(write_records):
    records = write_records(numbered(9, 5))
    first, _ = read(clip_dataset(records, "train", 2, 1, 16, 4, training=False, seed=1))
    second, _ = read(clip_dataset(records, "train", 2, 1, 16, 4, training=False))
    np.testing.assert_array_equal(first, second)


def test_large_frames_are_smoothed_before_they_shrink(write_records):
    stripes = np.zeros((1, 64, 64, 3), "uint8")
    stripes[:, :, ::2] = 255
    records = write_records([stripes], settings=EXACT)
    clips, _ = read(clip_dataset(records, "train", 1, 1, 16, 1, training=False))
    inner = clips[0, 0, :, 2:-2]
    assert inner.std() < 0.05
    assert abs(inner.mean() - 0.5) < 0.05
