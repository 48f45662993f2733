"""Anonymizers with NaN weights in one of their parts, as a training that broke down leaves them."""

from typing import Any

import keras
import numpy as np
from harness import EAGER
from keras import ops

PARTS = {
    "embedding": lambda model: model.embedding,
    "middle layer": lambda model: model.sparsification_blocks[1].transformer_layers[0],
    "predictor": lambda model: model.sparsification_blocks[1].retaining_predictor.decide,
    "last layer": lambda model: model.anonymization_block.transformer_layers[0],
    "head": lambda model: model.head,
}


def spoil(model: Any, part: str) -> Any:
    """Makes every weight of a part NaN; the model is returned."""
    layer = PARTS[part](model)
    layer.set_weights([np.full_like(w, np.nan) for w in layer.get_weights()])
    return model


class BothPaths(keras.Model):
    """A ratio for all clips, and one for each.

    Weights are arguments of what JAX compiles, as in use: of constants that are NaN, XLA's CPU
    compiler (JAX 0.10) makes anything.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.compile(jit_compile=keras.backend.backend() == "jax", **EAGER)

    def call(self, clip: Any) -> Any:
        ratios = ops.cast(ops.linspace(0.4, 0.7, clip.shape[0]), "float32")
        return self.model(clip), self.model(clip, keep_ratio=ratios)

    def when_broken(self, anonymizer: Any, part: str, clip: np.ndarray) -> Any:
        """Both outputs while the part is spoiled; compiled once for all parts."""
        weights = anonymizer.get_weights()
        try:
            spoil(anonymizer, part)
            return self.predict_on_batch(clip)
        finally:
            anonymizer.set_weights(weights)
