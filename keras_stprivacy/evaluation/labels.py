"""The labels of a training split, their names, and what test labels must agree with."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class TrainLabels:
    """Labels of the training clips, and the names that both splits share.

    Attributes:
        action: int64 array (N,), or (N, A) of 0 and 1 where a clip may show several actions.
        privacy: int64 array (N, P) of 0 and 1.
        class_names: the actions.
        attribute_names: the private attributes.
        video: int64 array (N,), the video that a clip was cut from.
    """

    action: np.ndarray
    privacy: np.ndarray
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    video: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, "int64"))

    @property
    def multi_label(self) -> bool:
        """Whether a clip may show several actions."""
        return self.action.ndim == 2


def named(labels: TrainLabels, class_names: Any, attribute_names: Any) -> TrainLabels:
    """Gives labels their names, or numbers where there are none.

    Raises:
        ValueError: if names are missing, too many, or not different.

    Example:

    >>> labels = TrainLabels(np.array([0, 1]), np.zeros((2, 1), "int64"), (), ())
    >>> named(labels, None, ["face"]).class_names
    ('action 0', 'action 1')
    """
    if class_names is None:
        count = labels.action.shape[1] if labels.multi_label else int(labels.action.max()) + 1
        class_names = [f"action {i}" for i in range(count)]
    if attribute_names is None:
        attribute_names = [f"attribute {i}" for i in range(labels.privacy.shape[1])]
    class_names, attribute_names = tuple(class_names), tuple(attribute_names)
    if len(attribute_names) != labels.privacy.shape[1]:
        raise ValueError(
            f"attribute_names must name the {labels.privacy.shape[1]} attributes of train. "
            f"Received: {len(attribute_names)} names"
        )
    if len(set(attribute_names)) != len(attribute_names):
        raise ValueError(f"attribute_names must differ. Received: {attribute_names}")
    result = dataclasses.replace(labels, class_names=class_names, attribute_names=attribute_names)
    check_classes(labels.action, labels.privacy, result, split="train")
    return result


def check_classes(
    action: np.ndarray, privacy: np.ndarray, labels: TrainLabels, split: str = "test"
) -> None:
    """Checks labels against the classes and attributes of the training split.

    Raises:
        ValueError: if there are others.
    """
    if action.ndim != labels.action.ndim:
        raise ValueError(
            f'"action" of train and {split} must have the same form, class indices (batch,) or '
            f"0 and 1 (batch, actions). Received: {labels.action.shape} and {action.shape}"
        )
    count = len(labels.class_names)
    if labels.multi_label and action.shape[1] != count:
        raise ValueError(
            f'"action" of {split} must have {count} columns, one for each of the classes. '
            f"Received: {action.shape[1]}"
        )
    if not labels.multi_label and len(action) and action.max() >= count:
        raise ValueError(
            f'"action" of {split} must be in 0..{count - 1}: there are {count} classes. Received: '
            f"{int(action.max())}. Pass class_names with all classes if train does not show each "
            "of them."
        )
    if privacy.shape[1] != len(labels.attribute_names):
        raise ValueError(
            f'"privacy" of {split} must have {len(labels.attribute_names)} attributes '
            f"{list(labels.attribute_names)}. Received: {privacy.shape[1]}"
        )
