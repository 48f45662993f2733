"""The attacker that sees single frames."""

import keras
import numpy as np
from keras import layers, ops

from keras_stprivacy.evaluation.attackers.attacker import Attacker


class FrameAttacker(Attacker):
    """A small 2-D CNN from scratch that reads every frame by itself.

    It learns from every frame the labels of its clip and averages its probabilities over the
    frames of a clip.

    Args:
        task: see `Attacker`.
        num_classes: see `Attacker`.
        target: see `Attacker`.
        num_kept: not used.
        seed: see `Attacker`.
        batch_size: see `Attacker`.
        jit_compile: see `Attacker`.
    """

    name = "frame"
    label = "frame CNN"
    widths = (24, 48, 96, 128)

    def build_model(self) -> keras.Model:
        frames, height, width, _ = self.target.clip_shape
        clip = keras.Input((frames, height, width, 3))
        x = ops.reshape(clip, (-1, height, width, 3))
        x = layers.Rescaling(2.0, offset=-1.0)(x)
        for channels in self.widths:
            x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.ReLU()(x)
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(self.num_classes, dtype="float32")(x)
        return keras.Model(clip, ops.reshape(x, (-1, frames, self.num_classes)))

    def targets(self, labels: np.ndarray) -> np.ndarray:
        frames = self.target.clip_shape[0]
        return np.repeat(super().targets(labels)[:, None], frames, axis=1)

    def predict(self, clips: np.ndarray, decision_mask: np.ndarray | None = None) -> np.ndarray:
        return self.predict_frames(clips).mean(axis=1)

    def predict_frames(self, clips: np.ndarray) -> np.ndarray:
        """Probabilities of every frame, float64 (B, T, num_classes).

        Args:
            clips: uint8 array (B, T, H, W, 3).
        """
        return self.probability(self.logits(clips, None))
