"""The small network that Collective anonymizes with."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import scaled
from keras_stprivacy.models.clips import normalize_image_size


@keras.saving.register_keras_serializable("keras_stprivacy")
class CollectiveNetwork(keras.Model):
    """Image to image: the transform network of Zhang et al. (ICDM 2019), ported to frames.

    Convolutions of 16, pool, 32, pool, 16, 32 channels, transposed 32 with stride 2, 16,
    transposed 16 with stride 2, then 3; all 3x3 with bias; ReLU inside, linear at the end.

    Args:
        image_size: pixels, an int or `(H, W)`, multiples of 4.
        width: all inner channels are multiplied by it.

    Input shape:
        `(B, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, H, W, 3)`, unbounded.

    Raises:
        ValueError: for sizes that are no multiples of 4.

    Example:

    >>> CollectiveNetwork(32).count_params()
    30979
    """

    def __init__(
        self, image_size: int | tuple[int, int] = 112, width: float = 1.0, **kwargs: Any
    ) -> None:
        size = normalize_image_size(image_size)
        if any(side % 4 for side in size):
            raise ValueError(
                "image_size must be multiples of 4, since the network halves it twice. Received: "
                f"image_size={image_size}"
            )
        thin, thick = scaled(width, 16), scaled(width, 32)
        options: dict[str, Any] = {"padding": "same", "activation": "relu"}
        conv, up = keras.layers.Conv2D, keras.layers.Conv2DTranspose
        inputs = keras.Input((*size, 3))
        x = conv(thin, 3, name="conv_1", **options)(inputs)
        x = keras.layers.MaxPooling2D(name="pool_1")(x)
        x = conv(thick, 3, name="conv_2", **options)(x)
        x = keras.layers.MaxPooling2D(name="pool_2")(x)
        x = conv(thin, 3, name="conv_3", **options)(x)
        x = conv(thick, 3, name="conv_4", **options)(x)
        x = up(thick, 3, 2, name="up_1", **options)(x)
        x = conv(thin, 3, name="conv_5", **options)(x)
        x = up(thin, 3, 2, name="up_2", **options)(x)
        super().__init__(inputs, conv(3, 3, padding="same", name="out")(x), **kwargs)
        self.image_size = size
        self.width = width

    def get_config(self) -> dict[str, Any]:
        return {"image_size": self.image_size, "width": self.width, "name": self.name}
