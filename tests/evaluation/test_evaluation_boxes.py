"""Boxes of whole videos go where the pixels go."""

import numpy as np
import pytest

from keras_stprivacy.evaluation.sources import Source
from keras_stprivacy.evaluation.view_boxes import crop_boxes, video_view_boxes
from keras_stprivacy.evaluation.views import video_views

pytestmark = pytest.mark.any_backend

SHAPE = (4, 16, 16, 3)


def _marked(frames=12, height=32, width=64):
    """A black video with a white box that moves to the right, and the box."""
    video = np.zeros((frames, height, width, 3), "uint8")
    boxes = np.zeros((frames, 4), "float32")
    for t in range(frames):
        left = 4 * t
        video[t, 8:24, left : left + 16] = 255
        boxes[t] = 8 / height, left / width, 24 / height, (left + 16) / width
    return video, boxes


def _inside(clip, box):
    """Mean brightness inside and outside of a box in a frame."""
    y0, x0, y1, x1 = np.round(np.asarray(box) * 16).astype(int)
    inside = np.zeros((16, 16), bool)
    inside[y0:y1, x0:x1] = True
    return clip[inside].mean(), clip[~inside].mean()


def test_boxes_of_views_hold_what_they_held():
    video, boxes = _marked()
    views = video_views(video, SHAPE, views=(3, 3))
    cut = video_view_boxes(boxes[:, None], video.shape[1:3], SHAPE, views=(3, 3))
    assert cut.shape == (9, 4, 1, 4)
    seen = 0
    for view, frames in zip(views, cut[:, :, 0], strict=True):
        for frame, box in zip(view, frames, strict=True):
            if np.isnan(box).any():
                assert frame.max() < 64  # nothing of it is in the crop but its edge
            elif (np.abs(box * 16 - np.round(box * 16)) < 1e-4).all() and box[3] - box[1] > 0.2:
                inside, outside = _inside(frame, box)
                assert inside > 220 and outside < 20
                seen += 1
    assert seen > 8


def test_boxes_of_drawn_clips_hold_what_they_held():
    video, boxes = _marked()
    labels = {"action": np.zeros(6, int), "privacy": np.zeros((6, 1), int), "boxes": [boxes] * 6}
    source = Source(([video] * 6, labels), "train", SHAPE, seed=3)
    batch = next(source.batches())
    assert batch.clips.shape == (6, 1, *SHAPE) and batch.boxes.shape == (6, 1, 4, 1, 4)
    again = next(Source(([video] * 6, {**labels}), "train", SHAPE, seed=3).batches())
    np.testing.assert_array_equal(batch.clips, again.clips)
    without = Source(
        ([video] * 6, {k: v for k, v in labels.items() if k != "boxes"}), "train", SHAPE, seed=3
    )
    np.testing.assert_array_equal(batch.clips, next(without.batches()).clips)
    for clip, box in zip(batch.clips[:, 0, 0], batch.boxes[:, 0, 0, 0], strict=True):
        if not np.isnan(box).any():
            y0, x0 = (box[:2] * 16).astype(int)
            assert clip[min(y0 + 2, 15), min(x0, 15)].max() > 0.4


def test_what_leaves_the_crop_is_no_box():
    gone = crop_boxes(np.array([[0.0, 0.0, 1.0, 0.2]]), (16, 64), (16, 16), top=0, left=30)
    assert np.isnan(gone).all()
    empty = np.full((1, 4), np.nan)
    assert np.isnan(crop_boxes(empty, (16, 64), (16, 16), 0, 0)).all()


def test_bad_boxes():
    video, boxes = _marked()
    labels = {"action": np.zeros(1, int), "privacy": np.zeros((1, 1), int)}
    for bad, words in (([boxes[:3]], r"shape \(12, 4\)"), ([boxes, boxes], "each of 1 videos")):
        source = Source(([video], {**labels, "boxes": bad}), "train", SHAPE)
        with pytest.raises(ValueError, match=words):
            next(source.batches())
