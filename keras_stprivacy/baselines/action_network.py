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
    """Share of the clips whose action is the likeliest.

    Args:
        labels: int tensor (B,).
        logits: (B, classes).

    Returns:
        Scalar, float32.

    Example:

    >>> float(accuracy(keras.ops.array([1, 0]), keras.ops.array([[0.0, 1.0], [0.0, 1.0]])))
    0.5
    """
    hit = keras.ops.cast(keras.ops.argmax(logits, axis=-1), "int32") == labels
    return keras.ops.mean(keras.ops.cast(hit, "float32"))
