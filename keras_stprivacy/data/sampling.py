"""Which frames, and which part of a frame, a clip is made of.

Everything here is arithmetic on numbers of frames and pixels, done before anything is decoded. The
argument `xp` is the module whose arrays are used: `numpy`, or `tensorflow` inside a tf.data map.
"""

from types import ModuleType
from typing import Any

import numpy as np


def random_indices(
    length: Any, num_frames: int, frame_step: int, draw: Any, xp: ModuleType = np
) -> Any:
    """Frame indices of a clip that starts anywhere in a video.

    Every start at which the clip fits is as likely as any other. A video shorter than the clip is
    read from its beginning and its last frame repeated.

    Args:
        length: number of frames in the video, at least 1.
        num_frames: frames of the clip, T.
        frame_step: distance between neighbouring frames of the clip, in frames of the video.
        draw: a uniformly drawn non-negative integer, much larger than `length`.
        xp: `numpy` or `tensorflow`.

    Returns:
        Integer array (T,).

    Example:

    >>> random_indices(10, num_frames=3, frame_step=2, draw=1_000_003)
    array([1, 3, 5])
    """
    span = (num_frames - 1) * frame_step + 1
    start = draw % (xp.maximum(length - span, 0) + 1)
    return xp.minimum(start + np.arange(num_frames) * frame_step, length - 1)


def view_indices(
    length: Any, num_frames: int, frame_step: int, num_views: int = 1, xp: ModuleType = np
) -> Any:
    """Frame indices of clips spread evenly over a video, for evaluation.

    Of the frames at the sampling rate (every `frame_step`-th, `n` of them) view k of V starts at
    `int(k * max(0, n - T) / (V - 1))`; a single view is in the middle. A tail that is too short is
    filled with the last of these frames.

    Args:
        length: number of frames in the video, at least 1.
        num_frames: frames of a clip, T.
        frame_step: distance between neighbouring frames of a clip, in frames of the video.
        num_views: number of clips, V.
        xp: `numpy` or `tensorflow`.

    Returns:
        Integer array (V, T).

    Example:

    >>> view_indices(12, num_frames=2, frame_step=2, num_views=3)
    array([[ 0,  2],
           [ 4,  6],
           [ 8, 10]])
    """
    sampled = (length + frame_step - 1) // frame_step
    starts = spread_offsets(xp.maximum(sampled - num_frames, 0), num_views)
    return xp.minimum(starts[:, None] + np.arange(num_frames), sampled - 1) * frame_step


def spread_offsets(excess: Any, count: int) -> Any:
    """Offsets that spread `count` windows evenly over a length `excess` larger than the window.

    Args:
        excess: by how much the whole is longer than the window, a non-negative integer.
        count: number of windows; a single one is in the middle.

    Returns:
        Integer array (count,).

    Example:

    >>> spread_offsets(np.int64(9), 3)
    array([0, 4, 9])
    """
    if count == 1:
        return excess // 2 + np.zeros(1, "int64")
    return excess * np.arange(count) // (count - 1)
