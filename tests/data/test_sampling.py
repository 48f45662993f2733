import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_stprivacy.data.sampling import random_indices, spread_offsets, view_indices

pytestmark = pytest.mark.any_backend

lengths = st.integers(1, 400)
frames = st.integers(1, 32)
steps = st.integers(1, 8)


@given(length=lengths, num_frames=frames, frame_step=steps, draw=st.integers(0, 2**62))
def test_random_indices_are_frames_at_the_step_and_repeat_only_the_last(
    length, num_frames, frame_step, draw
):
    indices = random_indices(length, num_frames, frame_step, draw)

    assert indices.shape == (num_frames,)
    assert indices.min() >= 0
    assert indices.max() <= length - 1
    inside = indices[indices < length - 1]
    np.testing.assert_array_equal(np.diff(inside), frame_step)
    if length >= (num_frames - 1) * frame_step + 1:
        np.testing.assert_array_equal(np.diff(indices), frame_step)


def test_random_starts_reach_every_place_where_the_clip_fits():
    starts = {int(random_indices(10, 3, 2, draw)[0]) for draw in range(1000)}

    assert starts == set(range(6))


@given(length=lengths, num_frames=frames, frame_step=steps)
def test_five_views_follow_the_published_rule(length, num_frames, frame_step):
    sampled = list(range(0, length, frame_step))
    sampled_length = len(sampled)
    expected = []
    for k in range(5):
        start = int(k * max(0, (sampled_length - num_frames) / 4))
        view = sampled[start : start + num_frames]
        expected.append(view + [sampled[-1]] * (num_frames - len(view)))

    np.testing.assert_array_equal(view_indices(length, num_frames, frame_step, 5), expected)


def test_a_single_view_is_in_the_middle():
    np.testing.assert_array_equal(view_indices(10, 4, 1), [[3, 4, 5, 6]])


def test_a_short_video_is_filled_with_its_last_frame():
    np.testing.assert_array_equal(view_indices(3, 5, 1), [[0, 1, 2, 2, 2]])
    np.testing.assert_array_equal(random_indices(3, 5, 1, 12345), [0, 1, 2, 2, 2])


@given(excess=st.integers(0, 500), count=st.integers(2, 9))
def test_spread_offsets_reach_both_ends_in_equal_steps(excess, count):
    offsets = spread_offsets(np.int64(excess), count)

    assert offsets[0] == 0
    assert offsets[-1] == excess
    assert np.ptp(np.diff(offsets)) <= 1


def test_tensorflow_and_numpy_choose_the_same_frames():
    tf = pytest.importorskip("tensorflow")
    for length in (1, 5, 17, 100):
        for views in (1, 3, 5):
            ours = view_indices(tf.constant(length, "int64"), 8, 3, views, tf)
            np.testing.assert_array_equal(ours, view_indices(length, 8, 3, views))
        ours = random_indices(tf.constant(length, "int64"), 8, 3, tf.constant(9**15, "int64"), tf)
        np.testing.assert_array_equal(ours, random_indices(length, 8, 3, 9**15))
