"""A 3-D convolutional network, for what a transformer's tubelets may miss."""

import keras
from keras import layers

from keras_stprivacy.evaluation.attackers.attacker import Attacker


class Conv3DAttacker(Attacker):
    """A small 3-D CNN from scratch: four 3x3x3 convolutions, each with half the image size.

    It sees the pixels alone. The first convolution keeps all frames, the later ones halve them;
    then the mean over what is left, and a dense layer.

    Args:
        task: see `Attacker`.
        num_classes: see `Attacker`.
        target: see `Attacker`.
        num_kept: not used.
        seed: see `Attacker`.
        batch_size: see `Attacker`.
        jit_compile: see `Attacker`.
    """

    name = "conv3d"
    label = "3-D CNN"
    widths = (16, 32, 64, 128)

    def build_model(self) -> keras.Model:
        frames, height, width, _ = self.target.clip_shape
        clip = keras.Input((frames, height, width, 3))
        x = layers.Rescaling(2.0, offset=-1.0)(clip)
        for number, channels in enumerate(self.widths):
            strides = (1 if number == 0 else 2, 2, 2)
            x = layers.Conv3D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.ReLU()(x)
        x = layers.GlobalAveragePooling3D()(x)
        return keras.Model(clip, layers.Dense(self.num_classes, dtype="float32")(x))
