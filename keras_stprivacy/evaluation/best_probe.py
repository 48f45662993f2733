"""Which probe of a training was the best, and when to stop."""

from __future__ import annotations

import dataclasses
import math
from typing import Any


@dataclasses.dataclass
class BestProbe:
    """The probe with the least leakage among those whose actions can be read.

    Attributes:
        patience: probes without a lower value after which training is to stop; None: never.
        min_action_accuracy: what a probe needs to be the best; None: nothing.
        epoch: of the best probe; None before there is one.
        weights: of the best probe, where they were kept.

    Example:

    >>> best = BestProbe(patience=1)
    >>> best.judge(1, 0.5, None), best.judge(2, 0.6, None), best.over, best.epoch
    (True, False, True, 1)
    """

    patience: int | None = None
    min_action_accuracy: float | None = None
    epoch: int | None = None
    weights: list[Any] | None = None
    _value: float = math.inf
    _waited: int = 0

    def judge(self, epoch: int, value: float, accuracy: float | None) -> bool:
        """Whether this probe is the best so far.

        Args:
            epoch: that it was made after.
            value: its leakage.
            accuracy: how well it reads actions, if that is known.
        """
        least = self.min_action_accuracy
        readable = least is None or (accuracy is not None and accuracy >= least)
        if readable and value < self._value:
            self._value, self.epoch, self._waited = value, epoch, 0
            return True
        self._waited += self.epoch is not None  # there is nothing to wait for before a first one
        return False

    @property
    def over(self) -> bool:
        """Whether the patience has come to its end."""
        return self.patience is not None and self._waited >= self.patience
