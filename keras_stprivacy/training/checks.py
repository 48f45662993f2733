"""What training checks before and while it runs, and that schedules see the state."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from keras_stprivacy.models import Anonymizer
from keras_stprivacy.models.clips import check_clip_spec, check_clip_values

NO_BATCH = "there are no clips to train on: the dataset gave no batch."


def check_arrays(
    clip: Any,
    labels: Any,
    clip_shape: tuple,
    num_actions: int,
    num_attributes: int | None,
    taker: str = "fit",
    multi_label: bool = False,
) -> None:
    """Checks NumPy training data before the first step.

    Args:
        clip: `(B, T, H, W, 3)`, float in [0, 1].
        labels: dict with `"action"` `(B,)`, or `(B, actions)` of 0 and 1 where a clip may show
            several, and, if there are attributes, `"privacy"` `(B, P)`.
        clip_shape: `(T, H, W, 3)`.
        num_actions: classes of the action recognizer.
        num_attributes: private attributes, or None where they are not needed.
        taker: which argument or method the arrays were given to, for the messages.
        multi_label: whether a clip may show several actions.

    Raises:
        ValueError: for empty data, NaN pixels, wrong sizes, labels outside the classes.
        TypeError: for clips that are not floats, labels that are no dict.
    """
    check_clip_spec(clip, clip_shape, taker)
    check_clip_values(clip, taker)
    check_label_keys(labels, num_attributes is not None)
    action = np.asarray(labels["action"])
    if multi_label:
        _check_binary(action, (len(clip), num_actions), "action", "actions")
    else:
        _check_classes(action, len(clip), num_actions, taker)
    if num_attributes is not None:
        privacy = np.asarray(labels["privacy"])
        _check_binary(privacy, (len(clip), num_attributes), "privacy", "attributes")


def _check_classes(action: np.ndarray, num_clips: int, num_actions: int, taker: str) -> None:
    if action.shape != (num_clips,):
        hint = " Where clips show several actions, pass multi_label=True." * (action.ndim == 2)
        raise ValueError(
            f"{taker} needs a class number for each of the {num_clips} clips, action labels of "
            f"shape ({num_clips},). Received: {action.shape}.{hint}"
        )
    numbers = action.dtype.kind in "biuf"
    if not numbers or not (np.isfinite(action) & (action == np.floor(action))).all():
        raise ValueError(
            f"action labels must be whole class numbers in 0..{num_actions - 1}. Received: "
            f"{action.dtype} labels {np.array2string(action, threshold=8)}"
        )
    if action.min() < 0 or action.max() >= num_actions:
        raise ValueError(
            f"action labels must be in 0..{num_actions - 1}, since the action recognizer has "
            f"{num_actions} classes. Received: labels from {action.min()} to {action.max()}"
        )


def _check_binary(values: np.ndarray, shape: tuple[int, int], kind: str, columns: str) -> None:
    if values.shape != shape:
        raise ValueError(
            f"{kind} labels must have the shape {shape}, clips x {columns}. Received: "
            f"{values.shape}"
        )
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"{kind} labels must be 0 or 1. Received: values from {values.min()} to {values.max()}"
        )


def check_label_keys(labels: Any, needs_privacy: bool) -> None:
    """Checks that labels are a dict with the keys that a phase needs.

    Raises:
        TypeError: if labels are no dict.
        ValueError: if a key is missing.
    """
    needed = ("action", "privacy") if needs_privacy else ("action",)
    if not isinstance(labels, dict):
        raise TypeError(
            f'labels must be a dict with the keys {needed}: {{"action": (B,), "privacy": (B, P)}}. '
            f"Received: {type(labels).__name__}"
        )
    missing = [key for key in needed if key not in labels]
    if missing:
        raise ValueError(f"labels lack the keys {missing}. Received: {sorted(labels)}")


def check_action_rank(action: Any, num_actions: int, multi_label: bool) -> None:
    """Checks action labels of a batch, which may be symbolic, by their shape.

    Args:
        action: tensor or array.
        num_actions: classes.
        multi_label: whether a clip may show several actions.

    Raises:
        ValueError: for labels of one action where several were announced, and the other way round.
    """
    try:
        shape = tuple(action.shape)
    except (AttributeError, ValueError):  # a list, or a rank that TensorFlow does not know
        return
    if multi_label and (len(shape) != 2 or shape[1] not in (num_actions, None)):
        raise ValueError(
            f"with multi_label=True, action labels must have the shape (B, {num_actions}), 0 or 1 "
            f"for every action. Received: {shape}"
        )
    if not multi_label and len(shape) == 2 and shape[1] not in (1, None):
        raise ValueError(
            "action labels must be class numbers of shape (B,). Where clips show several actions, "
            f"pass multi_label=True. Received: {shape}"
        )


def as_class_numbers(action: Any, multi_label: bool) -> Any:
    """Action labels of a batch as `(B,)`, also where they came as a column `(B, 1)`.

    Args:
        action: tensor or array.
        multi_label: whether a clip may show several actions; then labels stay as they are.
    """
    try:
        column = not multi_label and len(action.shape) == 2
    except (AttributeError, ValueError):  # a list, or a rank that TensorFlow does not know
        return action
    return keras.ops.reshape(action, (-1,)) if column else action


class StopAtBadEpoch(keras.callbacks.Callback):
    """Ends training with an error after an epoch without a batch, or without a finite loss.

    Raises:
        ValueError: then.
    """

    async_safe = True  # nothing here waits for the values of a batch

    def on_train_begin(self, logs: Any = None) -> None:
        self._trained = False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._trained = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._trained:
            raise ValueError(NO_BATCH)
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(float(value))]
        if bad:
            raise ValueError(
                f"training ended in epoch {epoch + 1} with values that are not finite: "
                f"{', '.join(bad)}. The usual causes: NaN pixels in a clip, a label outside the "
                "classes (action labels count from 0; privacy labels are 0 or 1), a learning rate "
                "that is too high."
            )


def check_reconstructor_fits(anonymizer: Any, reconstructor: Any) -> None:
    """Checks that a reconstructor, if there is one, writes whole clips of the anonymizer's size.

    Raises:
        ValueError: if it takes other clips, drops tubelets or lets few bits through.
    """
    if reconstructor is None:
        return
    of_clips = getattr(reconstructor, "clip_shape", None)
    if not isinstance(reconstructor, Anonymizer) or of_clips != anonymizer.clip_shape:
        raise ValueError(
            f"the reconstructor must be an Anonymizer of clips {anonymizer.clip_shape}, as the "
            f"anonymizer takes them. Received: {type(reconstructor).__name__} of clips {of_clips}"
        )
    if reconstructor.num_sparsification_blocks or reconstructor.bottleneck is not None:
        raise ValueError(
            "the reconstructor must write all that it can: build it with "
            "num_sparsification_blocks=0 and without bottleneck_bits. Received: "
            f"num_sparsification_blocks={reconstructor.num_sparsification_blocks}, "
            f"bottleneck_bits={reconstructor.bottleneck_bits}"
        )


def check_players_fit(anonymizer: Any, action_recognizer: Any, privacy_recognizers: list) -> None:
    """Checks that an anonymizer and its opponents take the same clips.

    Raises:
        ValueError: if they do not, or there is no privacy recognizer.
    """
    if not privacy_recognizers:
        raise ValueError("at least one privacy recognizer is needed. Received: an empty sequence")
    for recognizer in (action_recognizer, *privacy_recognizers):
        ours = (anonymizer.clip_shape, anonymizer.tubelet_size)
        theirs = (recognizer.clip_shape, recognizer.tubelet_size)
        if ours != theirs:
            raise ValueError(
                "recognizers must take the clips and tubelets of the anonymizer, since they share "
                f"its decision mask. Received: clips {ours[0]} and tubelets {ours[1]} in the "
                f"anonymizer, {theirs[0]} and {theirs[1]} in a recognizer"
            )
        if recognizer.num_kept is not None:
            raise ValueError(
                "recognizers in training attend under the mask: build them with num_kept=None. "
                f"Received: num_kept={recognizer.num_kept}"
            )
    counts = {recognizer.num_classes for recognizer in privacy_recognizers}
    if len(counts) > 1:
        raise ValueError(
            f"privacy recognizers must have equally many attributes. Received: {sorted(counts)}"
        )
