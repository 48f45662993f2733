"""Self-attention that dropped tubelets take no part in."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stprivacy")
class MaskedSelfAttention(keras.layers.Layer):
    """Multi-head self-attention under a decision mask (STPrivacy, eq. 8-10).

    A token attends to itself and to the kept tokens:
    `M_ij = 1 if i = j else Î_j`, `Ã_ij = exp(S_ij) M_ij / Σ_k exp(S_ik) M_ik`. The gradient goes
    through the mask too, so that a dropped tubelet still learns whether it should have been kept.
    The exponentials are computed in float32 whatever the policy. As in the authors' code a small
    `epsilon` is added, `(e + ε/n) / (Σ e + ε)`.

    Args:
        num_heads: number of heads; divides the width of the tokens.
        epsilon: the ε above.

    Call arguments:
        tokens: float tensor `(B, n, D)`.
        decision_mask: float tensor `(B, n)`, 1 = kept, or None: every token is kept.

    Output shape:
        `(B, n, D)`.

    Raises:
        ValueError: if `num_heads` does not divide the width.

    Example:

    >>> layer = MaskedSelfAttention(num_heads=2)
    >>> tuple(layer(keras.ops.ones((1, 3, 8)), decision_mask=keras.ops.ones((1, 3))).shape)
    (1, 3, 8)
    """

    def __init__(self, num_heads: int, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.epsilon = epsilon

    def build(self, tokens_shape: tuple) -> None:
        width = tokens_shape[-1]
        if width % self.num_heads:
            raise ValueError(
                f"num_heads must divide the width of the tokens. Received: "
                f"num_heads={self.num_heads}, width={width}"
            )
        self.head_dim = width // self.num_heads
        self.query_key_value = keras.layers.Dense(
            3 * width, dtype=self.dtype_policy, name="query_key_value"
        )
        self.query_key_value.build(tokens_shape)
        self.projection = keras.layers.Dense(width, dtype=self.dtype_policy, name="projection")
        self.projection.build(tokens_shape)

    def _attention(self, query: Any, key: Any, decision_mask: Any) -> Any:
        """Ã of eq. 10, float32 `(B, heads, n, n)`."""
        n = query.shape[1]
        scores = ops.einsum("bihd,bjhd->bhij", query, key) * self.head_dim**-0.5
        scores = ops.cast(scores, "float32")
        if decision_mask is None:
            return ops.softmax(scores)
        keep = ops.cast(decision_mask, "float32")[:, None, None, :]
        itself = ops.eye(n, dtype="float32")
        mask = keep * (1.0 - itself) + itself  # M, (B, 1, n, n)
        highest = ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True))
        weights = ops.exp(scores - highest) * mask
        total = ops.sum(weights, axis=-1, keepdims=True)
        return (weights + self.epsilon / n) / (total + self.epsilon)

    def call(self, tokens: Any, decision_mask: Any = None) -> Any:
        n, width = tokens.shape[1:]
        qkv = self.query_key_value(tokens)
        qkv = ops.reshape(qkv, (-1, n, 3, self.num_heads, self.head_dim))
        query, key, value = qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2]  # (B, n, heads, d)
        if decision_mask is None and self.compute_dtype != "float16":
            attended = ops.dot_product_attention(query, key, value)
        else:  # JAX has no float16 attention of its own on CPUs
            attention = self._attention(query, key, decision_mask)
            attention = ops.cast(attention, value.dtype)
            attended = ops.einsum("bhij,bjhd->bihd", attention, value)
        return self.projection(ops.reshape(attended, (-1, n, width)))

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "epsilon": self.epsilon,
        }
