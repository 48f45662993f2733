"""Where attributes are tested frame by frame, a frame counts once, in however many views it is."""

import numpy as np
import pytest

from keras_stprivacy.evaluation.sources import Batch, Source
from keras_stprivacy.evaluation.testing import _Views

pytestmark = pytest.mark.any_backend

# Two overlapping views in time, the second continued with its last frame; two crops of each.
NUMBERS = np.repeat([[0, 1, 2], [2, 3, 3]], 2, axis=0)
LABELS = np.array([[0, 1], [-1, -1], [1, 1], [1, 0]])  # nobody annotated frame 1


def _batch(**changes):
    clips = np.random.default_rng(0).random((2, 4, 3, 4, 4, 3)).astype("float32")
    numbers = np.stack([NUMBERS, NUMBERS])
    labels = LABELS[numbers]
    labels[1, :, :, 1][NUMBERS == 3] = -1  # of frame 3 of the second video, one attribute
    content = {
        "clips": clips,
        "action": np.zeros(2, "int64"),
        "privacy": np.array([[1, 0], [0, 1]]),
        "frame_privacy": labels,
        "frame_number": numbers,
        **changes,
    }
    return Batch(**content)


def test_each_frame_counts_once():
    batch = _batch()
    frames = _Views(batch).frame_labels(batch)
    assert frames.video.tolist() == [0, 0, 0, 1, 1]
    assert frames.labels.tolist() == [[0, 1], [1, 1], [1, 0], [0, 1], [1, 1]]
    assert frames.partly_annotated == 1
    said = np.random.default_rng(1).random((8, 3, 2))
    mean = frames.average(said)
    first = said[:4]
    np.testing.assert_allclose(mean[0], first[[0, 1], 0].mean(axis=0))
    np.testing.assert_allclose(mean[1], np.concatenate([first[:2, 2], first[2:, 0]]).mean(axis=0))
    np.testing.assert_allclose(mean[2], first[2:, 1:].reshape(-1, 2).mean(axis=0))
    np.testing.assert_allclose(mean[3], said[4:6, 0].mean(axis=0))


def test_equal_views_count_as_often_as_they_are_there():
    batch = _batch()
    batch.clips[0, 1] = batch.clips[0, 0]  # a video as high as it is wide: crops are equal
    views = _Views(batch)
    assert len(views.clips) == 7
    said = np.random.default_rng(1).random((7, 3, 2))
    mean = views.frame_labels(batch).average(said)
    place = {tuple(view.ravel()): i for i, view in enumerate(views.clips)}
    rows = [place[tuple(view.ravel())] for view in batch.clips[0]]
    np.testing.assert_allclose(mean[0], said[rows[:2], 0].mean(axis=0))
    both = [*said[rows[:2], 2], *said[rows[2:], 0]]
    np.testing.assert_allclose(mean[1], np.mean(both, axis=0))


def test_without_numbers_all_frames_are_different():
    batch = _batch(frame_number=None, frame_privacy=None)
    frames = _Views(batch).frame_labels(batch)
    assert frames.video.tolist() == [0] * 12 + [1] * 12
    assert frames.labels.tolist() == [[1, 0]] * 12 + [[0, 1]] * 12
    assert frames.partly_annotated == 0


def test_views_of_whole_videos_say_which_frames_they_hold():
    videos = [np.zeros((length, 6, 8, 3), "uint8") for length in (5, 12)]
    labels = {"action": np.zeros(2, "int64"), "privacy": np.zeros((2, 1), "int64")}
    source = Source((videos, labels), "test", (4, 4, 4, 3), views=(2, 3), frame_step=2)
    numbers = np.concatenate([batch.frame_number for batch in source.batches()])
    assert numbers.shape == (2, 6, 4)
    assert numbers[0].tolist() == [[0, 2, 4, 4]] * 6
    assert numbers[1].tolist() == [[0, 2, 4, 6]] * 3 + [[4, 6, 8, 10]] * 3


@pytest.mark.parametrize("numbers", [np.zeros((2, 3), int), np.zeros((2, 4)), np.full((2, 4), -1)])
def test_numbers_of_frames_that_are_none(numbers):
    labels = {
        "action": np.zeros(2, "int64"),
        "privacy": np.zeros((2, 1), "int64"),
        "frame_number": numbers,
    }
    clips = np.zeros((2, 4, 4, 4, 3), "uint8")
    with pytest.raises(ValueError, match=r'"frame_number" of test must be whole numbers from 0'):
        next(Source((clips, labels), "test", (4, 4, 4, 3)).batches())
