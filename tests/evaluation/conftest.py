"""A tiny anonymizer that obeys the contract and nothing more."""

import pytest
from colored_clips import CLIP_SHAPE, GRID_SHAPE


@pytest.fixture(scope="session")
def make_anonymizer():
    """Builds a Keras model that obeys the contract of anonymizers: half of the tubelets leave."""
    import keras
    from keras import ops

    class Fake(keras.Model):
        def __init__(self, mode="keep", kept=4):
            super().__init__()
            self.mode = mode
            self.clip_shape = CLIP_SHAPE
            self.grid_shape = GRID_SHAPE
            self.keep_ratio = 0.5
            self.kept = kept
            self.gain = self.add_weight(shape=(), initializer="ones", name="gain")
            self.built = True

        def num_kept(self, keep_ratio=None):
            return self.kept if keep_ratio is None else int(8 * keep_ratio)

        def call(self, clip, training=None, keep_ratio=None):
            kept = 4 if keep_ratio is None else int(8 * keep_ratio)
            mask = ops.cast(ops.arange(8) < kept, "float32")
            mask = ops.broadcast_to(mask, (ops.shape(clip)[0], 8))
            if self.mode == "black":
                clip = ops.zeros_like(clip)
            if self.mode == "nan":
                clip = clip * float("nan")
            output = {"clip": clip * self.gain, "decision_mask": mask, "sparsification": []}
            if self.mode == "no mask":
                del output["decision_mask"]
            return output

    return Fake
