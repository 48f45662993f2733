"""Which tubelets does the action need? One probability for each."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stprivacy")
class RetainingPredictor(keras.layers.Layer):
    """Predicts from local, row and clip features whether a tubelet is retained.

    Multi-level feature aggregation of "STPrivacy" (ICCV 2023), eq. 3-5: after a layer norm and a
    dense layer with GELU the channels split in three thirds: local (as it is), row (mean over the
    kept tokens of the same tubelet row) and clip (mean over all kept tokens). An MLP
    D → D/2 → D/4 → 2 and a log-softmax follow. A row without kept tokens has a zero mean, so it
    stays finite.

    Args:
        num_rows: tubelet rows `L` of the clip.
        keep_bias: initial bias of the keep logit; positive values begin with open gates.
        norm_epsilon: epsilon of the layer normalization.

    Call arguments:
        tokens: float tensor `(B, L·n, D)`, row by row, equally many in each row.
        decision_mask: float tensor `(B, L·n)`, 1 = kept, or None: every token is kept.

    Output shape:
        `(B, L·n, 2)`, float32 log-probabilities; channel 0 = keep.

    Raises:
        ValueError: if the width is not a multiple of 3 or is below 12.

    Example:

    >>> layer = RetainingPredictor(num_rows=2)
    >>> tuple(layer(keras.ops.ones((1, 8, 12))).shape)
    (1, 8, 2)
    """

    def __init__(
        self, num_rows: int, keep_bias: float = 0.0, norm_epsilon: float = 1e-5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_rows = num_rows
        self.keep_bias = keep_bias
        self.norm_epsilon = norm_epsilon

    def build(self, tokens_shape: tuple) -> None:
        width = tokens_shape[-1]
        if width % 3 or width < 12:
            raise ValueError(
                "the width of the tokens must be a multiple of 3, for local, row and clip "
                f"features, and at least 12. Received: width={width}"
            )

        def dense(units: int, fan_in: int, name: str, **options: Any) -> keras.layers.Dense:
            layer = keras.layers.Dense(units, name=name, dtype=self.dtype_policy, **options)
            layer.build((None, None, fan_in))
            return layer

        self.norm = keras.layers.LayerNormalization(
            epsilon=self.norm_epsilon, name="norm", dtype=self.dtype_policy
        )
        self.norm.build(tokens_shape)
        self.embed = dense(width, width, "embed", activation="gelu")
        self.hidden_1 = dense(width // 2, width, "hidden_1", activation="gelu")
        self.hidden_2 = dense(width // 4, width // 2, "hidden_2", activation="gelu")
        self.decide = dense(
            2, width // 4, "decide", bias_initializer=_KeepBias(float(self.keep_bias))
        )

    def _mean_of_kept(self, features: Any, keep: Any, axes: tuple[int, ...]) -> Any:
        count = ops.sum(keep, axis=axes, keepdims=True)
        # A row that keeps nothing has the mean 0; elsewhere the gradient goes through the count.
        count = ops.where(count > 0.5, count, ops.ones_like(count))
        mean = ops.sum(features * keep, axis=axes, keepdims=True) / count
        return ops.broadcast_to(mean, ops.shape(features))

    def call(self, tokens: Any, decision_mask: Any = None) -> Any:
        n, width = tokens.shape[1:]
        rows = self.num_rows
        z = self.embed(self.norm(tokens))
        if decision_mask is None:
            decision_mask = ops.ones_like(z[..., 0])
        keep = ops.reshape(ops.cast(decision_mask, "float32"), (-1, rows, n // rows, 1))
        z = ops.reshape(ops.cast(z, "float32"), (-1, rows, n // rows, width))
        local, row, clip = ops.split(z, 3, axis=-1)  # (B, L, n, D/3) each
        z = ops.concatenate(
            [local, self._mean_of_kept(row, keep, (2,)), self._mean_of_kept(clip, keep, (1, 2))],
            axis=-1,
        )
        z = ops.cast(ops.reshape(z, (-1, n, width)), self.compute_dtype)
        logits = self.decide(self.hidden_2(self.hidden_1(z)))
        return ops.log_softmax(ops.cast(logits, "float32"), axis=-1)

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return (*tokens_shape[:-1], 2)

    def compute_output_spec(self, tokens: Any, decision_mask: Any = None) -> Any:
        # float32 under every policy
        return keras.KerasTensor(self.compute_output_shape(tokens.shape), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_rows": self.num_rows,
            "keep_bias": self.keep_bias,
            "norm_epsilon": self.norm_epsilon,
        }


@keras.saving.register_keras_serializable("keras_stprivacy")
class _KeepBias(keras.initializers.Initializer):
    """`(keep_bias, 0)`: the keep logit starts ahead by `keep_bias`."""

    def __init__(self, keep_bias: float) -> None:
        self.keep_bias = keep_bias

    def __call__(self, shape: tuple, dtype: Any = None) -> Any:
        return ops.cast(ops.array([self.keep_bias, 0.0]), dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        return {"keep_bias": self.keep_bias}
