"""Resizing of frames as a product with two matrices, exact and the same everywhere."""

from __future__ import annotations

import numpy as np


def resample(frames: np.ndarray, size: tuple[int, int], method: str = "bilinear") -> np.ndarray:
    """Resizes frames.

    Args:
        frames: float array (..., H, W, C).
        size: new height and width.
        method: `"bilinear"`: a triangle filter, widened where the frames shrink, which is
            antialiasing; or `"nearest"`.

    Returns:
        An array (..., height, width, C) of the same dtype.

    Example:

    >>> row = np.array([0.0, 1.0, 0.0, 0.0]).reshape(1, 1, 4, 1)
    >>> resample(row, (1, 2)).ravel().tolist()
    [0.42857142857142855, 0.14285714285714285]
    """
    down = weights(frames.shape[-3], size[0], method).astype(frames.dtype)
    across = weights(frames.shape[-2], size[1], method).astype(frames.dtype)
    return np.einsum("ih,...hwc,jw->...ijc", down, frames, across, optimize=True)


def weights(before: int, after: int, method: str = "bilinear") -> np.ndarray:
    """How much of each old position is in each new one; pixel centres are at halves.

    Args:
        before: old length.
        after: new length.
        method: see `resample`.

    Returns:
        A float64 array (after, before) whose rows sum to 1.

    Example:

    >>> weights(4, 2, "nearest").tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    if method == "nearest":  # in integers: a centre on an edge belongs to what is behind it
        return np.eye(before)[(2 * np.arange(after) + 1) * before // (2 * after)]
    scale = before / after
    centres = (np.arange(after) + 0.5) * scale
    reach = max(scale, 1.0)
    distance = np.abs(np.arange(before) + 0.5 - centres[:, None]) / reach
    triangle = np.maximum(0.0, 1.0 - distance)
    return triangle / triangle.sum(axis=1, keepdims=True)
