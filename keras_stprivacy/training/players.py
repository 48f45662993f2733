"""Who plays in adversarial training, and which loss each of them has."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

ANONYMIZER = "anonymizer"
ACTION = "action_recognizer"
PRIVACY = "privacy_recognizer"  # several are numbered: privacy_recognizer_1, ...


def privacy_players(count: int) -> list[str]:
    """Names of the privacy recognizers as players.

    Example:

    >>> privacy_players(1), privacy_players(2)
    (['privacy_recognizer'], ['privacy_recognizer_1', 'privacy_recognizer_2'])
    """
    return [PRIVACY] if count == 1 else [f"{PRIVACY}_{i + 1}" for i in range(count)]


def action_loss(labels: Any, logits: Any) -> Any:
    """Cross-entropy, mean over the batch; NaN if a label is none of the classes.

    Backends treat a label outside the classes differently (an error, silence, any value). NaN is
    the same everywhere, and `fit` stops at it with a message.

    Args:
        labels: int tensor `(B,)`.
        logits: float tensor `(B, classes)`.

    Returns:
        Scalar, float32.

    Example:

    >>> round(float(action_loss(ops.array([1]), ops.array([[0.0, 0.0]]))), 3)
    0.693
    """
    labels = ops.cast(labels, "int32")
    classes = logits.shape[-1]
    valid = ops.all(ops.logical_and(labels >= 0, labels < classes))
    clipped = ops.clip(labels, 0, classes - 1)
    loss = keras.losses.sparse_categorical_crossentropy(clipped, logits, from_logits=True)
    return ops.where(valid, ops.mean(loss), float("nan"))


def privacy_loss(labels: Any, logits: Any) -> Any:
    """Binary cross-entropy, mean over batch and attributes; NaN if a label is outside [0, 1].

    Args:
        labels: tensor `(B, P)`, 0 or 1.
        logits: float tensor `(B, P)`.

    Returns:
        Scalar, float32.

    Example:

    >>> round(float(privacy_loss(ops.array([[1.0]]), ops.array([[0.0]]))), 3)
    0.693
    """
    labels = ops.cast(labels, "float32")
    valid = ops.all(ops.logical_and(labels >= 0, labels <= 1))
    loss = keras.losses.binary_crossentropy(labels, logits, from_logits=True)
    return ops.where(valid, ops.mean(loss), float("nan"))


def scale_gradient(x: Any, scale: float) -> Any:
    """The identity, with a gradient multiplied by `scale`.

    Put where a clip enters a recognizer, it gives the anonymizer its own weight (or the opposite
    sign) of the recognizer's loss in one common backward pass.

    Args:
        x: float tensor.
        scale: factor of the gradient.

    Example:

    >>> float(scale_gradient(ops.array(2.0), -0.5))
    2.0
    """
    # The sum is exact in value: x is added to a difference that is zero.
    return ops.stop_gradient(x) + scale * (x - ops.stop_gradient(x))
