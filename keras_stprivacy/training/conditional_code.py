"""What an anonymizer's output says about a clip beyond its action, in nats."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_stprivacy.training.state import add_state


@keras.saving.register_keras_serializable("keras_stprivacy")
class ConditionalCode(keras.layers.Layer):
    """An upper bound of the information in the decision mask and the bits, given the action.

    Beyond the paper: the conditional entropy bottleneck (Fischer, Entropy 22(9):999, 2020). All
    that leaves an anonymizer with a bit bottleneck is a word: which tubelets are kept, and the
    bits of those. A code made for each action, with a probability for every place of the word,
    would write it in `-log q(word | action)` nats. Their mean is at least what the words say about
    the clips beyond the action, whoever reads them. So an anonymizer that lowers it hides from
    opponents that it has not met, and attributes that nobody labelled.

    The probabilities are moving averages of the words seen in training; the gradient goes to the
    words alone. They are kept in `[margin, 1 - margin]`: the bound still holds, and stays finite.
    In training a word moves its code before it is priced, and is part of what it is measured by:
    what is paid and logged is then a little less than the bound (with `memory=0.99`, 1.4 % for a
    place that is kept in half of the clips). In inference nothing moves: that is the bound.

    Args:
        num_actions: actions.
        num_tubelets: tubelets of a clip, `L·N`.
        num_bits: bits of a tubelet, or None: there is only the mask.
        memory: a clip's weight in the averages of its action falls by this factor with each later
            clip of that action. With several settings, a code sees fewer clips: each counts as
            `num_settings`, so that all codes follow the anonymizer as fast as one would.
        margin: see above.
        num_settings: of what whoever deploys an anonymizer chooses, such as its keep ratio, and a
            reader knows: there is a code for each action with each of them.

    Call arguments:
        decision_mask: float tensor `(B, L·N)`, 0 or 1.
        bits: float tensor `(B, L·N, num_bits)`, 0 or 1, or None.
        actions: int tensor `(B,)`, or, where a clip may show several, `(B, num_actions)` of 0 and
            1: the average of their codes is used then, and of all codes where there is none.
        settings: int tensor `(B,)`: the setting of each clip; None where there is one.
        training: True updates the averages.

    Returns:
        Two float tensors `(B,)`, nats of each clip: of the mask, and of the bits of kept tubelets
        (0 without bits).

    Raises:
        ValueError: if there are several settings, and those of the clips are missing.

    Example:

    >>> code = ConditionalCode(num_actions=2, num_tubelets=3)
    >>> nats, _ = code(ops.ones((4, 3)), None, ops.array([0, 1, 0, 1]))
    >>> round(float(nats[0]), 4) == round(3 * 0.693147, 4)  # nothing is known yet
    True
    """

    def __init__(
        self,
        num_actions: int,
        num_tubelets: int,
        num_bits: int | None = None,
        memory: float = 0.99,
        margin: float = 0.02,
        num_settings: int = 1,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)
        kwargs.setdefault("dtype", "float32")  # averages move by less than half precision holds
        super().__init__(**kwargs)
        self.num_actions = num_actions
        self.num_tubelets = num_tubelets
        self.num_bits = num_bits
        self.memory = memory
        self.margin = margin
        self.num_settings = num_settings
        num_codes = num_actions * num_settings
        half = keras.initializers.Constant(0.5)
        self.kept = add_state(self, half, "kept", (num_codes, num_tubelets))
        self.ones = None
        if num_bits is not None:
            self.ones = add_state(self, half, "ones", (num_codes, num_tubelets, num_bits))
        self.built = True

    def call(
        self,
        decision_mask: Any,
        bits: Any,
        actions: Any,
        settings: Any = None,
        training: bool | None = None,
    ) -> tuple[Any, Any]:
        mask = ops.cast(decision_mask, "float32")
        seen = ops.stop_gradient(mask)
        shares = self._shares(actions)  # (B, actions)
        if self.num_settings > 1:
            if settings is None:
                raise ValueError(
                    f"a code with num_settings={self.num_settings} needs the setting of each clip. "
                    "Received: settings=None"
                )
            chosen = ops.one_hot(settings, self.num_settings, dtype="float32")
            shares = shares[:, :, None] * chosen[:, None, :]
            shares = ops.reshape(shares, (-1, self.num_actions * self.num_settings))
        if training:
            self._update(shares, seen, bits)
        kept = self._code(self.kept, shares)
        of_mask = ops.sum(_nats(mask, kept), axis=-1)  # (B,)
        if self.ones is None:
            of_bits = ops.zeros_like(of_mask)
        else:
            code = self._code(self.ones, shares)
            each = ops.sum(_nats(ops.cast(bits, "float32"), code), axis=-1)
            of_bits = ops.sum(seen * each, axis=-1)
        return of_mask, of_bits

    def _shares(self, actions: Any) -> Any:
        """`(B, actions)`: how much of a clip belongs to each action; sums to 1."""
        if len(actions.shape) == 1:
            return ops.one_hot(ops.cast(actions, "int32"), self.num_actions, dtype="float32")
        shown = ops.cast(actions, "float32")
        count = ops.sum(shown, axis=-1, keepdims=True)
        return ops.where(count > 0.5, shown / ops.maximum(count, 1.0), 1.0 / self.num_actions)

    def _update(self, shares: Any, mask: Any, bits: Any) -> None:
        by_code = ops.transpose(shares)  # (codes, B)
        clips = ops.sum(by_code, axis=1)[:, None]
        kept = ops.matmul(by_code, mask)  # (codes, L·N)
        self._move(self.kept, kept, clips)
        if self.ones is None:
            return
        bits = ops.stop_gradient(ops.cast(bits, "float32"))
        ones = ops.einsum("ab,bnk->ank", by_code, bits * mask[..., None])
        self._move(self.ones, ones, kept[..., None])

    def _move(self, averages: Any, total: Any, count: Any) -> None:
        left = self.memory ** (count * self.num_settings)
        old, new = ops.convert_to_tensor(averages), total / ops.maximum(count, 1e-6)
        averages.assign(ops.where(count > 0.0, left * old + (1.0 - left) * new, old))

    def _code(self, averages: Any, shares: Any) -> Any:
        values = ops.convert_to_tensor(averages)
        mixed = ops.tensordot(shares, values, axes=1)
        return ops.stop_gradient(ops.clip(mixed, self.margin, 1.0 - self.margin))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_actions": self.num_actions,
            "num_tubelets": self.num_tubelets,
            "num_bits": self.num_bits,
            "memory": self.memory,
            "margin": self.margin,
            "num_settings": self.num_settings,
        }


def _nats(word: Any, probability: Any) -> Any:
    """`-log` of the probability of each 0 or 1, linear in the word, which carries the gradient."""
    return -word * ops.log(probability) - (1.0 - word) * ops.log(1.0 - probability)
