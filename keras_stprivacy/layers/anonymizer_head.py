"""From tokens back to the pixels of their tubelets."""

from math import prod
from typing import Any

import keras
from keras import ops

from keras_stprivacy.layers.tubelets import check_tubelet_size

OUTPUT_ACTIVATIONS = (None, "sigmoid")


@keras.saving.register_keras_serializable("keras_stprivacy")
class AnonymizerHead(keras.layers.Layer):
    """Writes the pixels of each tubelet from its token ("STPrivacy", ICCV 2023, section 3.3).

    Layer normalization (ε 1e-6) and a dense layer `D → δT·δH·δW·C`. The pixels are in the range
    of the model, `(pixel − mean) / std`, or, with `output_activation="sigmoid"`, in [0, 1].

    Args:
        tubelet_size: frames, height and width of a tubelet, `(δT, δH, δW)`.
        channels: colour channels `C`.
        output_activation: None or `"sigmoid"`.
        norm_epsilon: epsilon of the layer normalization.

    Call arguments:
        tokens: float tensor `(B, n, D)`.

    Output shape:
        `(B, n, δT·δH·δW·C)`, float32, ordered time, height, width, channel.

    Raises:
        ValueError: for an unknown `output_activation`, a `tubelet_size` that is not three integers.

    Example:

    >>> tuple(AnonymizerHead(tubelet_size=(2, 4, 4))(keras.ops.ones((1, 8, 12))).shape)
    (1, 8, 96)
    """

    def __init__(
        self,
        tubelet_size: tuple[int, int, int] = (2, 16, 16),
        channels: int = 3,
        output_activation: str | None = None,
        norm_epsilon: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if output_activation not in OUTPUT_ACTIVATIONS:
            raise ValueError(
                f"output_activation must be one of {OUTPUT_ACTIVATIONS}. "
                f"Received: output_activation={output_activation!r}"
            )
        self.tubelet_size = check_tubelet_size(tubelet_size)
        self.channels = channels
        self.output_activation = output_activation
        self.norm_epsilon = norm_epsilon

    def build(self, tokens_shape: tuple) -> None:
        self.norm = keras.layers.LayerNormalization(
            epsilon=self.norm_epsilon, name="norm", dtype=self.dtype_policy
        )
        self.norm.build(tokens_shape)
        self.projection = keras.layers.Dense(
            prod(self.tubelet_size) * self.channels, name="projection", dtype=self.dtype_policy
        )
        self.projection.build(tokens_shape)

    def call(self, tokens: Any) -> Any:
        pixels = ops.cast(self.projection(self.norm(tokens)), "float32")
        return ops.sigmoid(pixels) if self.output_activation == "sigmoid" else pixels

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return (*tokens_shape[:-1], prod(self.tubelet_size) * self.channels)

    def compute_output_spec(self, tokens: Any) -> Any:
        # float32 under every policy
        return keras.KerasTensor(self.compute_output_shape(tokens.shape), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tubelet_size": self.tubelet_size,
            "channels": self.channels,
            "output_activation": self.output_activation,
            "norm_epsilon": self.norm_epsilon,
        }
