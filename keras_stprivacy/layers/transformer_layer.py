"""The pre-norm transformer layer that every block is made of."""

from typing import Any

import keras

from keras_stprivacy.layers.masked_attention import MaskedSelfAttention
from keras_stprivacy.layers.residual import add_residual


@keras.saving.register_keras_serializable("keras_stprivacy")
class TransformerLayer(keras.layers.Layer):
    """A pre-norm transformer layer with masked self-attention.

    `x + attention(norm(x))`, then `x + mlp(norm(x))` with a GELU between two dense layers, as in
    ViT and in "STPrivacy" (ICCV 2023).

    Args:
        num_heads: number of attention heads.
        mlp_ratio: inner width of the MLP over the width of the tokens.
        attention_epsilon: the `epsilon` of `MaskedSelfAttention`.
        norm_epsilon: the epsilon of both layer normalizations.

    Call arguments:
        tokens: float tensor `(B, n, D)`.
        decision_mask: float tensor `(B, n)`, 1 = kept, or None: every token is kept.

    Output shape:
        `(B, n, D)`.

    Example:

    >>> layer = TransformerLayer(num_heads=2)
    >>> tuple(layer(keras.ops.ones((1, 3, 8))).shape)
    (1, 3, 8)
    """

    def __init__(
        self,
        num_heads: int,
        mlp_ratio: float = 4.0,
        attention_epsilon: float = 1e-6,
        norm_epsilon: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.attention_epsilon = attention_epsilon
        self.norm_epsilon = norm_epsilon

    def build(self, tokens_shape: tuple) -> None:
        width = tokens_shape[-1]
        inner = int(width * self.mlp_ratio)
        options = {"dtype": self.dtype_policy}
        self.attention_norm = keras.layers.LayerNormalization(
            epsilon=self.norm_epsilon, name="attention_norm", **options
        )
        self.attention = MaskedSelfAttention(
            self.num_heads, self.attention_epsilon, name="attention", **options
        )
        self.mlp_norm = keras.layers.LayerNormalization(
            epsilon=self.norm_epsilon, name="mlp_norm", **options
        )
        self.mlp_in = keras.layers.Dense(inner, activation="gelu", name="mlp_in", **options)
        self.mlp_out = keras.layers.Dense(width, name="mlp_out", **options)
        for layer in (self.attention_norm, self.attention, self.mlp_norm, self.mlp_in):
            layer.build(tokens_shape)
        self.mlp_out.build((*tokens_shape[:-1], inner))

    def call(self, tokens: Any, decision_mask: Any = None) -> Any:
        attended = self.attention(self.attention_norm(tokens), decision_mask)
        tokens = add_residual(tokens, attended)
        return add_residual(tokens, self.mlp_out(self.mlp_in(self.mlp_norm(tokens))))

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "attention_epsilon": self.attention_epsilon,
            "norm_epsilon": self.norm_epsilon,
        }
