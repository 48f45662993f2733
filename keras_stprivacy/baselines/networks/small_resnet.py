"""A small residual network for small images."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import BATCH_NORM, scaled
from keras_stprivacy.models.clips import normalize_image_size


@keras.saving.register_keras_serializable("keras_stprivacy")
class SmallResNet(keras.Model):
    """Features of small images: the CIFAR network of He et al., in short.

    3x3 to 16 channels, three stages of 16-32-64 channels with `blocks` residual blocks each, the
    second and third halving height and width, and the mean over what is left.

    Args:
        image_size: pixels, an int or `(H, W)`.
        width: all channels are multiplied by it.
        blocks: residual blocks of a stage; 3 make the ResNet-20 of "Deep Residual Learning".
        preactivation: normalization and ReLU before the convolutions ("Identity Mappings", v2) in
            place of after them (v1).

    Input shape:
        `(B, H, W, 3)`, in [-1, 1].

    Output shape:
        `(B, C)`, C = 64 times the width.

    Example:

    >>> tuple(SmallResNet(32)(np.zeros((1, 32, 32, 3), "float32")).shape)
    (1, 64)
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 32,
        width: float = 1.0,
        blocks: int = 1,
        preactivation: bool = False,
        **kwargs: Any,
    ) -> None:
        size = normalize_image_size(image_size)
        inputs = keras.Input((*size, 3))
        x = _conv(inputs, scaled(width, 16), 1, "stem")
        if not preactivation:
            x = _active(x, "stem")
        block = _block_v2 if preactivation else _block_v1
        for stage, channels in enumerate((16, 32, 64), start=1):
            for i in range(blocks):
                strides = 2 if stage > 1 and i == 0 else 1
                x = block(x, scaled(width, channels), strides, f"stage_{stage}_{i + 1}")
        if preactivation:
            x = _active(x, "last")
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        super().__init__(inputs, x, **kwargs)
        self.image_size = size
        self.width = width
        self.blocks = blocks
        self.preactivation = preactivation

    def get_config(self) -> dict[str, Any]:
        return {
            "image_size": self.image_size,
            "width": self.width,
            "blocks": self.blocks,
            "preactivation": self.preactivation,
            "name": self.name,
        }


def _conv(x: Any, channels: int, strides: int, name: str, kernel: int = 3) -> Any:
    return keras.layers.Conv2D(
        channels, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)


def _norm(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(name=f"{name}_norm", **BATCH_NORM)(x)


def _active(x: Any, name: str) -> Any:
    return keras.layers.ReLU(name=f"{name}_relu")(_norm(x, name))


def _skip(x: Any, channels: int, strides: int, name: str) -> Any:
    if strides == 1 and x.shape[-1] == channels:
        return x
    return _conv(x, channels, strides, f"{name}_skip", kernel=1)


def _block_v1(x: Any, channels: int, strides: int, name: str) -> Any:
    inner = _active(_conv(x, channels, strides, f"{name}_a"), f"{name}_a")
    inner = _norm(_conv(inner, channels, 1, f"{name}_b"), f"{name}_b")
    skip = _skip(x, channels, strides, name)
    if skip is not x:
        skip = _norm(skip, f"{name}_skip")
    return keras.layers.ReLU(name=f"{name}_relu")(skip + inner)


def _block_v2(x: Any, channels: int, strides: int, name: str) -> Any:
    inner = _active(x, f"{name}_a")
    skip = _skip(x, channels, strides, name)
    inner = _conv(inner, channels, strides, f"{name}_a")
    return skip + _conv(_active(inner, f"{name}_b"), channels, 1, f"{name}_b")
