"""What anonymizer and recognizer share about the clips that they take."""

import numbers
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.models.tensor_values import lowest_and_highest


def normalize_image_size(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """Returns `(height, width)` of an image size given as an int or a pair.

    Raises:
        ValueError: if it is neither, or not of whole numbers.

    Example:

    >>> normalize_image_size(112)
    (112, 112)
    """
    whole = isinstance(image_size, numbers.Integral)
    pair: list[Any] = [image_size] * 2 if whole else np.ravel(np.asarray(image_size)).tolist()
    if len(pair) != 2 or not all(isinstance(size, numbers.Integral) for size in pair):
        raise ValueError(
            f"image_size must be an int or a pair of ints (height, width). Received: {image_size}"
        )
    return (int(pair[0]), int(pair[1]))


def as_written(value: Any) -> Any:
    """Returns lists and arrays as tuples, which is what a configuration gives back.

    Example:

    >>> as_written([0.4, 0.5, 0.6]), as_written(0.5)
    ((0.4, 0.5, 0.6), 0.5)
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, (list, tuple)) else value


def check_clip_spec(clip: Any, clip_shape: tuple[int, ...], owner: str) -> None:
    """Checks rank, size and dtype of a batch of clips, also while a graph is traced.

    Args:
        clip: array or tensor, needed as float `(B, T, H, W, C)`.
        clip_shape: `(T, H, W, C)` that the owner was built for.
        owner: name for the messages.

    Raises:
        ValueError: if the rank or the size is another.
        TypeError: if the pixels are not floats.
    """
    shape = tuple(clip.shape)
    if len(shape) != 5:
        raise ValueError(
            f"{owner} takes clips of rank 5, (batch, frames, height, width, channels). Received: "
            f"shape {shape}" + ("; add a batch axis: clip[None]" if len(shape) == 4 else "")
        )
    if shape[1:] != tuple(clip_shape):
        raise ValueError(
            f"{owner} was built for clips of (frames, height, width, channels) = "
            f"{tuple(clip_shape)}. Received: {shape[1:]}. Resize the clips, or build the model "
            "with num_frames and image_size of the clips."
        )
    if "float" not in keras.backend.standardize_dtype(clip.dtype):
        raise TypeError(
            f"{owner} takes float pixels in [0, 1]. Received: dtype "
            f"{keras.backend.standardize_dtype(clip.dtype)}; convert 8-bit pixels with "
            'clip.astype("float32") / 255'
        )


def check_clip_values(clip: np.ndarray, owner: str, any_range: bool = False) -> None:
    """Checks the pixels of a NumPy array.

    Args:
        clip: float array, pixels in [0, 1].
        owner: name for the messages.
        any_range: whether finite pixels of any range will do.

    Raises:
        ValueError: if a pixel is NaN or infinite, or if the range is evidently not [0, 1].
    """
    if clip.size == 0 or "float" not in clip.dtype.name:  # bfloat16 is no float of NumPy's
        return
    low, high = float(clip.min()), float(clip.max())  # NaN anywhere makes both NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = np.argwhere(~np.isfinite(clip))[0]
        raise ValueError(
            f"{owner} takes finite pixels in [0, 1]. Received: {clip[tuple(bad)]} at index "
            f"{tuple(int(i) for i in bad)}. Repair or leave out that clip."
        )
    if not any_range and (low < -1.0 or high > 2.0):
        raise ValueError(
            f"{owner} takes pixels in [0, 1]. Received: values from {low:g} to {high:g}. Divide "
            "8-bit pixels by 255."
        )


def check_clip_tensor(clip: Any, owner: str, any_range: bool = False) -> None:
    """Checks the pixels of a tensor, where it has values and not only a place in a graph.

    Args:
        clip: float tensor, pixels in [0, 1].
        owner: name for the messages.
        any_range: whether finite pixels of any range will do.

    Raises:
        ValueError: as `check_clip_values`.
    """
    ends = lowest_and_highest(clip)
    if ends is None or not keras.backend.is_float_dtype(clip.dtype):
        return  # what is no float is told when the model is called
    if np.isfinite(ends).all() and (any_range or -1.0 <= ends[0] <= ends[1] <= 2):
        return
    check_clip_values(ops.convert_to_numpy(ops.cast(clip, "float32")), owner)


class PixelRange:
    """Between pixel space [0, 1] and model space `(pixel − mean) / std`.

    Args:
        mean: float, or one float a channel.
        std: float, or one float a channel, above 0.

    Raises:
        ValueError: if a `std` is not positive.
    """

    def __init__(self, mean: Any, std: Any) -> None:
        self.mean = np.asarray(mean, dtype="float32")
        self.std = np.asarray(std, dtype="float32")
        if not (self.std > 0).all():
            raise ValueError(f"std must be positive. Received: std={std}")

    def to_model(self, clip: Any) -> Any:
        """`(pixel − mean) / std`."""
        return (clip - ops.cast(self.mean, clip.dtype)) / ops.cast(self.std, clip.dtype)

    def to_pixels(self, clip: Any) -> Any:
        """`value · std + mean`."""
        return clip * ops.cast(self.std, clip.dtype) + ops.cast(self.mean, clip.dtype)
