"""Reads whatever `fit` was given into checked batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_stprivacy.data.errors import EmptyDatasetError
from keras_stprivacy.training.checks import check_arrays, check_label_keys

Batch = tuple[np.ndarray, dict[str, np.ndarray]]


class TrainingData:
    """A split of a dataset to train on, in any of the forms that `evaluate` takes.

    Args:
        data: an object with `clips`, `action` and `privacy` such as `MotionDigits`; a tuple
            `(clip, {"action", "privacy"})` of arrays; or an iterable of such batches that can be
            read again and again. Clips are (N, T, H, W, 3), uint8, or float in [0, 1].
        clip_shape: `(T, H, W, 3)`.
        batch_size: clips in a batch, of arrays; iterables come in batches of their own.
        seed: of the order of arrays; iterables shuffle themselves.
        num_actions: classes; None: as many as `data` names or, in arrays, shows.
        num_attributes: private attributes; likewise.
        needs_privacy: whether the system learns from private attributes.
        name: for the messages.
        multi_label: whether a clip may show several actions, `"action"` being (B, actions) of 0 and
            1; None: as arrays have it; in batches, no.

    Raises:
        ValueError: if the data is of no such form, is empty, or does not fit.

    Example:

    >>> digits = stp.data.motion_digits("train", num_clips=16, cache=False)
    >>> data = TrainingData(digits, (8, 32, 32, 3), batch_size=5)
    >>> [len(clips) for clips, labels in data.epoch()], data.num_actions
    ([5, 5, 5], 8)
    """

    def __init__(
        self,
        data: Any,
        clip_shape: tuple[int, ...],
        batch_size: int = 32,
        seed: int = 0,
        num_actions: int | None = None,
        num_attributes: int | None = None,
        needs_privacy: bool = True,
        name: str = "train",
        multi_label: bool | None = None,
    ) -> None:
        self.clip_shape = tuple(clip_shape)
        self.name = name
        self.needs_privacy = needs_privacy
        self.rng = np.random.default_rng(seed)
        named = (_count(data, "class_names"), _count(data, "attribute_names"))
        if all(hasattr(data, part) for part in ("clips", "action", "privacy")):
            data = (data.clips, {"action": data.action, "privacy": data.privacy})
        self.data = data
        self.in_memory = isinstance(data, tuple) and len(data) == 2 and isinstance(data[1], Mapping)
        if multi_label is None and self.in_memory:
            multi_label = np.ndim(data[1].get("action", 0)) == 2
        self.multi_label = bool(multi_label)
        shown: tuple[int | None, int | None] = (None, None)
        if self.in_memory:
            shown = self._check_memory()
            self.batch_size = min(batch_size, len(data[0]))
        elif not hasattr(data, "__iter__") or isinstance(data, str | bytes | Mapping):
            raise ValueError(
                f"{name} must be a tuple (clip, labels), or an iterable of such batches. "
                f"Received: {type(data).__name__}"
            )
        elif iter(data) is data:
            raise ValueError(
                f"{name} is read several times, but can be read only once. Received: "
                f"{type(data).__name__}; pass a dataset or a list of batches."
            )
        self.num_actions = self._number("num_actions", num_actions, named[0], shown[0])
        self.num_attributes = (
            self._number("num_attributes", num_attributes, named[1], shown[1])
            if needs_privacy
            else None
        )

    def epoch(self, shuffle: bool = True) -> Iterator[Batch]:
        """Reads the split once.

        Arrays come in random order, without what does not fill a batch; with `shuffle=False` in
        their own order and completely.

        Args:
            shuffle: see above; without effect on iterables.

        Yields:
            Float32 clips (B, T, H, W, 3) in [0, 1], and labels `"action"` int32 (B,), or
            float32 (B, actions) of several, and, if they are needed, `"privacy"` float32 (B, P).

        Raises:
            ValueError: for clips or labels that do not fit, or if there is no batch.
        """
        count = 0
        for clips, labels in self._raw(shuffle):
            count += 1
            yield self._checked(clips, labels)
        if not count:
            raise EmptyDatasetError(f"{self.name} is empty: it gave no batch of clips.")

    def endless(self) -> Iterator[Batch]:
        """Reads the split again and again."""
        while True:
            yield from self.epoch()

    def steps_per_epoch(self) -> int:
        """Batches of an epoch; of iterables without a length this reads the split once."""
        if self.in_memory:
            return len(self.data[0]) // self.batch_size
        if hasattr(self.data, "__len__"):
            return len(self.data)
        return sum(1 for _ in self.data)

    def _raw(self, shuffle: bool) -> Iterator[tuple[Any, Mapping]]:
        if not self.in_memory:
            for item in self.data:
                if not (isinstance(item, tuple | list) and len(item) == 2):
                    raise ValueError(
                        f"every batch of {self.name} must be a tuple (clip, labels). Received: "
                        f"{type(item).__name__}"
                    )
                yield item[0], item[1]
            return
        clips, labels = self.data
        size = self.batch_size
        order = self.rng.permutation(len(clips)) if shuffle else np.arange(len(clips))
        stop = len(clips) // size * size if shuffle else len(clips)
        for start in range(0, stop, size):
            rows = order[start : start + size]
            yield clips[rows], {key: np.asarray(value)[rows] for key, value in labels.items()}

    def _checked(self, clips: Any, labels: Any) -> Batch:
        clips = np.asarray(clips)
        if clips.dtype == np.uint8:
            clips = clips.astype("float32") / np.float32(255.0)
        check_label_keys(labels, self.needs_privacy)
        wanted = {"action": np.asarray(labels["action"])}
        if self.needs_privacy:
            wanted["privacy"] = np.asarray(labels["privacy"]).astype("float32")
        counts = (self.num_actions, self.num_attributes)
        check_arrays(clips, wanted, self.clip_shape, *counts, self.name, self.multi_label)
        wanted["action"] = wanted["action"].astype("float32" if self.multi_label else "int32")
        return clips.astype("float32", copy=False), wanted

    def _check_memory(self) -> tuple[int | None, int | None]:
        clips, labels = self.data
        if not isinstance(clips, np.ndarray) or clips.ndim != 5:
            raise ValueError(
                f"clips of {self.name} must be one array (N, T, H, W, 3); cut whole videos and "
                f"views before. Received: {type(clips).__name__} "
                f"{getattr(clips, 'shape', '')}"
            )
        if not len(clips):
            raise EmptyDatasetError(f"{self.name} is empty: it has no clip.")
        check_label_keys(labels, self.needs_privacy)
        attributes = None
        if self.needs_privacy and np.ndim(labels["privacy"]) == 2:
            attributes = np.shape(labels["privacy"])[1]
        action = np.asarray(labels["action"])
        several = self.multi_label and action.ndim == 2
        return action.shape[1] if several else int(action.max()) + 1, attributes

    def _number(self, what: str, given: int | None, named: int | None, shown: int | None) -> int:
        for number in (given, named, shown):
            if number is not None:
                return int(number)
        raise ValueError(
            f"{self.name} comes in batches and does not say its {what}: pass {what}= to fit."
        )


def _count(data: Any, attribute: str) -> int | None:
    names = getattr(data, attribute, None)
    return len(names) if isinstance(names, list | tuple) else None
