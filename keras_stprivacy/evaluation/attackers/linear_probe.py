"""The weakest reader: a linear layer."""

from typing import Any

import keras
from keras import layers, ops

from keras_stprivacy.evaluation.attackers.video_transformer import VideoTransformerAttacker

_MOST_PIXELS = 16  # a side of what the probe sees of a frame, about


class LinearProbe(VideoTransformerAttacker):
    """A linear layer, on frozen features or on pixels.

    With given weights: on the features of the frozen video transformer that has them. Without: on
    the pixels, averaged down to frames of at most about 16x16. What a linear layer reads stands
    open to everybody.

    Args:
        task: see `Attacker`.
        num_classes: see `Attacker`.
        target: see `Attacker`.
        attacker: see `VideoTransformerAttacker`.
        weights: see `VideoTransformerAttacker`.
        **kwargs: see `Attacker`.

    Raises:
        ValueError: if the last layer of a network with given weights has nothing to train.
    """

    name = "linear_probe"
    label = "linear probe"

    def build_model(self) -> keras.Model:
        if self.weights is not None:
            model = super().build_model()
            for layer in model.layers[:-1]:
                layer.trainable = False
            if not model.layers[-1].trainable_variables:
                raise ValueError(
                    "a linear probe trains the last layer of the network with the given weights. "
                    f"Received: {type(model).__name__}, whose last layer "
                    f"{model.layers[-1].name!r} has nothing to train"
                )
            return model
        frames, height, width, _ = self.target.clip_shape
        clip = keras.Input((frames, height, width, 3))
        x = layers.Rescaling(2.0, offset=-1.0)(clip)
        factors = [-(-side // _MOST_PIXELS) for side in (height, width)]
        if max(factors) > 1:
            x = layers.AveragePooling3D((1, *factors), padding="valid")(x)
        x = ops.reshape(x, (-1, frames * (height // factors[0]) * (width // factors[1]) * 3))
        return keras.Model(clip, layers.Dense(self.num_classes, dtype="float32")(x))

    def inputs(self, clips: Any, decision_mask: Any) -> Any:
        return super().inputs(clips, None if self.weights is None else decision_mask)
