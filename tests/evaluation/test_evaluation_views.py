"""Views of whole videos: where they begin, how they are cropped, what is computed once."""

import numpy as np
import pytest

from keras_stprivacy.evaluation.random_views import random_view
from keras_stprivacy.evaluation.views import (
    average_views,
    spatial_views,
    temporal_views,
    unique_views,
    video_views,
)

pytestmark = pytest.mark.any_backend


def _numbered(frames, height=4, width=4):
    video = np.zeros((frames, height, width, 3), "uint8")
    video[:] = np.arange(frames, dtype="uint8")[:, None, None, None]
    return video


def _frames(clips):
    return clips[:, :, 0, 0, 0]


@pytest.mark.parametrize("length", [16, 17, 19, 20, 37, 100])
def test_temporal_views_begin_where_the_method_says(length):
    clips = temporal_views(_numbered(length), num_frames=16, num_views=5)
    starts = [int(k * max(0, (length - 16) / 4)) for k in range(5)]
    assert _frames(clips).tolist() == [list(range(s, s + 16)) for s in starts]


def test_a_short_tail_is_continued_with_the_last_frame():
    clips = temporal_views(_numbered(5), num_frames=8, num_views=5)
    assert (_frames(clips) == [0, 1, 2, 3, 4, 4, 4, 4]).all()


def test_frame_step_samples_first():
    clips = temporal_views(_numbered(21), num_frames=4, num_views=2, frame_step=5)
    assert _frames(clips).tolist() == [[0, 5, 10, 15], [5, 10, 15, 20]]


def test_a_single_view_is_the_middle():
    assert _frames(temporal_views(_numbered(10), 4, num_views=1)).tolist() == [[3, 4, 5, 6]]


@pytest.mark.parametrize("axis", [1, 2])
def test_spatial_views_go_from_end_to_end_of_the_long_side(axis):
    long = np.zeros((2, 24, 8, 3), "uint8")
    long[:] = np.arange(24, dtype="uint8")[None, :, None, None]
    if axis == 2:
        long = long.transpose(0, 2, 1, 3)
    crops = spatial_views(long, (8, 8), num_views=3)
    first = crops[:, 0, 0, 0, 0]
    assert crops.shape == (3, 2, 8, 8, 3) and first.tolist() == [0, 8, 16]


def test_the_short_side_is_resized_to_the_input():
    clip = np.random.default_rng(0).integers(0, 255, (2, 30, 40, 3)).astype("uint8")
    assert spatial_views(clip, (15, 15)).shape == (3, 2, 15, 15, 3)
    # A wide input: the height of a square video is what is left over.
    assert spatial_views(clip[:, :, :30], (10, 20)).shape == (3, 2, 10, 20, 3)
    whole = np.full((2, 30, 40, 3), 0.25, "float32")
    crops = spatial_views(whole, (15, 15))
    assert crops.dtype == np.float32
    np.testing.assert_allclose(crops, 0.25, atol=1e-6)


def test_video_views_and_their_order():
    video = _numbered(20, 8, 16)
    views = video_views(video, (8, 8, 8, 3), views=(5, 3))
    assert views.shape == (15, 8, 8, 8, 3)
    assert views[:, 0, 0, 0, 0].tolist() == [0] * 3 + [3] * 3 + [6] * 3 + [9] * 3 + [12] * 3


def test_a_video_as_small_as_the_clip_has_one_view():
    views = video_views(_numbered(8, 8, 8), (8, 8, 8, 3))
    kept, count = unique_views(views)
    assert len(views) == 15 and len(kept) == 1 and count.tolist() == [15]


def test_unique_views_average_like_all_views():
    rng = np.random.default_rng(0)
    views = rng.integers(0, 9, (6, 2, 2)).astype("uint8")[[0, 1, 0, 2, 1, 0]]
    kept, count = unique_views(views)
    assert count.tolist() == [3, 2, 1]
    score = kept.reshape(3, -1).mean(axis=1, keepdims=True)
    averaged = average_views(score, np.zeros(3, int), count, num_videos=1)
    assert averaged[0, 0] == pytest.approx(views.reshape(6, -1).mean(axis=1).mean())


def test_random_views_stay_inside_and_differ():
    rng = np.random.default_rng(0)
    video = _numbered(30, 8, 20)
    video[..., 1] = np.arange(20)
    drawn = [random_view(video, (8, 8, 8, 3), rng, frame_step=2) for _ in range(40)]
    starts = {int(clip[0, 0, 0, 0]) for clip in drawn}
    assert starts <= set(range(0, 15, 2)) and len(starts) > 3
    assert len({int(clip[0, 0, 0, 1]) for clip in drawn}) > 3
    assert all((np.diff(clip[:, 0, 0, 0].astype(int)) == 2).all() for clip in drawn)


def test_bad_videos():
    with pytest.raises(ValueError, match="at least one frame"):
        temporal_views(np.zeros((0, 4, 4, 3), "uint8"), 8)
    with pytest.raises(ValueError, match=r"shape \(4, 4, 3\)"):
        spatial_views(np.zeros((4, 4, 3), "uint8"), (4, 4))
    with pytest.raises(ValueError, match="num_views=0"):
        temporal_views(_numbered(4), 4, num_views=0)
    with pytest.raises(ValueError, match="video 1"):
        average_views(np.ones((1, 2)), np.array([0]), np.array([1]), num_videos=2)
