"""The shape of clips, checked."""

from collections.abc import Iterable


def checked_clip_shape(clip_shape: Iterable[int]) -> tuple[int, int, int, int]:
    """A shape of clips as a tuple of ints.

    Args:
        clip_shape: `(T, H, W, 3)`.

    Raises:
        ValueError: if it is another.

    Example:

    >>> checked_clip_shape([8, 32, 32, 3])
    (8, 32, 32, 3)
    """
    shape = tuple(int(size) for size in clip_shape)
    if len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        raise ValueError(
            "clip_shape must be (frames, height, width, 3), each at least 1. Received: "
            f"clip_shape={clip_shape}"
        )
    return shape
