"""Between clips and tubelets: the same reshapes for the embedding, the head and the masks."""

import numbers
from typing import Any

from keras import ops


def check_tubelet_size(tubelet_size: Any) -> tuple[int, int, int]:
    """Returns a tubelet size as a tuple of three integers `(δT, δH, δW)`.

    Raises:
        ValueError: if it is something else.

    Example:

    >>> check_tubelet_size([2, 16, 16])
    (2, 16, 16)
    """
    sizes = tuple(tubelet_size) if hasattr(tubelet_size, "__iter__") else ()
    if len(sizes) != 3 or not all(isinstance(size, numbers.Integral) for size in sizes):
        raise ValueError(
            "tubelet_size must be three integers (frames, height, width), such as (2, 16, 16). "
            f"Received: tubelet_size={tubelet_size!r}"
        )
    frames, height, width = map(int, sizes)
    return (frames, height, width)


def grid_shape(
    clip_size: tuple[int, int, int], tubelet_size: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Returns how many tubelets a clip holds along time, height and width.

    Args:
        clip_size: frames, height and width of the clip, `(T, H, W)`.
        tubelet_size: frames, height and width of a tubelet, `(δT, δH, δW)`.

    Returns:
        `(L, H / δH, W / δW)`; a tubelet row holds `N = (H / δH) (W / δW)` tubelets.

    Raises:
        ValueError: if a tubelet size is not positive, or does not divide the clip size.

    Example:

    >>> grid_shape((16, 112, 112), (2, 16, 16))
    (8, 7, 7)
    """
    names = ("num_frames", "image height", "image width")
    lengths = ("length", "height", "width")
    for name, length, size, tubelet in zip(names, lengths, clip_size, tubelet_size, strict=True):
        if tubelet < 1:
            raise ValueError(
                f"tubelet {length} must be at least 1. Received: tubelet_size={tubelet_size}"
            )
        if size < 1 or size % tubelet:
            raise ValueError(
                f"{name} must be a positive multiple of the tubelet {length} {tubelet}. "
                f"Received: {name}={size}; the nearest is {max(1, round(size / tubelet)) * tubelet}"
            )
    return tuple(size // tubelet for size, tubelet in zip(clip_size, tubelet_size, strict=True))  # type: ignore[return-value]


def clip_to_tubelets(clip: Any, tubelet_size: tuple[int, int, int]) -> Any:
    """Cuts clips `(B, T, H, W, C)` into tubelets `(B, L·N, δT·δH·δW·C)`, row by row."""
    t, h, w = tubelet_size
    frames, height, width, channels = clip.shape[1:]
    x = ops.reshape(
        clip, (-1, frames // t, t, height // h, h, width // w, w, channels)
    )  # (B, L, δT, H/δH, δH, W/δW, δW, C)
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4, 6, 7))
    tokens = (frames // t) * (height // h) * (width // w)
    return ops.reshape(x, (-1, tokens, t * h * w * channels))


def tubelets_to_clip(
    tubelets: Any, grid: tuple[int, int, int], tubelet_size: tuple[int, int, int]
) -> Any:
    """Puts tubelets `(B, L·N, δT·δH·δW·C)` back into clips `(B, T, H, W, C)`."""
    (rows, down, across), (t, h, w) = grid, tubelet_size
    channels = tubelets.shape[-1] // (t * h * w)
    x = ops.reshape(tubelets, (-1, rows, down, across, t, h, w, channels))
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3, 6, 7))  # (B, L, δT, H/δH, δH, W/δW, δW, C)
    return ops.reshape(x, (-1, rows * t, down * h, across * w, channels))


def mask_to_pixels(
    decision_mask: Any, grid: tuple[int, int, int], tubelet_size: tuple[int, int, int]
) -> Any:
    """Spreads a decision mask `(B, L·N)` over the pixels it decides: `(B, T, H, W, 1)`."""
    x = ops.reshape(decision_mask, (-1, *grid))
    for axis in (3, 2, 1):  # one after the other: a tile of eight axes is slow
        x = ops.repeat(x, tubelet_size[axis - 1], axis=axis)
    return x[..., None]
