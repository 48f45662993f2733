"""Reads the action from what an anonymizer says, before it is written as pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stprivacy")
class WordReader(keras.layers.Layer):
    """Action logits from the decision mask and the bits of kept tubelets, at their places.

    Beyond the paper. A recognizer of actions that starts from scratch needs many steps before it
    reads slight motions from rewritten pixels. Meanwhile a price on information takes away what
    nobody reads yet, and it does not come back. This reader needs few steps: it keeps the actions
    apart until the recognizer has learned to see them. It learns with the anonymizer, is no
    adversary, and is not needed afterwards.

    Args:
        num_actions: actions.
        num_tubelets: tubelets of a clip, `L·N`.
        num_bits: bits of a tubelet, or None: there is only the mask.
        hidden_dim: of its one hidden layer.

    Call arguments:
        decision_mask: float tensor `(B, L·N)`, 0 or 1.
        bits: float tensor `(B, L·N, num_bits)`, 0 or 1, or None.

    Output shape:
        `(B, num_actions)`, float32.

    Example:

    >>> reader = WordReader(num_actions=8, num_tubelets=4, num_bits=2)
    >>> tuple(reader(ops.ones((3, 4)), ops.zeros((3, 4, 2))).shape)
    (3, 8)
    """

    def __init__(
        self,
        num_actions: int,
        num_tubelets: int,
        num_bits: int | None = None,
        hidden_dim: int = 128,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.num_actions = num_actions
        self.num_tubelets = num_tubelets
        self.num_bits = num_bits
        self.hidden_dim = hidden_dim
        self.hidden = keras.layers.Dense(
            hidden_dim, activation="gelu", name="hidden", dtype=self.dtype_policy
        )
        self.classifier = keras.layers.Dense(
            num_actions, name="classifier", dtype=self.dtype_policy
        )
        self.hidden.build((None, num_tubelets * (num_bits or 1)))
        self.classifier.build((None, hidden_dim))
        self.built = True

    def call(self, decision_mask: Any, bits: Any = None) -> Any:
        mask = ops.cast(decision_mask, "float32")
        if self.num_bits is None:
            word = 2.0 * mask - 1.0
        else:  # a dropped tubelet says neither 1 nor -1
            word = (2.0 * ops.cast(bits, "float32") - 1.0) * mask[..., None]
            word = ops.reshape(word, (-1, self.num_tubelets * self.num_bits))
        return self.classifier(self.hidden(word))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_actions": self.num_actions,
            "num_tubelets": self.num_tubelets,
            "num_bits": self.num_bits,
            "hidden_dim": self.hidden_dim,
        }
