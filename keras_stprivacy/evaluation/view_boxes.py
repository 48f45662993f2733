"""Boxes of whole videos, cut like the views of the video are."""

import numpy as np

from keras_stprivacy.evaluation.views import cover_size, view_corners, view_frames


def crop_boxes(
    boxes: np.ndarray,
    size: tuple[int, ...],
    image_size: tuple[int, int],
    top: int,
    left: int,
) -> np.ndarray:
    """Boxes of frames, as shares of a crop of the resized frames.

    Args:
        boxes: array (..., 4) of ymin, xmin, ymax, xmax in shares of the frame; NaN: no box.
        size: height and width of the frames.
        image_size: height and width of the crop; frames were resized to just cover it.
        top: of the crop, in pixels of the resized frames.
        left: likewise.

    Returns:
        A float32 array (..., 4), NaN where nothing of a box is in the crop.

    Example:

    >>> crop_boxes(np.array([0.0, 0.5, 1.0, 1.0]), (8, 16), (8, 8), top=0, left=4).tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    covered = np.asarray(cover_size(size, image_size) * 2, "float64")
    corner = np.asarray((top, left) * 2, "float64")
    moved = (boxes * covered - corner) / np.asarray(image_size * 2, "float64")
    moved = np.clip(moved, 0.0, 1.0)
    empty = ~((moved[..., 2] > moved[..., 0]) & (moved[..., 3] > moved[..., 1]))
    return np.where(empty[..., None], np.nan, moved).astype("float32")


def video_view_boxes(
    boxes: np.ndarray,
    size: tuple[int, ...],
    clip_shape: tuple[int, ...],
    views: tuple[int, int] = (5, 3),
    frame_step: int = 1,
) -> np.ndarray:
    """Boxes of all views of a video, in the order of `video_views`.

    Args:
        boxes: array (frames, K, 4), see `crop_boxes`.
        size: height and width of the video.
        clip_shape: `(T, H, W, 3)` of a view.
        views: how many temporal and how many spatial views.
        frame_step: every how many frames one is taken.

    Returns:
        A float32 array (temporal · spatial, T, K, 4).

    Example:

    >>> video_view_boxes(np.zeros((40, 1, 4)), (24, 32), (8, 16, 16, 3)).shape
    (15, 8, 1, 4)
    """
    index = view_frames(len(boxes), clip_shape[0], views[0], frame_step)
    image_size = (clip_shape[1], clip_shape[2])
    corners = view_corners(cover_size(size, image_size), image_size, views[1])
    return np.stack(
        [
            crop_boxes(boxes[frames], size, image_size, top, left)
            for frames in index
            for top, left in corners
        ]
    )
