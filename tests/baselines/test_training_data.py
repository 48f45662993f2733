"""What systems are trained on, and what is said of data that does not fit."""

import numpy as np
import pytest

from keras_stprivacy.baselines.clip_augment import ClipAugment
from keras_stprivacy.baselines.training_data import TrainingData
from keras_stprivacy.data import motion_digits

pytestmark = pytest.mark.any_backend

SHAPE = (8, 32, 32, 3)


@pytest.fixture(scope="module")
def digits():
    return motion_digits("train", num_clips=10, cache=False)


def test_an_epoch_of_arrays_is_shuffled_and_whole_batches(digits):
    data = TrainingData(digits, SHAPE, batch_size=4, seed=1)
    assert (data.num_actions, data.num_attributes, data.steps_per_epoch()) == (8, 5, 2)
    seen = [clips for clips, _ in data.epoch()]
    assert [len(clips) for clips in seen] == [4, 4]
    raw = digits.clips.astype("float32") / 255.0
    places = [int(np.argmax((raw == clip).all(axis=(1, 2, 3, 4)))) for c in seen for clip in c]
    assert len(set(places)) == 8 and places != sorted(places)
    again = [clips for clips, _ in TrainingData(digits, SHAPE, batch_size=4, seed=1).epoch()]
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(seen))
    other = [clips for clips, _ in data.epoch()]
    assert (np.concatenate(other) != np.concatenate(seen)).any()


def test_labels_stay_with_their_clips(digits):
    data = TrainingData(digits, SHAPE, batch_size=3)
    raw = digits.clips.astype("float32") / 255.0
    for clips, labels in data.epoch():
        assert clips.dtype == np.float32 and labels["privacy"].dtype == np.float32
        for clip, action, privacy in zip(clips, labels["action"], labels["privacy"], strict=True):
            place = int(np.argmax((raw == clip).all(axis=(1, 2, 3, 4))))
            assert action == digits.action[place]
            np.testing.assert_array_equal(privacy, digits.privacy[place])


def test_in_order_an_epoch_is_complete(digits):
    data = TrainingData(digits, SHAPE, batch_size=4)
    assert [len(clips) for clips, _ in data.epoch(shuffle=False)] == [4, 4, 2]


def test_fewer_clips_than_a_batch_are_one_batch(digits):
    data = TrainingData(digits, SHAPE, batch_size=64)
    assert [len(clips) for clips, _ in data.epoch()] == [10]


def test_batches_are_read_again_and_again(digits):
    clip, labels = digits.arrays()
    batches = [(clip[:6], {k: v[:6] for k, v in labels.items()})] * 2
    data = TrainingData(batches, SHAPE, num_actions=8, num_attributes=5)
    endless = data.endless()
    assert [len(next(endless)[0]) for _ in range(5)] == [6] * 5
    assert data.steps_per_epoch() == 2


def test_privacy_is_left_out_where_nobody_needs_it(digits):
    clip, labels = digits.arrays()
    del labels["privacy"]
    data = TrainingData((clip, labels), SHAPE, needs_privacy=False)
    assert data.num_attributes is None
    assert set(next(data.endless())[1]) == {"action"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda clip, labels: ((clip[:0], labels), {}), "it has no clip"),
        (lambda clip, labels: ((clip[:, :4], labels), {}), "was built for clips of"),
        (lambda clip, labels: ((list(clip), labels), {}), "must be one array"),
        (lambda clip, labels: ((clip, {"action": labels["action"]}), {}), "lack the keys"),
        (lambda clip, labels: ((clip, labels), {"num_actions": 3}), "must be in 0..2"),
        (
            lambda clip, labels: ((clip, {**labels, "action": labels["action"] + 0.5}), {}),
            "whole class numbers",
        ),
        (lambda clip, labels: (iter([(clip, labels)]), {}), "can be read only once"),
        (lambda clip, labels: ([], {"num_actions": 8, "num_attributes": 5}), "no batch"),
        (lambda clip, labels: ([clip], {"num_actions": 8, "num_attributes": 5}), "a tuple"),
        (lambda clip, labels: (5, {}), "must be a tuple"),
        (lambda clip, labels: ((clip + np.nan, labels), {}), "finite pixels"),
    ],
)
def test_data_that_does_not_fit_is_named(digits, change, message):
    data, options = change(*digits.arrays())
    with pytest.raises(ValueError, match=message):
        list(TrainingData(data, SHAPE, **options).epoch())


def test_several_actions_come_as_they_are(digits):
    clip, labels = digits.arrays()
    several = {**labels, "action": np.eye(9, dtype="int32")[labels["action"]]}
    data = TrainingData((clip, several), SHAPE, batch_size=10)
    assert data.multi_label and data.num_actions == 9
    ((_, got),) = data.epoch(shuffle=False)
    np.testing.assert_array_equal(got["action"], several["action"])
    assert got["action"].dtype == np.float32
    counts = {"num_actions": 9, "num_attributes": 5}
    batches = TrainingData([(clip, several)], SHAPE, multi_label=True, **counts)
    np.testing.assert_array_equal(next(batches.endless())[1]["action"], several["action"])
    with pytest.raises(ValueError, match="several actions, pass multi_label=True"):
        list(TrainingData([(clip, several)], SHAPE, **counts).epoch())
    with pytest.raises(ValueError, match=r"shape \(10, 9\), clips x actions"):
        list(TrainingData([(clip, labels)], SHAPE, multi_label=True, **counts).epoch())


def test_augmented_clips_change_as_a_whole():
    clip = np.random.default_rng(0).random((1, 1, 16, 20, 3)).astype("float32")
    still = np.repeat(clip, 3, axis=1)
    made = ClipAugment()(still, np.random.default_rng(0))
    assert made.shape == still.shape and made.dtype == still.dtype
    for frame in range(3):
        np.testing.assert_allclose(made[:, frame], made[:, 0], atol=1e-6)
    assert np.abs(made - still).mean() > 0.05
    assert made.min() >= 0.0 and made.max() <= 1.0
    again = ClipAugment()(still, np.random.default_rng(0))
    np.testing.assert_array_equal(again, made)


def test_each_part_of_augmentation_alone():
    off = {"crop_scale": None, "jitter": 0.0, "grey": 0.0, "flip": 0.0, "erase": None}
    clip = np.random.default_rng(0).random((2, 3, 16, 20, 3)).astype("float32")

    def made(**settings):
        return ClipAugment(**{**off, **settings})(clip, np.random.default_rng(1))

    np.testing.assert_array_equal(made(), clip)
    np.testing.assert_array_equal(made(flip=1.0), clip[:, :, :, ::-1])
    grey = made(grey=1.0)
    np.testing.assert_allclose(grey[..., 0], clip @ [0.299, 0.587, 0.114], atol=1e-6)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    erased = (made(erase=(3, 5)) != clip).all(axis=-1)
    for changed in erased:
        rows, columns = changed[0].any(axis=1).sum(), changed[0].any(axis=0).sum()
        assert 3 <= rows <= 5 and 3 <= columns <= 5 and changed[0].sum() == rows * columns
    assert (made(jitter=0.2) != clip).mean() > 0.9
    assert np.abs(made(crop_scale=(0.6, 0.6)) - clip).mean() > 0.05
