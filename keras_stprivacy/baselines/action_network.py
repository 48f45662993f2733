"""The action networks of the adversarial systems, by name."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.c3d import C3D
from keras_stprivacy.baselines.networks.r3d18 import R3D18

ACTION_NETWORKS = ("c3d", "r3d18", "r3d18_dilated")


def action_network(
    kind: str, num_classes: int, clip_shape: tuple[int, ...], width: float = 1.0, seed: int = 0
) -> keras.Model:
    """A video classifier from scratch.

    Args:
        kind: `"c3d"`, `"r3d18"`, or `"r3d18_dilated"`, which SPAct uses.
        num_classes: actions.
        clip_shape: `(T, H, W, 3)`.
        width: channels are multiplied by it.
        seed: of dropout.

    Raises:
        ValueError: for an unknown kind.

    Example:

    >>> action_network("c3d", 8, (8, 32, 32, 3), width=0.125).name
    'c3d'
    """
    if kind not in ACTION_NETWORKS:
        raise ValueError(f"action_network must be one of {ACTION_NETWORKS}. Received: {kind!r}")
    if kind == "c3d":
        return C3D(num_classes, clip_shape, width, seed=seed)
    return R3D18(num_classes, clip_shape, width, dilate_last=kind == "r3d18_dilated")


def accuracy(labels: Any, logits: Any) -> Any:
    """Share of the clips whose likeliest action is theirs: one of theirs, if there are several.

    Args:
        labels: int tensor (B,); or of several actions (B, classes), 0 or 1 (reading).
        logits: (B, classes).

    Returns:
        Scalar, float32.

    Example:

    >>> float(accuracy(keras.ops.array([1, 0]), keras.ops.array([[0.0, 1.0], [0.0, 1.0]])))
    0.5
    >>> float(accuracy(keras.ops.array([[1, 1, 0]]), keras.ops.array([[0.0, 2.0, 1.0]])))
    1.0
    """
    labels = keras.ops.convert_to_tensor(labels)
    likeliest = keras.ops.cast(keras.ops.argmax(logits, axis=-1), "int32")  # (B,)
    if len(labels.shape) == 2:
        chosen = keras.ops.one_hot(likeliest, logits.shape[-1], dtype="float32")
        return keras.ops.mean(keras.ops.sum(chosen * keras.ops.cast(labels, "float32"), axis=-1))
    return keras.ops.mean(keras.ops.cast(likeliest == labels, "float32"))
