"""Small pieces that several networks share."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.baselines.clip_shape import checked_clip_shape

# As PyTorch's default; with that of Keras, 0.99, short trainings end with statistics of the start.
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}


def scaled(width: float, channels: int) -> int:
    """Channels of a network that is `width` times as wide, at least 1.

    Raises:
        ValueError: unless `width` is positive.

    Example:

    >>> scaled(0.25, 64), scaled(0.01, 64)
    (16, 1)
    """
    if not width > 0:
        raise ValueError(f"width must be positive. Received: width={width}")
    return max(1, round(width * channels))


def clip_input(num_classes: int, clip_shape: tuple[int, ...]) -> Any:
    """Where clips enter a classifier, after a check of its sizes.

    Args:
        num_classes: outputs of the classifier.
        clip_shape: `(T, H, W, 3)`.

    Returns:
        A symbolic tensor (B, T, H, W, 3).

    Raises:
        ValueError: for sizes that no classifier of clips has.

    Example:

    >>> clip_input(8, (8, 32, 32, 3)).shape
    (None, 8, 32, 32, 3)
    """
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1. Received: num_classes={num_classes}")
    return keras.Input(checked_clip_shape(clip_shape))


def to_model_range(pixels: Any) -> Any:
    """Pixels in [0, 1] as [-1, 1].

    Example:

    >>> float(to_model_range(ops.array(0.75)))
    0.5
    """
    return pixels * 2.0 - 1.0


@keras.saving.register_keras_serializable("keras_stprivacy")
class AlignedUpsampling2D(keras.layers.Layer):
    """Doubles height and width bilinearly, corners on corners (PyTorch's `align_corners=True`).

    Input shape:
        `(B, H, W, C)`.

    Output shape:
        `(B, 2H, 2W, C)`.

    Example:

    >>> row = ops.reshape(ops.array([0.0, 3.0]), (1, 1, 2, 1))
    >>> ops.convert_to_numpy(AlignedUpsampling2D()(row))[0, 0, :, 0].round(4).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    def build(self, input_shape: tuple) -> None:
        self.down = aligned_weights(input_shape[1], 2 * input_shape[1])
        self.across = aligned_weights(input_shape[2], 2 * input_shape[2])
        self.built = True

    def call(self, images: Any) -> Any:
        down, across = (ops.cast(w, images.dtype) for w in (self.down, self.across))
        images = ops.einsum("ih,nhwc->niwc", down, images)
        return ops.einsum("jw,niwc->nijc", across, images)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], 2 * input_shape[1], 2 * input_shape[2], input_shape[3])


def aligned_weights(before: int, after: int) -> np.ndarray:
    """How much of each old position is in each new one, first on first and last on last.

    Args:
        before: old length.
        after: new length.

    Returns:
        A float32 array (after, before) whose rows sum to 1.

    Example:

    >>> aligned_weights(2, 3).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    place = np.linspace(0.0, before - 1.0, after)
    distance = np.abs(place[:, None] - np.arange(before))
    return np.maximum(0.0, 1.0 - distance).astype("float32")


@keras.saving.register_keras_serializable("keras_stprivacy")
class TimeDilatedConv3D(keras.layers.Conv3D):
    """A 3x3x3 convolution with dilation 2 in time and a stride in space.

    Keras has strides and dilations, but not both in one layer: here even and odd frames go through
    the convolution apart, which is the same. Zeros around, one in space and two in time.

    Args:
        filters: output channels.
        strides: int, in space.
        use_bias: whether there is a bias.

    Input shape:
        `(B, T, H, W, C)`.

    Output shape:
        `(B, T, ceil(H / strides), ceil(W / strides), filters)`.

    Example:

    >>> tuple(TimeDilatedConv3D(4, strides=2)(ops.zeros((1, 5, 6, 6, 3))).shape)
    (1, 5, 3, 3, 4)
    """

    def __init__(
        self, filters: int, strides: int = 1, use_bias: bool = False, **kwargs: Any
    ) -> None:
        for fixed in ("kernel_size", "padding", "dilation_rate", "data_format", "groups"):
            kwargs.pop(fixed, None)
        strides = strides[-1] if isinstance(strides, (list, tuple)) else strides
        super().__init__(filters, 3, (1, strides, strides), "valid", use_bias=use_bias, **kwargs)

    def call(self, clips: Any) -> Any:
        frames, height, width, channels = clips.shape[1:]
        odd = frames % 2  # zeros at the end are what lies beyond it anyway
        clips = ops.pad(clips, ((0, 0), (0, odd), (1, 1), (1, 1), (0, 0)))
        shape = (-1, (frames + odd) // 2, 2, height + 2, width + 2, channels)
        apart = ops.transpose(ops.reshape(clips, shape), (0, 2, 1, 3, 4, 5))
        apart = ops.reshape(apart, (-1, shape[1], *shape[3:]))
        apart = super().call(ops.pad(apart, ((0, 0), (1, 1), (0, 0), (0, 0), (0, 0))))
        down, across = apart.shape[2:4]
        apart = ops.reshape(apart, (-1, 2, shape[1], down, across, self.filters))
        joined = ops.transpose(apart, (0, 2, 1, 3, 4, 5))
        return ops.reshape(joined, (-1, frames + odd, down, across, self.filters))[:, :frames]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        stride = self.strides[-1]
        height, width = (-(-side // stride) for side in input_shape[2:4])
        return (*input_shape[:2], height, width, self.filters)
