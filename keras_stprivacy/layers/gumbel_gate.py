"""The gate that drops tubelets, random and differentiable in training."""

from typing import Any

import keras
from keras import ops

from keras_stprivacy.layers.ranking import keep_highest

GATES = ("gumbel_softmax", "gumbel_top_k")


@keras.saving.register_keras_serializable("keras_stprivacy")
class GumbelGate(keras.layers.Layer):
    """Draws hard keep-or-drop decisions with a straight-through gradient.

    `"gumbel_softmax"` (STPrivacy, eq. 6): Gumbel noise on both log-probabilities, a softmax at
    `temperature`, hard by argmax; how many are kept is left to the loss. `"gumbel_top_k"` (a
    variant of this project): exactly the given number of tokens is kept in each row among those
    still there, by the keep-minus-drop logit, standardized over these and with logistic noise of
    scale `noise_scale`; the gradient is that of a sigmoid at `temperature`. Ranks alone decide, so
    unstandardized logits drift until no gradient is left. A dropped tubelet never returns.

    Args:
        gate: `"gumbel_softmax"` or `"gumbel_top_k"`.
        num_rows: tubelet rows `L`.
        temperature: of the softmax or sigmoid, above 0.
        noise_scale: scale of the noise; 1 is the Gumbel-Softmax, 0 no noise.
        seed: int, or None for a random one.

    Call arguments:
        log_probability: float tensor `(B, L·N, 2)`, channel 0 = keep.
        decision_mask: float tensor `(B, L·N)`, 1 = still there.
        num_kept: tokens to keep in each row, int or tensor; used by `"gumbel_top_k"` alone.
        noise: standard Gumbel noise `(B, L·N, 2)` in place of fresh noise; scaled by
            `noise_scale` too.
        draw: False decides without noise, with the same gradient.

    Output shape:
        `(B, L·N)`, float32: the new decision mask, exactly 0 or 1.

    Raises:
        ValueError: for an unknown gate, a temperature that is not positive, a negative
            `noise_scale`; and in a call of `"gumbel_top_k"` without `num_kept`.

    Example:

    >>> gate = GumbelGate(num_rows=1, seed=0)
    >>> tuple(gate(keras.ops.log([[[0.999999, 0.000001]] * 4]), keras.ops.ones((1, 4))).shape)
    (1, 4)
    """

    def __init__(
        self,
        gate: str = "gumbel_softmax",
        num_rows: int = 1,
        temperature: float = 1.0,
        noise_scale: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        if gate not in GATES:
            raise ValueError(f"gate must be one of {GATES}. Received: gate={gate!r}")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive. Received: temperature={temperature}")
        if noise_scale < 0:
            raise ValueError(f"noise_scale must be at least 0. Received: noise_scale={noise_scale}")
        self.gate = gate
        self.num_rows = num_rows
        self.temperature = temperature
        self.noise_scale = noise_scale
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def sample_noise(self, shape: Any) -> Any:
        """Standard Gumbel noise, float32."""
        # The range keeps both logarithms finite in float32.
        uniform = keras.random.uniform(
            shape, minval=1e-7, maxval=1.0 - 1e-7, dtype="float32", seed=self.seed_generator
        )
        return -ops.log(-ops.log(uniform))

    def _gumbel_softmax(self, log_probability: Any, noise: Any) -> Any:
        noisy = (log_probability + noise) / self.temperature
        soft = ops.softmax(noisy, axis=-1)[..., 0]
        hard = ops.cast(noisy[..., 0] >= noisy[..., 1], "float32")
        return hard, soft

    def _gumbel_top_k(
        self, log_probability: Any, noise: Any, decision_mask: Any, num_kept: Any
    ) -> Any:
        logit = self._standardized(log_probability[..., 0] - log_probability[..., 1], decision_mask)
        # The difference of two Gumbel variables is logistic.
        noisy = logit + noise[..., 0] - noise[..., 1]
        soft = ops.sigmoid(noisy / self.temperature)
        left = ops.full_like(noisy, float("-inf"))
        there = ops.stop_gradient(ops.where(decision_mask > 0.5, noisy, left))
        return keep_highest(there, num_kept, self.num_rows), soft

    def _standardized(self, logit: Any, decision_mask: Any) -> Any:
        """Mean 0 and deviation 1 in each row, over the tokens still there."""
        rows = ops.reshape(logit, (-1, self.num_rows, logit.shape[1] // self.num_rows))
        there = ops.reshape(ops.stop_gradient(decision_mask), ops.shape(rows))
        count = ops.maximum(ops.sum(there, axis=-1, keepdims=True), 1.0)
        rows = rows - ops.sum(rows * there, axis=-1, keepdims=True) / count
        variance = ops.sum(ops.square(rows) * there, axis=-1, keepdims=True) / count
        return ops.reshape(rows * ops.rsqrt(variance + 1e-4), ops.shape(logit))

    def call(
        self,
        log_probability: Any,
        decision_mask: Any,
        num_kept: Any = None,
        noise: Any = None,
        draw: bool = True,
    ) -> Any:
        log_probability = ops.cast(log_probability, "float32")
        decision_mask = ops.cast(decision_mask, "float32")
        if not draw:
            noise = ops.zeros_like(log_probability)
        elif noise is None:
            noise = self.sample_noise(ops.shape(log_probability))
        noise = self.noise_scale * noise
        if self.gate == "gumbel_softmax":
            hard, soft = self._gumbel_softmax(log_probability, noise)
        elif num_kept is None:
            raise ValueError("gate='gumbel_top_k' needs num_kept, the tokens kept in each row.")
        else:
            hard, soft = self._gumbel_top_k(log_probability, noise, decision_mask, num_kept)
        decision = soft + ops.stop_gradient(hard - soft)
        # Straight-through sums may be off by a rounding: the forward value is made exact.
        decision = decision + ops.stop_gradient(hard - decision)
        return decision * decision_mask

    def compute_output_shape(
        self, log_probability_shape: tuple, decision_mask_shape: tuple
    ) -> tuple:
        return decision_mask_shape

    def compute_output_spec(self, log_probability: Any, decision_mask: Any, **_: Any) -> Any:
        # float32 under every policy
        return keras.KerasTensor(decision_mask.shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "gate": self.gate,
            "num_rows": self.num_rows,
            "temperature": self.temperature,
            "noise_scale": self.noise_scale,
            "seed": self.seed,
        }
