"""Who plays in adversarial training, and which loss each of them has."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_stprivacy.metrics import ClassMeanAveragePrecision

ANONYMIZER = "anonymizer"
ACTION = "action_recognizer"
PRIVACY = "privacy_recognizer"  # several are numbered: privacy_recognizer_1, ...
RECONSTRUCTOR = "reconstructor"


def privacy_players(count: int) -> list[str]:
    """Names of the privacy recognizers as players.

    Example:

    >>> privacy_players(1), privacy_players(2)
    (['privacy_recognizer'], ['privacy_recognizer_1', 'privacy_recognizer_2'])
    """
    return [PRIVACY] if count == 1 else [f"{PRIVACY}_{i + 1}" for i in range(count)]


def action_loss(labels: Any, logits: Any, multi_label: bool | None = None) -> Any:
    """Loss of the actions, mean over the batch; NaN if a label is none of the classes.

    The cross-entropy of one action a clip; or, where a clip may show several, the binary
    cross-entropy, mean over the classes as well. Backends treat a label outside the classes
    differently (an error, silence, any value). NaN is the same everywhere, and `fit` stops at it
    with a message.

    Args:
        labels: int tensor `(B,)`; or of several actions `(B, classes)`, 0 or 1.
        logits: float tensor `(B, classes)`.
        multi_label: which of both; None: as the rank of `labels` says.

    Returns:
        Scalar, float32.

    Raises:
        ValueError: if labels of several actions have not as many classes as the logits.

    Example:

    >>> round(float(action_loss(ops.array([1]), ops.array([[0.0, 0.0]]))), 3)
    0.693
    >>> several = ops.array([[1.0, 1.0, 0.0]])
    >>> round(float(action_loss(several, ops.array([[9.0, 9.0, -9.0]]))), 3)
    0.0
    """
    if multi_label is None:
        multi_label = len(labels.shape) == 2
    if multi_label:
        if tuple(labels.shape[1:]) != tuple(logits.shape[1:]):
            raise ValueError(
                "labels of several actions must be 0 or 1 for each class of the logits. Received: "
                f"labels of shape {tuple(labels.shape)}, logits of shape {tuple(logits.shape)}"
            )
        return privacy_loss(labels, logits)
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


def action_metric(num_actions: int, multi_label: bool) -> keras.metrics.Metric:
    """How well actions are read, from labels and logits.

    Args:
        num_actions: classes.
        multi_label: whether a clip may show several.

    Returns:
        `"action_accuracy"`, the share of right answers; or `"action_average_precision"`, the
        unweighted mean over classes.

    Example:

    >>> action_metric(3, multi_label=True).name
    'action_average_precision'
    """
    if multi_label:
        return ClassMeanAveragePrecision(
            num_actions, from_logits=True, name="action_average_precision"
        )
    return keras.metrics.SparseCategoricalAccuracy(name="action_accuracy")


def scale_gradient(x: Any, scale: Any) -> Any:
    """The identity, with a gradient multiplied by `scale`.

    Put where a clip enters a recognizer, it gives the anonymizer its own weight (or the opposite
    sign) of the recognizer's loss in one common backward pass.

    Args:
        x: float tensor.
        scale: factor of the gradient, a number or a scalar tensor.

    Example:

    >>> float(scale_gradient(ops.array(2.0), -0.5))
    2.0
    """
    # The sum is exact in value: x is added to a difference that is zero.
    return ops.stop_gradient(x) + scale * (x - ops.stop_gradient(x))
