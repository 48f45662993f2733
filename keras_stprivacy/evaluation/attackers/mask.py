"""The attacker that sees which tubelets were kept, and no pixel."""

from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.attackers.attacker import Attacker
from keras_stprivacy.models import MaskRecognizer


class MaskAttacker(Attacker):
    """A `MaskRecognizer`, a small dense network on the decision mask alone.

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
        # Of the clip it needs no more than how many tubelets there are.
        rows, *image_size = grid
        return MaskRecognizer(self.num_classes, rows, tuple(image_size), (1, 1, 1))

    def inputs(self, clips: np.ndarray, decision_mask: np.ndarray | None) -> Any:
        if decision_mask is None:
            raise ValueError("the attacker 'mask' needs decision masks. Received: None")
        return {"decision_mask": decision_mask.astype("float32")}
