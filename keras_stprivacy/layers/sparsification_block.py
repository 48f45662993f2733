"""PSB: transformer layers, then the tubelets that the action does not need are dropped."""

from typing import Any

import keras
from keras import ops

from keras_stprivacy.layers.gumbel_gate import GumbelGate
from keras_stprivacy.layers.ranking import keep_highest, kept_positions, take_tokens
from keras_stprivacy.layers.retaining_predictor import RetainingPredictor
from keras_stprivacy.layers.transformer_layer import TransformerLayer


@keras.saving.register_keras_serializable("keras_stprivacy")
class SparsificationBlock(keras.layers.Layer):
    """Privacy-sparsification block (PSB) of "STPrivacy" (ICCV 2023), section 3.2.

    Transformer layers under the current decision mask, a retaining predictor and a gate. `call`
    keeps all tokens and masks (training, and keep ratios that differ within a batch); `remove`
    drops tokens from the sequence (inference).

    Args:
        num_layers: transformer layers.
        num_heads: attention heads.
        num_rows: tubelet rows `L`.
        mlp_ratio: inner width of the MLPs over the width of the tokens.
        gate: `"gumbel_softmax"` or `"gumbel_top_k"`, see `GumbelGate`.
        temperature: of the gate.
        noise_scale: of the gate.
        keep_bias: initial bias of the keep logit.
        attention_epsilon: the ε of masked attention.
        seed: of the gate, int, or None for a random one.

    Call arguments:
        tokens: float tensor `(B, L·N, D)`.
        decision_mask: float tensor `(B, L·N)`, 1 = still there.
        num_kept: tokens to keep in each row, int or `(B,)`; None: all that are there.
        training: True draws decisions from the gate, False keeps the most probable.
        noise: Gumbel noise for the gate `(B, L·N, 2)` in place of fresh noise.
        draw: training alone: False lets the gate decide without noise.

    Output shape:
        A tuple: tokens `(B, L·N, D)`, log-probabilities `(B, L·N, 2)`, the new decision mask
        `(B, L·N)`.

    Example:

    >>> block = SparsificationBlock(num_layers=1, num_heads=2, num_rows=2)
    >>> tokens, _, mask = block(keras.ops.ones((1, 8, 12)), keras.ops.ones((1, 8)), num_kept=3)
    >>> float(keras.ops.sum(mask))
    6.0
    """

    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        num_rows: int,
        mlp_ratio: float = 4.0,
        gate: str = "gumbel_softmax",
        temperature: float = 1.0,
        noise_scale: float = 1.0,
        keep_bias: float = 0.0,
        attention_epsilon: float = 1e-6,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.num_rows = num_rows
        self.mlp_ratio = mlp_ratio
        self.gate = gate
        self.temperature = temperature
        self.noise_scale = noise_scale
        self.keep_bias = keep_bias
        self.attention_epsilon = attention_epsilon
        self.seed = seed
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
        self.retaining_predictor = RetainingPredictor(
            num_rows, keep_bias, name="retaining_predictor", dtype=self.dtype_policy
        )
        self.gumbel_gate = GumbelGate(
            gate, num_rows, temperature, noise_scale, seed, name="gate", dtype=self.dtype_policy
        )

    def build(self, tokens_shape: tuple) -> None:
        layers: tuple[Any, ...] = (*self.transformer_layers, self.retaining_predictor)
        for layer in layers:
            layer.build(tokens_shape)
        self.gumbel_gate.build((*tokens_shape[:-1], 2))

    def call(
        self,
        tokens: Any,
        decision_mask: Any,
        num_kept: Any = None,
        training: bool | None = None,
        noise: Any = None,
        draw: bool = True,
    ) -> tuple[Any, Any, Any]:
        for layer in self.transformer_layers:
            tokens = layer(tokens, decision_mask)
        log_probability = self.retaining_predictor(tokens, decision_mask)  # (B, L·N, 2)
        if training:
            decision_mask = self.gumbel_gate(
                log_probability, decision_mask, num_kept=num_kept, noise=noise, draw=draw
            )
        elif num_kept is not None:
            left = ops.full_like(log_probability[..., 0], float("-inf"))
            there = ops.where(decision_mask > 0.5, log_probability[..., 0], left)
            decision_mask = keep_highest(there, num_kept, self.num_rows)
        return tokens, log_probability, decision_mask

    def remove(
        self, tokens: Any, num_kept: int | None, here: Any = None, draw: bool = True
    ) -> tuple[Any, Any, Any, Any]:
        """The path on which the dropped tokens leave the sequence.

        Args:
            tokens: float tensor `(B, L·n, D)`: the tokens still there, equally many in each row.
            num_kept: tokens to keep in each row; None: all of them.
            here: None in inference. In training, with `gate="gumbel_top_k"`, the decisions of
                earlier gates for these tokens `(B, L·n)`: all 1, with their gradients.
            draw: training alone: False lets the gate decide without noise.

        Returns:
            A tuple: the kept tokens `(B, L·num_kept, D)` in their order, the log-probabilities of
            all that came in `(B, L·n, 2)`, which of those were kept `(B, L·n)`, 1 = kept, and
            `here` of the kept tokens `(B, L·num_kept)`, or None.
        """
        for layer in self.transformer_layers:
            tokens = layer(tokens, here)
        log_probability = self.retaining_predictor(tokens, here)
        if num_kept is None:
            return tokens, log_probability, ops.ones_like(log_probability[..., 0]), here
        if here is None:
            keep = keep_highest(log_probability[..., 0], num_kept, self.num_rows)
        else:
            keep = self.gumbel_gate(log_probability, here, num_kept=num_kept, draw=draw)
        positions = kept_positions(ops.stop_gradient(keep), num_kept, self.num_rows)
        if here is not None:
            here = take_tokens(keep, positions)
        tokens = take_tokens(tokens, positions)
        return tokens, log_probability, keep, here

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "num_rows": self.num_rows,
            "mlp_ratio": self.mlp_ratio,
            "gate": self.gate,
            "temperature": self.temperature,
            "noise_scale": self.noise_scale,
            "keep_bias": self.keep_bias,
            "attention_epsilon": self.attention_epsilon,
            "seed": self.seed,
        }
