"""The attacker that sees which tubelets were kept, and no pixel."""

import math
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_stprivacy.evaluation.attackers.attacker import Attacker


class MaskAttacker(Attacker):
    """A small dense network on the decision mask alone.

    What it reads leaves through the shape of what is kept, whatever the pixels are.

    Args:
        task: see `Attacker`.
        num_classes: see `Attacker`.
        target: see `Attacker`; must have a `grid_shape`.
        num_kept: not used.
        seed: see `Attacker`.
        batch_size: see `Attacker`.
        jit_compile: see `Attacker`.

    Raises:
        ValueError: if the target gives no decision mask.
    """

    name = "mask"
    label = "decision mask only"
    needs_mask = True

    def build_model(self) -> keras.Model:
        grid = getattr(self.target, "grid_shape", None)
        if grid is None:
            raise ValueError(
                f"{type(self.target).__name__} has no grid_shape: it drops no tubelets, so there "
                "is no decision mask to attack. Leave out the attacker 'mask'."
            )
        mask = keras.Input((math.prod(grid),))
        x = layers.Rescaling(2.0, offset=-1.0)(mask)
        for _ in range(2):
            x = layers.Dense(128, activation="gelu")(x)
        return keras.Model(mask, layers.Dense(self.num_classes, dtype="float32")(x))

    def inputs(self, clips: np.ndarray, decision_mask: np.ndarray | None) -> Any:
        if decision_mask is None:
            raise ValueError("the attacker 'mask' needs decision masks. Received: None")
        return decision_mask.astype("float32")
