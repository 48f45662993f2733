"""PAB: what the kept tubelets show is rewritten."""

from typing import Any

import keras

from keras_stprivacy.layers.transformer_layer import TransformerLayer


@keras.saving.register_keras_serializable("keras_stprivacy")
class AnonymizationBlock(keras.layers.Layer):
    """Privacy-anonymization block (PAB) of "STPrivacy" (ICCV 2023), section 3.3.

    Transformer layers on the kept tokens; the anonymizer head turns their output into pixels.

    Args:
        num_layers: transformer layers.
        num_heads: attention heads.
        mlp_ratio: inner width of the MLPs over the width of the tokens.
        attention_epsilon: the ε of masked attention.

    Call arguments:
        tokens: float tensor `(B, n, D)`.
        decision_mask: float tensor `(B, n)`, 1 = kept, or None: every token is kept.

    Output shape:
        `(B, n, D)`.

    Example:

    >>> block = AnonymizationBlock(num_layers=1, num_heads=2)
    >>> tuple(block(keras.ops.ones((1, 8, 12))).shape)
    (1, 8, 12)
    """

    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        attention_epsilon: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.attention_epsilon = attention_epsilon
        self.transformer_layers = [
            TransformerLayer(
                num_heads,
                mlp_ratio,
                attention_epsilon,
                name=f"transformer_layer_{i}",
                dtype=self.dtype_policy,
            )
            for i in range(num_layers)
        ]

    def build(self, tokens_shape: tuple) -> None:
        for layer in self.transformer_layers:
            layer.build(tokens_shape)

    def call(self, tokens: Any, decision_mask: Any = None) -> Any:
        for layer in self.transformer_layers:
            tokens = layer(tokens, decision_mask)
        return tokens

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "attention_epsilon": self.attention_epsilon,
        }
