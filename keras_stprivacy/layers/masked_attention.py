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

    def _attended(self, query: Any, key: Any, value: Any, decision_mask: Any) -> Any:
        """Ã V of eq. 10, `(B, n, heads, d)`.

        `exp(S) M` has zeros in the columns of dropped tokens, off the diagonal. So the sums over
        the other tokens are products of `exp(S)` with `[Î V, Î]`; the diagonal is added, and the
        division comes last: of all arrays `(n, n)` only `exp(S)` is kept for the gradient.
        """
        query = query * self.head_dim**-0.5
        scores = ops.cast(ops.einsum("bihd,bjhd->bhij", query, key), "float32")
        if decision_mask is None:
            weights = ops.cast(ops.softmax(scores), value.dtype)
            return ops.einsum("bhij,bjhd->bihd", weights, value)
        highest = ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True))
        weights = ops.cast(ops.exp(scores - highest), value.dtype)
        keep = ops.cast(decision_mask, value.dtype)[:, :, None, None]
        ones = ops.ones_like(value[..., :1])
        sums = ops.einsum("bhij,bjhd->bihd", weights, ops.concatenate([value, ones], -1) * keep)
        sums = ops.cast(sums, "float32")
        of_itself = ops.cast(ops.sum(query * key, axis=-1, keepdims=True), "float32")
        itself = ops.exp(of_itself - ops.transpose(highest, (0, 2, 1, 3)))
        itself = itself * (1.0 - ops.cast(keep, "float32"))
        everywhere = self.epsilon * ops.mean(ops.cast(value, "float32"), axis=1, keepdims=True)
        weighted, total = ops.split(sums, [self.head_dim], axis=-1)
        summed = weighted + itself * ops.cast(value, "float32") + everywhere
        attended = summed / (total + itself + self.epsilon)
        return ops.cast(attended, value.dtype)

    def call(self, tokens: Any, decision_mask: Any = None) -> Any:
        n, width = tokens.shape[1:]
        # Split, not sliced: the gradient of a slice is an array of zeros around it, and slow.
        query, key, value = (
            ops.reshape(part, (-1, n, self.num_heads, self.head_dim))
            for part in ops.split(self.query_key_value(tokens), 3, axis=-1)
        )
        if decision_mask is None and self.compute_dtype != "float16":
            attended = ops.dot_product_attention(query, key, value)
        else:  # JAX has no float16 attention of its own on CPUs
            attended = self._attended(query, key, value, decision_mask)
        return self.projection(ops.reshape(attended, (-1, n, width)))

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "epsilon": self.epsilon,
        }
