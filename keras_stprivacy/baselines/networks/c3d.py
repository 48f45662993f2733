"""C3D: a plain network of 3-D convolutions."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import clip_input, scaled, to_model_range

# Channels of the convolutions before each pooling.
_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


@keras.saving.register_keras_serializable("keras_stprivacy")
class C3D(keras.Model):
    """Video classifier of Tran et al., "Learning Spatiotemporal Features" (ICCV 2015).

    Eight 3x3x3 convolutions with ReLU, five poolings (the first in space alone), two dense layers
    of 4096 with dropout, one to the classes. Trained from scratch; there are no weights to load.
    Outputs named `"stage_1"` to `"stage_5"` are those of the poolings.

    Args:
        num_classes: outputs.
        clip_shape: `(T, H, W, 3)`.
        width: all channels are multiplied by it.
        dropout: rate after each of the two dense layers.
        seed: int or None, for dropout.

    Input shape:
        `(B, T, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, num_classes)`, float32 logits.

    Raises:
        ValueError: for sizes below 1, or clips of another shape.

    Example:

    >>> network = C3D(5, (8, 32, 32, 3), width=0.125)
    >>> tuple(network(np.zeros((1, 8, 32, 32, 3), "float32")).shape)
    (1, 5)
    """

    def __init__(
        self,
        num_classes: int,
        clip_shape: tuple[int, ...] = (16, 112, 112, 3),
        width: float = 1.0,
        dropout: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        inputs = clip_input(num_classes, clip_shape)
        x = to_model_range(inputs)
        for stage, convolutions in enumerate(_STAGES, start=1):
            for i, channels in enumerate(convolutions):
                x = keras.layers.Conv3D(
                    scaled(width, channels),
                    3,
                    padding="same",
                    activation="relu",
                    name=f"conv_{stage}{'ab'[i]}",
                )(x)
            pool = (1 if stage == 1 else 2, 2, 2)
            # A side of 7 becomes 4, as in the original, and one of 1 stays.
            x = keras.layers.MaxPooling3D(pool, padding="same", name=f"stage_{stage}")(x)
        x = keras.layers.Flatten(name="flatten")(x)
        for i in (6, 7):
            x = keras.layers.Dense(scaled(width, 4096), activation="relu", name=f"dense_{i}")(x)
            x = keras.layers.Dropout(
                dropout, seed=None if seed is None else seed + i, name=f"dropout_{i}"
            )(x)
        outputs = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        super().__init__(inputs, outputs, **kwargs)
        self.num_classes = num_classes
        self.clip_shape = tuple(clip_shape)
        self.width = width
        self.dropout = dropout
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "clip_shape": self.clip_shape,
            "width": self.width,
            "dropout": self.dropout,
            "seed": self.seed,
            "name": self.name,
        }
