"""The image-transform network that VITA anonymizes with."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import scaled
from keras_stprivacy.models.clips import normalize_image_size


@keras.saving.register_keras_serializable("keras_stprivacy")
class TransformNetwork(keras.Model):
    """Image to image in the style of Johnson et al. (ECCV 2016), as VITA uses it (TPAMI 2020).

    9x9 to 32 channels, 3x3 with stride 2 to 64 and 128, five residual blocks of 128, transposed
    3x3 with stride 2 to 64 and 32, 9x9 to 3. Instance normalization (ε 1e-3, with scale and offset)
    after every convolution, the last too; no biases; truncated normal weights, σ 0.1; ReLU inside,
    none at the end of a residual block; tanh, scaled to [0, 1].

    Args:
        image_size: pixels, an int or `(H, W)`, multiples of 4.
        width: all inner channels are multiplied by it.
        num_blocks: residual blocks.

    Input shape:
        `(B, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, H, W, 3)`, in [0, 1].

    Raises:
        ValueError: for sizes that are no multiples of 4.

    Example:

    >>> network = TransformNetwork(32, width=0.25, num_blocks=1)
    >>> tuple(network(np.zeros((1, 32, 32, 3), "float32")).shape)
    (1, 32, 32, 3)
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 112,
        width: float = 1.0,
        num_blocks: int = 5,
        **kwargs: Any,
    ) -> None:
        size = normalize_image_size(image_size)
        if any(side % 4 for side in size):
            raise ValueError(
                "image_size must be multiples of 4, since the network halves it twice. Received: "
                f"image_size={image_size}"
            )
        small, middle, large = (scaled(width, c) for c in (32, 64, 128))
        inputs = keras.Input((*size, 3))
        x = _conv(inputs * 2.0 - 1.0, small, 9, name="in")
        x = _conv(x, middle, 3, 2, name="down_1")
        x = _conv(x, large, 3, 2, name="down_2")
        for i in range(num_blocks):
            inner = _conv(x, large, 3, name=f"block_{i + 1}_1")
            inner = _conv(inner, large, 3, relu=False, name=f"block_{i + 1}_2")
            x = keras.layers.Add(name=f"block_{i + 1}_add")([x, inner])
        x = _conv(x, middle, 3, 2, transposed=True, name="up_1")
        x = _conv(x, small, 3, 2, transposed=True, name="up_2")
        x = _conv(x, 3, 9, relu=False, name="out")
        x = keras.layers.Activation("tanh", name="tanh")(x)
        super().__init__(inputs, (x + 1.0) * 0.5, **kwargs)
        self.image_size = size
        self.width = width
        self.num_blocks = num_blocks

    def get_config(self) -> dict[str, Any]:
        return {
            "image_size": self.image_size,
            "width": self.width,
            "num_blocks": self.num_blocks,
            "name": self.name,
        }


def _conv(
    x: Any,
    channels: int,
    kernel: int,
    strides: int = 1,
    relu: bool = True,
    transposed: bool = False,
    *,
    name: str,
) -> Any:
    cls = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    x = cls(
        channels,
        kernel,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        name=f"{name}_conv",
    )(x)
    # A group for each channel is instance normalization.
    x = keras.layers.GroupNormalization(groups=-1, epsilon=1e-3, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x
