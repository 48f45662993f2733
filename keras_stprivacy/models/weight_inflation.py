"""Kernels and position embeddings of image transformers, made into those of clips."""

import numpy as np

INFLATIONS = ("averaging", "central")


def inflate_kernel(kernel: np.ndarray, frames: int, inflation: str = "averaging") -> np.ndarray:
    """Makes a tubelet kernel of an image patch kernel.

    Args:
        kernel: `(δH, δW, C, D)`.
        frames: `δT`.
        inflation: `"averaging"`: repeated and divided by `δT`; `"central"`: in frame `δT // 2`
            alone, zeros elsewhere.

    Returns:
        `(δT, δH, δW, C, D)`.

    Raises:
        ValueError: for an unknown inflation.

    Example:

    >>> inflate_kernel(np.ones((1, 1, 1, 1)), 2).ravel().tolist()
    [0.5, 0.5]
    """
    if inflation not in INFLATIONS:
        raise ValueError(
            f"inflation must be one of {INFLATIONS}. Received: inflation={inflation!r}"
        )
    if inflation == "averaging":
        return np.repeat(kernel[None], frames, axis=0) / frames
    inflated = np.zeros((frames, *kernel.shape), kernel.dtype)
    inflated[frames // 2] = kernel
    return inflated


def resize_position_embedding(embedding: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes the position embedding of an image transformer, bicubically.

    Args:
        embedding: `(1, n, D)` or `(n, D)`; `n` is a square number of positions, with up to two
            class or distillation tokens in front, which are dropped.
        size: `(H / δH, W / δW)`.

    Returns:
        `(H/δH · W/δW, D)`.

    Raises:
        ValueError: if no square number of positions is in it.

    Example:

    >>> resize_position_embedding(np.ones((1, 197, 4), "float32"), (7, 7)).shape
    (49, 4)
    """
    embedding = embedding.reshape(-1, embedding.shape[-1])
    n = embedding.shape[0]
    extra = next((k for k in (0, 1, 2) if round((n - k) ** 0.5) ** 2 == n - k), None)
    if extra is None or n == extra:
        raise ValueError(f"{n} positions are no square, with or without class tokens")
    side = round((n - extra) ** 0.5)
    grid = embedding[extra:].reshape(side, side, -1)
    for axis in (0, 1):
        grid = np.tensordot(_bicubic(side, size[axis]), grid, axes=(1, axis))
        grid = np.moveaxis(grid, 0, axis)
    return grid.reshape(size[0] * size[1], -1).astype(embedding.dtype)


def _bicubic(length: int, new_length: int) -> np.ndarray:
    """Weights `(new_length, length)` of PyTorch's bicubic interpolation, which DeiT's users apply.

    Cubic convolution with a = -0.75, pixel centres aligned, borders repeated; the backends of Keras
    disagree on it.
    """
    a = -0.75
    centre = (np.arange(new_length) + 0.5) * length / new_length - 0.5
    weights = np.zeros((new_length, length))
    for tap in range(-1, 3):
        index = np.floor(centre).astype(int) + tap
        x = np.abs(centre - index)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        value = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
        np.add.at(weights, (np.arange(new_length), index.clip(0, length - 1)), value)
    return weights
