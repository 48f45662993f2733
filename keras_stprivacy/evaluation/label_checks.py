"""What labels and boxes of a split must be like, said before anything is trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def check_labels(labels: Mapping, count: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Checks the labels of some clips.

    Args:
        labels: with "action" (N,), or (N, A) of 0 and 1, and "privacy" (N, P) of 0 and 1.
        count: N.
        name: of the split, for the messages.

    Returns:
        Action and privacy as int64 arrays.

    Raises:
        ValueError: if they are not so.
    """
    for key, shape in (
        ("action", "(batch,), or (batch, actions) of 0 and 1,"),
        ("privacy", "(batch, attributes)"),
    ):
        if key not in labels:
            raise ValueError(
                f'labels of {name} have no "{key}". evaluate needs "action" (batch,) and '
                f'"privacy" (batch, attributes). Received: {sorted(labels)}'
            )
        value = np.asarray(labels[key])
        if value.ndim not in ((1, 2) if key == "action" else (2,)) or len(value) != count:
            raise ValueError(
                f'"{key}" of {name} must have shape {shape} with a batch of {count}. '
                f"Received: {value.shape}"
            )
    action, privacy = np.asarray(labels["action"]), np.asarray(labels["privacy"])
    if action.ndim == 2 and not np.isin(action, (0, 1)).all():
        raise ValueError(
            f'"action" of {name} of shape (batch, actions) must be 0 or 1. Received: '
            f"{action[~np.isin(action, (0, 1))][0]}"
        )
    if not np.issubdtype(action.dtype, np.integer) and not (action == np.floor(action)).all():
        raise ValueError(f'"action" of {name} must be class indices. Received: {action}')
    if count and action.min() < 0:
        raise ValueError(f'"action" of {name} must be 0 or more. Received: {int(action.min())}')
    if not privacy.shape[1]:
        raise ValueError(f'"privacy" of {name} has no attribute: shape {privacy.shape}')
    wrong = ~np.isin(privacy, (0, 1))
    if wrong.any():
        raise ValueError(
            f'"privacy" of {name} must be 0 or 1 for every attribute of every clip; leave '
            f"out clips that were not annotated. Received: {privacy[wrong][0]}"
        )
    return action.astype("int64"), privacy.astype("int64")


def check_boxes(boxes: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Brings the boxes of clips of `shape` (clips, views, frames, ...) into one form.

    Returns:
        A float32 array (clips, views, frames, K, 4).

    Raises:
        ValueError: if they do not fit the clips.
    """
    boxes = np.asarray(boxes, "float32")
    if boxes.ndim == 3:  # one a frame
        boxes = boxes[:, :, None]
    if boxes.ndim == 4:  # one view
        boxes = boxes[:, None]
    if boxes.ndim != 5 or boxes.shape[:3] != shape[:3] or boxes.shape[4] != 4:
        raise ValueError(
            f'"boxes" of {name} must have the shape (clips, frames, 4), (clips, frames, '
            "K, 4) or (clips, views, frames, K, 4), with (clips, views, frames) = "
            f"{shape[:3]}. Received: {boxes.shape}"
        )
    return boxes


def check_frame_privacy(labels: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Brings labels of frames into one form, `shape` (clips, views, frames, attributes).

    Returns:
        An int64 array of 0, 1 and -1 (not annotated).

    Raises:
        ValueError: if they are of another shape, or other numbers.
    """
    labels = np.asarray(labels)
    if labels.ndim == 3:  # one view
        labels = labels[:, None]
    if labels.shape != shape or not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError(
            f'"frame_privacy" of {name} must be 0, 1 or -1 (not annotated), of shape '
            "(clips, frames, attributes) or (clips, views, frames, attributes) with (clips, "
            f"views, frames, attributes) = {shape}. Received: {labels.shape}"
        )
    return labels.astype("int64")


def check_frame_number(numbers: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Brings numbers of frames into one form, `shape` (clips, views, frames).

    Returns:
        An int64 array.

    Raises:
        ValueError: if they are of another shape, or not whole numbers of 0 and above.
    """
    numbers = np.asarray(numbers)
    if numbers.ndim == 2:  # one view
        numbers = numbers[:, None]
    whole = numbers.dtype.kind in "iu" and (numbers >= 0).all()
    if numbers.shape != shape or not whole:
        raise ValueError(
            f'"frame_number" of {name} must be whole numbers from 0 on, of shape (clips, frames) '
            f"or (clips, views, frames) with (clips, views, frames) = {shape}. Received: "
            f"{numbers.dtype} of shape {numbers.shape}"
        )
    return numbers.astype("int64")


def check_source_video(sources: Any, count: int, name: str) -> np.ndarray:
    """Checks what the videos were cut from, (N,).

    Returns:
        An array of whole numbers or of texts.

    Raises:
        ValueError: if it is not so.
    """
    # A list at once, since an array of texts and a NaN has the text "nan".
    as_given = sources if isinstance(sources, list | tuple) else np.asarray(sources)
    values = np.asarray(as_given, object)
    wrong = [value for value in values.ravel() if not _is_name(value)]
    if values.shape != (count,) or wrong:
        received = f"shape {values.shape}" + (f" with {wrong[0]!r}" if wrong else "")
        raise ValueError(
            f'"source_video" of {name} must be a whole number or a text for each of {count} '
            'videos, the same for those cut from one, and a negative number or "" where it is not '
            f"known. Received: {received}"
        )
    return np.asarray(
        [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values]
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str | bytes | int | np.integer) and not isinstance(value, bool)


def check_boxes_of_video(boxes: Any, video: np.ndarray, name: str) -> np.ndarray:
    """Brings the boxes of a whole video into one form, float32 (frames, K, 4).

    Raises:
        ValueError: if they do not fit the video.
    """
    boxes = np.asarray(boxes, "float32")
    if boxes.ndim == 2:  # one a frame
        boxes = boxes[:, None]
    if boxes.ndim != 3 or len(boxes) != len(video) or boxes.shape[2] != 4:
        raise ValueError(
            f'"boxes" of a video of {name} must have the shape ({len(video)}, 4) or '
            f"({len(video)}, K, 4): frames, boxes of a frame. Received: {boxes.shape}"
        )
    return boxes
