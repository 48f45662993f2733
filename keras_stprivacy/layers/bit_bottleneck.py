"""A few bits for each token: what an attacker can read is what fits through."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stprivacy")
class BitBottleneck(keras.layers.Layer):
    """Lets `num_bits` bits of each token pass.

    Not in the STPrivacy paper. A dense layer `D → num_bits`, a threshold at 0 and a dense layer
    `num_bits → D`. The adversary of the training is beaten by what it has not learned to read; a
    fresh attacker reads it, in amplitudes too faint for the eye. Through bits no faint trace
    passes. In training the threshold is drawn with logistic noise and has the gradient of a
    sigmoid (the binary concrete distribution of Maddison et al., ICLR 2017, straight through);
    in inference it is exact.

    Args:
        num_bits: bits of a token.
        noise_scale: scale of the logistic noise in training, 0 or above.
        seed: int, or None for a random one.

    Call arguments:
        tokens: float tensor `(B, n, D)`.
        training: True adds the noise.

    Output shape:
        `(B, n, D)`; each token is one of `2 ** num_bits` vectors.

    Raises:
        ValueError: if `num_bits` is below 1, or `noise_scale` below 0.

    Example:

    >>> layer = BitBottleneck(num_bits=1)
    >>> tokens = layer(keras.random.normal((1, 50, 12), seed=0))
    >>> len(set(map(tuple, ops.convert_to_numpy(tokens)[0].round(4).tolist())))
    2
    """

    def __init__(
        self, num_bits: int, noise_scale: float = 0.5, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if num_bits < 1:
            raise ValueError(f"num_bits must be at least 1. Received: num_bits={num_bits}")
        if noise_scale < 0:
            raise ValueError(f"noise_scale must be at least 0. Received: noise_scale={noise_scale}")
        self.num_bits = num_bits
        self.noise_scale = noise_scale
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, tokens_shape: tuple) -> None:
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-6, name="norm", dtype=self.dtype_policy
        )
        self.norm.build(tokens_shape)
        self.reduce = keras.layers.Dense(self.num_bits, name="reduce", dtype=self.dtype_policy)
        self.reduce.build(tokens_shape)
        self.expand = keras.layers.Dense(tokens_shape[-1], name="expand", dtype=self.dtype_policy)
        self.expand.build((*tokens_shape[:-1], self.num_bits))

    def bits(self, tokens: Any, training: bool | None = None) -> Any:
        """The bits of each token, `(B, n, num_bits)`, float32: exactly 0 or 1."""
        logits = ops.cast(self.reduce(self.norm(tokens)), "float32")
        if training:
            uniform = keras.random.uniform(
                ops.shape(logits), 1e-6, 1.0 - 1e-6, dtype="float32", seed=self.seed_generator
            )
            logits = logits + self.noise_scale * (ops.log(uniform) - ops.log(1.0 - uniform))
        soft = ops.sigmoid(logits)
        hard = ops.cast(logits > 0, "float32")
        bits = soft + ops.stop_gradient(hard - soft)
        return bits + ops.stop_gradient(hard - bits)  # exactly 0 or 1

    def spread(self, bits: Any) -> Any:
        """Tokens `(B, n, D)` made of their bits."""
        return self.expand(ops.cast(2.0 * bits - 1.0, self.compute_dtype))

    def call(self, tokens: Any, training: bool | None = None) -> Any:
        return self.spread(self.bits(tokens, training))

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bits": self.num_bits,
            "noise_scale": self.noise_scale,
            "seed": self.seed,
        }
