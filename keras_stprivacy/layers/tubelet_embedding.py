"""Tubelet embedding: from pixels to tokens."""

from typing import Any

import keras
from keras import ops

from keras_stprivacy.layers.tubelets import check_tubelet_size, clip_to_tubelets, grid_shape


@keras.saving.register_keras_serializable("keras_stprivacy")
class TubeletEmbedding(keras.layers.Layer):
    """Embeds the tubelets of a clip and adds a learned position embedding.

    A 3-D convolution whose stride equals its kernel, the tubelet. It is computed as the matrix
    product of the flattened tubelets with the flattened kernel, which is the same and several
    times faster on a CPU. There is no class token. From "STPrivacy" (ICCV 2023), section 3.1.

    Args:
        hidden_dim: width `D` of the tokens.
        tubelet_size: frames, height and width of a tubelet, `(δT, δH, δW)`.

    Call arguments:
        clip: float tensor `(B, T, H, W, C)`, already in the range of the model.

    Input shape:
        `(B, T, H, W, C)`, with T, H and W multiples of the tubelet.

    Output shape:
        `(B, L·N, D)`, `L = T / δT`, `N = (H / δH) (W / δW)`.

    Raises:
        ValueError: if the tubelet does not divide the clip, or is not three integers.

    Example:

    >>> layer = TubeletEmbedding(hidden_dim=12, tubelet_size=(2, 8, 8))
    >>> tuple(layer(keras.ops.zeros((1, 4, 16, 24, 3))).shape)
    (1, 12, 12)
    """

    def __init__(
        self, hidden_dim: int, tubelet_size: tuple[int, int, int] = (2, 16, 16), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_dim = hidden_dim
        self.tubelet_size = check_tubelet_size(tubelet_size)

    def build(self, input_shape: tuple) -> None:
        rows, down, across = grid_shape(input_shape[1:4], self.tubelet_size)
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            shape=(*self.tubelet_size, channels, self.hidden_dim),
            initializer=keras.initializers.VarianceScaling(1.0, "fan_in", "truncated_normal"),
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.hidden_dim,), initializer="zeros", name="bias")
        self.position_embedding = self.add_weight(
            shape=(rows * down * across, self.hidden_dim),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="position_embedding",
        )

    def call(self, clip: Any) -> Any:
        tubelets = clip_to_tubelets(clip, self.tubelet_size)  # (B, L·N, δT·δH·δW·C)
        kernel = ops.reshape(self.kernel, (-1, self.hidden_dim))
        return ops.matmul(tubelets, kernel) + self.bias + self.position_embedding

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        rows, down, across = grid_shape(input_shape[1:4], self.tubelet_size)
        return (input_shape[0], rows * down * across, self.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "tubelet_size": self.tubelet_size,
        }
