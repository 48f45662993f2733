"""The UNet that SPAct anonymizes with."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import BATCH_NORM, AlignedUpsampling2D, scaled
from keras_stprivacy.models.clips import normalize_image_size


@keras.saving.register_keras_serializable("keras_stprivacy")
class UNet(keras.Model):
    """Image to image, with skips: the anonymizer of "SPAct" (Dave et al., CVPR 2022).

    Encoder of 64-128-256-512-512 channels with max-pooling; four steps up, each bilinear x2 with
    aligned corners, the skip beside it, and two convolutions, to 256-128-64-64 channels; 1x1 to 3
    and a sigmoid. Convolutions before a batch normalization have no bias (reading: the
    normalization takes it out again).

    Args:
        image_size: pixels, an int or `(H, W)`, multiples of 16.
        width: all channels are multiplied by it.

    Input shape:
        `(B, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, H, W, 3)`, in [0, 1].

    Raises:
        ValueError: for sizes that are no multiples of 16.

    Example:

    >>> tuple(UNet(32, width=0.125)(np.zeros((1, 32, 32, 3), "float32")).shape)
    (1, 32, 32, 3)
    """

    def __init__(
        self, image_size: int | tuple[int, int] = 112, width: float = 1.0, **kwargs: Any
    ) -> None:
        size = normalize_image_size(image_size)
        if any(side % 16 for side in size):
            raise ValueError(
                f"image_size must be multiples of 16, since the UNet halves it four times. "
                f"Received: image_size={image_size}"
            )
        inputs = keras.Input((*size, 3))
        channels = [scaled(width, c) for c in (64, 128, 256, 512, 512)]
        x = _double_conv(inputs, channels[0], channels[0], "in")
        skips = []
        for i, out in enumerate(channels[1:]):
            skips.append(x)
            x = keras.layers.MaxPooling2D(name=f"pool_{i + 1}")(x)
            x = _double_conv(x, out, out, f"down_{i + 1}")
        outs = [scaled(width, c) for c in (256, 128, 64, 64)]
        for i, out in enumerate(outs):
            x = AlignedUpsampling2D(name=f"upsample_{i + 1}")(x)
            x = keras.layers.Concatenate(name=f"join_{i + 1}")([skips.pop(), x])
            x = _double_conv(x, x.shape[-1] // 2, out, f"up_{i + 1}")
        outputs = keras.layers.Conv2D(3, 1, activation="sigmoid", name="out")(x)
        super().__init__(inputs, outputs, **kwargs)
        self.image_size = size
        self.width = width

    def get_config(self) -> dict[str, Any]:
        return {"image_size": self.image_size, "width": self.width, "name": self.name}


def _double_conv(x: Any, middle: int, out: int, name: str) -> Any:
    for i, channels in enumerate((middle, out)):
        conv = keras.layers.Conv2D(
            channels, 3, padding="same", use_bias=False, name=f"{name}_conv_{i + 1}"
        )
        x = keras.layers.BatchNormalization(name=f"{name}_norm_{i + 1}", **BATCH_NORM)(conv(x))
        x = keras.layers.ReLU(name=f"{name}_relu_{i + 1}")(x)
    return x
