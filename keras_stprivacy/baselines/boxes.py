"""Boxes of persons: the forms in which they come, and the pixels inside.

A box is `ymin, xmin, ymax, xmax` in shares of the frame, 0 to 1, as in the clip records. A row that
is all NaN, or whose area is 0, is no box: arrays are filled up with such rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# A box on a pixel's edge does not reach the next pixel because of a rounding error.
_EDGE = 1e-4


def standardize_boxes(boxes: Any, clips: int, frames: int) -> np.ndarray:
    """Brings boxes into one form.

    Args:
        boxes: an array (B, T, 4) with one box a frame, or (B, T, K, 4) with up to K, filled up
            with NaN or zeros; or a sequence of B clips, each a sequence of T frames, each an
            array (K, 4) with any K, also 0.
        clips: B.
        frames: T.

    Returns:
        A float32 array (B, T, K, 4), NaN where there is no box, or one beside the frame.

    Raises:
        ValueError: if they are of another form, no shares of the frame, NaN in part, or if a
            lower edge is above an upper one: such a person would stay visible.

    Example:

    >>> standardize_boxes([[np.zeros((0, 4)), np.array([[0.1, 0.2, 0.5, 0.6]])]], 1, 2).shape
    (1, 2, 1, 4)
    """
    if not isinstance(boxes, np.ndarray):
        boxes = _filled(boxes)
    boxes = np.asarray(boxes, "float32")
    if boxes.ndim == 3:
        boxes = boxes[:, :, None]
    if boxes.ndim != 4 or boxes.shape[:2] != (clips, frames) or boxes.shape[3] != 4:
        raise ValueError(
            f"boxes must have the shape ({clips}, {frames}, 4) or ({clips}, {frames}, K, 4): "
            f"clips, frames, boxes of a frame, (ymin, xmin, ymax, xmax). Received: {boxes.shape}"
        )
    if np.nanmax(np.abs(boxes), initial=0.0) > 2.0:
        raise ValueError(
            "boxes must be shares of the frame, 0 to 1. Received: values up to "
            f"{np.nanmax(np.abs(boxes)):g}; divide pixels by height and width."
        )
    missing = np.isnan(boxes)
    turned = (boxes[..., 2] < boxes[..., 0]) | (boxes[..., 3] < boxes[..., 1])
    broken = turned | (missing.any(axis=-1) & ~missing.all(axis=-1))
    if broken.any():
        raise ValueError(
            "a box must be ymin <= ymax, xmin <= xmax, without NaN; a row of NaN alone is no box. "
            f"Received: {boxes[broken][0].tolist()} in clip {int(np.argwhere(broken)[0][0])}, "
            f"frame {int(np.argwhere(broken)[0][1])}"
        )
    boxes = np.clip(boxes, 0.0, 1.0)  # one beside the frame is none
    empty = ~((boxes[..., 2] > boxes[..., 0]) & (boxes[..., 3] > boxes[..., 1]))
    return np.where(empty[..., None], np.float32(np.nan), boxes)


def frames_with_box(boxes: np.ndarray) -> np.ndarray:
    """Which frames have a box.

    Args:
        boxes: from `standardize_boxes`.

    Returns:
        A bool array (B, T).

    Example:

    >>> frames_with_box(standardize_boxes(np.zeros((1, 2, 4)), 1, 2)).tolist()
    [[False, False]]
    """
    return np.isfinite(boxes).all(axis=-1).any(axis=-1)


def inside(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixels are at least partly in a box.

    Args:
        boxes: from `standardize_boxes`.
        height: of the frames, in pixels.
        width: of the frames, in pixels.

    Returns:
        A bool array (B, T, height, width).

    Example:

    >>> box = standardize_boxes(np.array([[[0.0, 0.5, 0.5, 1.0]]]), 1, 1)
    >>> inside(box, 2, 4)[0, 0].astype(int).tolist()
    [[0, 0, 1, 1], [0, 0, 0, 0]]
    """
    low_y, low_x, high_y, high_x = np.moveaxis(boxes[..., None], -2, 0)  # (B, T, K, 1) each
    y, x = np.arange(height), np.arange(width)
    # A comparison with NaN is false: no box, no pixel.
    rows = (y + 1 > low_y * height + _EDGE) & (y < high_y * height - _EDGE)
    columns = (x + 1 > low_x * width + _EDGE) & (x < high_x * width - _EDGE)
    return (rows[..., :, None] & columns[..., None, :]).any(axis=2)


def detected_boxes(detector: Callable, clips: np.ndarray) -> np.ndarray:
    """Asks a detector about every frame.

    Args:
        detector: a function from frames (N, H, W, 3), uint8, to boxes: a sequence with an array
            (K, 4) for each frame, or one array (N, K, 4).
        clips: float array (B, T, H, W, 3) in [0, 1].

    Returns:
        As `standardize_boxes`.

    Raises:
        ValueError: if it does not answer for every frame, or in another form.

    Example:

    >>> whole = lambda frames: np.tile([0.0, 0.0, 1.0, 1.0], (len(frames), 1, 1))
    >>> detected_boxes(whole, np.zeros((1, 2, 4, 4, 3))).shape
    (1, 2, 1, 4)
    """
    count, frames = clips.shape[:2]
    pixels = np.rint(clips.reshape(-1, *clips.shape[2:]) * 255.0).astype("uint8")
    found = list(detector(pixels))
    if len(found) != len(pixels):
        raise ValueError(
            f"the detector must give boxes for each of {len(pixels)} frames. Received: {len(found)}"
        )
    grouped = [found[clip * frames : (clip + 1) * frames] for clip in range(count)]
    return standardize_boxes(grouped, count, frames)


def _filled(clips: Any) -> np.ndarray:
    """Ragged boxes as one array, filled up with NaN."""
    each = [[np.asarray(frame, "float32").reshape(-1, 4) for frame in clip] for clip in clips]
    lengths = {len(clip) for clip in each}
    if len(lengths) != 1:
        raise ValueError(
            "boxes must have an entry for every frame of every clip, also where there is no box. "
            f"Received: clips of {sorted(lengths)} frames"
        )
    most = max((len(frame) for clip in each for frame in clip), default=0)
    filled = np.full((len(each), lengths.pop(), max(most, 1), 4), np.nan, "float32")
    for place, clip in enumerate(each):
        for number, frame in enumerate(clip):
            filled[place, number, : len(frame)] = frame
    return filled
