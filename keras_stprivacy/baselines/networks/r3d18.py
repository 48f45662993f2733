"""R3D-18: a residual network of 3-D convolutions."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import (
    BATCH_NORM,
    TimeDilatedConv3D,
    clip_input,
    scaled,
    to_model_range,
)


@keras.saving.register_keras_serializable("keras_stprivacy")
class R3D18(keras.Model):
    """Video classifier of Tran et al., "A Closer Look at Spatiotemporal Convolutions" (CVPR 2018).

    Stem 3x7x7 with stride (1, 2, 2), four stages of two basic blocks with 64-128-256-512 channels,
    global mean, dense. Trained from scratch; there are no weights to load. Outputs named
    `"stage_1"` to `"stage_4"` are its layers'.

    Args:
        num_classes: outputs.
        clip_shape: `(T, H, W, 3)`.
        width: all channels are multiplied by it.
        dilate_last: the first convolution of the last stage has stride (1, 2, 2) and dilation
            (2, 1, 1), as in "SPAct" (Dave et al., CVPR 2022), in place of stride 2.

    Input shape:
        `(B, T, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, num_classes)`, float32 logits.

    Raises:
        ValueError: for sizes below 1, or clips of another shape.

    Example:

    >>> network = R3D18(5, (8, 32, 32, 3), width=0.125)
    >>> tuple(network(np.zeros((1, 8, 32, 32, 3), "float32")).shape)
    (1, 5)
    """

    def __init__(
        self,
        num_classes: int,
        clip_shape: tuple[int, ...] = (16, 112, 112, 3),
        width: float = 1.0,
        dilate_last: bool = False,
        **kwargs: Any,
    ) -> None:
        inputs = clip_input(num_classes, clip_shape)
        x = keras.layers.ZeroPadding3D((1, 3, 3), name="stem_pad")(to_model_range(inputs))
        x = keras.layers.Conv3D(
            scaled(width, 64), (3, 7, 7), (1, 2, 2), use_bias=False, name="stem_conv"
        )(x)
        x = keras.layers.BatchNormalization(name="stem_norm", **BATCH_NORM)(x)
        x = keras.layers.ReLU(name="stem_relu")(x)
        for stage, channels in enumerate((64, 128, 256, 512), start=1):
            for block in (1, 2):
                first = stage > 1 and block == 1
                dilated = first and stage == 4 and dilate_last
                last_of_stage = f"stage_{stage}" if block == 2 else f"stage_{stage}_1"
                x = _basic_block(x, scaled(width, channels), first, dilated, last_of_stage)
        x = keras.layers.GlobalAveragePooling3D(name="pool")(x)
        outputs = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        super().__init__(inputs, outputs, **kwargs)
        self.num_classes = num_classes
        self.clip_shape = tuple(clip_shape)
        self.width = width
        self.dilate_last = dilate_last

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "clip_shape": self.clip_shape,
            "width": self.width,
            "dilate_last": self.dilate_last,
            "name": self.name,
        }


def _conv(x: Any, channels: int, strides: Any, name: str) -> Any:
    # Zeros on both sides, as PyTorch pads; "same" would put them behind alone where strides are 2.
    x = keras.layers.ZeroPadding3D(1, name=f"{name}_pad")(x)
    return keras.layers.Conv3D(channels, 3, strides, use_bias=False, name=f"{name}_conv")(x)


def _norm(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(name=f"{name}_norm", **BATCH_NORM)(x)


def _basic_block(x: Any, channels: int, smaller: bool, dilated: bool, name: str) -> Any:
    strides = (1 if dilated else 2, 2, 2) if smaller else 1
    if dilated:
        inner = TimeDilatedConv3D(channels, strides=2, name=f"{name}_a_conv")(x)
    else:
        inner = _conv(x, channels, strides, f"{name}_a")
    inner = keras.layers.ReLU(name=f"{name}_a_relu")(_norm(inner, f"{name}_a"))
    inner = _norm(_conv(inner, channels, 1, f"{name}_b"), f"{name}_b")
    if smaller:
        skip = keras.layers.Conv3D(channels, 1, strides, use_bias=False, name=f"{name}_skip_conv")
        x = _norm(skip(x), f"{name}_skip")
    x = keras.layers.Add(name=f"{name}_add")([x, inner])
    return keras.layers.ReLU(name=name)(x)
