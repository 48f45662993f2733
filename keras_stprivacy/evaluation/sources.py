"""Reads whatever `evaluate` was given into checked batches of clips and labels."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_stprivacy.evaluation.views import random_view, video_views
from keras_stprivacy.models.clips import check_clip_values


@dataclasses.dataclass(frozen=True)
class Batch:
    """Some videos of a split.

    Attributes:
        clips: float32 array (B, V, T, H, W, 3) in [0, 1], V views of each video.
        action: int64 array (B,).
        privacy: int64 array (B, P) of 0 and 1.
        boxes: float32 array (B, V, T, K, 4) of persons (see `keras_stprivacy.baselines.boxes`),
            or None where the data has none.
    """

    clips: np.ndarray
    action: np.ndarray
    privacy: np.ndarray
    boxes: np.ndarray | None = None


class Source:
    """One split of a dataset, in any of the forms that `evaluate` takes.

    Args:
        data: a tuple `(clip, labels)`, with clips (N, T, H, W, 3), views (N, V, T, H, W, 3) or a
            list of whole videos (frames, h, w, 3); an object with `clips`, `action` and `privacy`
            such as `MotionDigits`; or an iterable of batches `(clip, labels)`. Pixels are uint8,
            or float in [0, 1]. Labels are a dict with "action" (N,) and "privacy" (N, P), and may
            have "boxes" (N, T, 4), (N, T, K, 4), or with views (N, V, T, K, 4). Those of whole
            videos are not cut with them: a system needs a detector then.
        name: "train" or "test", for the messages.
        clip_shape: `(T, H, W, 3)` that is needed.
        views: for whole videos in testing: temporal and spatial views. None draws one clip at
            random, for training.
        frame_step: for whole videos: every how many frames one is taken.
        batch_size: clips (videos times views) in a batch, where `data` is not in batches already.
        seed: of what is drawn at random.

    Raises:
        ValueError: if the data is of no such form, is empty, endless, or its labels are wrong.
    """

    def __init__(
        self,
        data: Any,
        name: str,
        clip_shape: tuple[int, ...],
        views: tuple[int, int] | None = None,
        frame_step: int = 1,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.clip_shape = tuple(clip_shape)
        self.views = views
        self.frame_step = frame_step
        self.batch_size = batch_size
        self.rng = np.random.default_rng(seed)
        self.class_names: tuple[str, ...] | None = _names(data, "class_names")
        self.attribute_names: tuple[str, ...] | None = _names(data, "attribute_names")
        if all(hasattr(data, part) for part in ("clips", "action", "privacy")):
            boxes = {"boxes": data.boxes} if hasattr(data, "boxes") else {}
            data = (data.clips, {"action": data.action, "privacy": data.privacy, **boxes})
        self.data = data
        self.in_memory = isinstance(data, tuple) and len(data) == 2 and _is_labels(data[1])
        if not self.in_memory:
            self._check_iterable()
        elif len(data[0]) == 0:
            raise ValueError(self._empty())
        else:
            # All labels are at hand: what is wrong with them is said before anything is trained.
            self._labels(data[1], len(data[0]))

    def __len__(self) -> int:
        """Videos in the split; 0 if that is known only after reading it."""
        return len(self.data[0]) if self.in_memory else 0

    def labels(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Action (N,) and privacy (N, P) of the whole split; None if it comes in batches."""
        return self._labels(self.data[1], len(self.data[0])) if self.in_memory else None

    def first(self) -> Batch:
        """The first batch, so that what is wrong with the data is said before any training.

        Raises:
            ValueError: as `batches`.
        """
        if not self.in_memory:
            iterator = iter(self.data)
            item = next(iterator, None)
            if item is None:
                raise ValueError(self._empty())
            if iterator is self.data:  # it can be read once only: put the batch back
                self.data = itertools.chain([item], iterator)
            return self._batch(*self._pair(item))
        return self._batch(*next(self._raw_batches()))

    def batches(self) -> Iterator[Batch]:
        """Reads the split once.

        Yields:
            A `Batch` at a time.

        Raises:
            ValueError: if there is none, or a clip or label is not as it must be.
        """
        count = 0
        for clips, labels in self._raw_batches():
            batch = self._batch(clips, labels)
            count += len(batch.action)
            if len(batch.action):
                yield batch
        if not count:
            raise ValueError(self._empty())

    def _raw_batches(self) -> Iterator[tuple[Any, Mapping]]:
        if not self.in_memory:
            yield from (self._pair(item) for item in self.data)
            return
        clips, labels = self.data
        size = self.batch_size  # clips at a time, however many views a video has
        if isinstance(clips, list | tuple):
            size //= 1 if self.views is None else self.views[0] * self.views[1]
        elif np.ndim(clips) == 6:
            size //= max(1, clips.shape[1])
        size = max(1, size)
        for start in range(0, len(clips), size):
            rows = slice(start, start + size)
            yield clips[rows], {key: np.asarray(value)[rows] for key, value in labels.items()}

    def _pair(self, item: Any) -> tuple[Any, Mapping]:
        if not (isinstance(item, tuple | list) and len(item) == 2 and _is_labels(item[1])):
            raise ValueError(
                f"every batch of {self.name} must be a tuple (clip, labels) with a dict of "
                f"labels. Received: {type(item).__name__}"
            )
        return item[0], item[1]

    def _batch(self, clips: Any, labels: Mapping) -> Batch:
        boxes = None if isinstance(clips, list | tuple) else labels.get("boxes")
        clips = self._views(clips)
        if boxes is not None:
            boxes = self._boxes(np.asarray(boxes, "float32"), clips.shape)
        return Batch(clips, *self._labels(labels, len(clips)), boxes)

    def _boxes(self, boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if boxes.ndim == 3:  # one a frame
            boxes = boxes[:, :, None]
        if boxes.ndim == 4:  # one view
            boxes = boxes[:, None]
        if boxes.ndim != 5 or boxes.shape[:3] != shape[:3] or boxes.shape[4] != 4:
            raise ValueError(
                f'"boxes" of {self.name} must have the shape (clips, frames, 4), (clips, frames, '
                "K, 4) or (clips, views, frames, K, 4), with (clips, views, frames) = "
                f"{shape[:3]}. Received: {boxes.shape}"
            )
        return boxes

    def _views(self, clips: Any) -> np.ndarray:
        if isinstance(clips, list | tuple):
            videos = [np.asarray(video) for video in clips]
            if self.views is None:
                draw = [random_view(v, self.clip_shape, self.rng, self.frame_step) for v in videos]
                clips = np.stack(draw)[:, None]
            else:
                cut = (video_views(v, self.clip_shape, self.views, self.frame_step) for v in videos)
                clips = np.stack(list(cut))
        clips = np.asarray(clips)
        if clips.ndim == 5:
            clips = clips[:, None]
        if clips.ndim != 6 or clips.shape[2:] != self.clip_shape or not clips.shape[1]:
            raise ValueError(
                f"clips of {self.name} must have shape (batch, *{self.clip_shape}), or "
                f"(batch, views, *{self.clip_shape}), as the anonymizer was built. Received: "
                f"{clips.shape if clips.ndim != 6 or clips.shape[1] != 1 else clips[:, 0].shape}. "
                "Resize the clips, or pass whole videos as a list of arrays."
            )
        if clips.dtype == np.uint8:
            return clips.astype("float32") / np.float32(255.0)
        if not np.issubdtype(clips.dtype, np.floating):
            raise ValueError(
                f"clips of {self.name} must be uint8, or float in [0, 1]. Received: {clips.dtype}"
            )
        check_clip_values(clips, f"evaluate ({self.name})")
        return np.clip(clips, 0.0, 1.0).astype("float32")

    def _labels(self, labels: Mapping, count: int) -> tuple[np.ndarray, np.ndarray]:
        for key, shape in (("action", "(batch,)"), ("privacy", "(batch, attributes)")):
            if key not in labels:
                raise ValueError(
                    f'labels of {self.name} have no "{key}". evaluate needs "action" (batch,) and '
                    f'"privacy" (batch, attributes). Received: {sorted(labels)}'
                )
            value = np.asarray(labels[key])
            if value.ndim != (1 if key == "action" else 2) or len(value) != count:
                raise ValueError(
                    f'"{key}" of {self.name} must have shape {shape} with a batch of {count}. '
                    f"Received: {value.shape}"
                )
        action, privacy = np.asarray(labels["action"]), np.asarray(labels["privacy"])
        if not np.issubdtype(action.dtype, np.integer) and not (action == np.floor(action)).all():
            raise ValueError(f'"action" of {self.name} must be class indices. Received: {action}')
        if count and action.min() < 0:
            raise ValueError(
                f'"action" of {self.name} must be 0 or more. Received: {int(action.min())}'
            )
        if not privacy.shape[1]:
            raise ValueError(f'"privacy" of {self.name} has no attribute: shape {privacy.shape}')
        wrong = ~np.isin(privacy, (0, 1))
        if wrong.any():
            raise ValueError(
                f'"privacy" of {self.name} must be 0 or 1 for every attribute of every clip; leave '
                f"out clips that were not annotated. Received: {privacy[wrong][0]}"
            )
        return action.astype("int64"), privacy.astype("int64")

    def _check_iterable(self) -> None:
        if not hasattr(self.data, "__iter__") or isinstance(self.data, str | bytes | Mapping):
            raise ValueError(
                f"{self.name} must be a tuple (clip, labels), or an iterable of such batches. "
                f"Received: {type(self.data).__name__}"
            )
        cardinality = getattr(self.data, "cardinality", None)
        if callable(cardinality) and int(cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
            raise ValueError(f"{self.name} is endless; evaluate reads it to its end")

    def _empty(self) -> str:
        return (
            f"{self.name} is empty: it has no clip. Pass at least one (clip, labels); an iterator "
            "that was read before has none left."
        )


def _is_labels(value: Any) -> bool:
    return isinstance(value, Mapping)


def _names(data: Any, attribute: str) -> tuple[str, ...] | None:
    names = getattr(data, attribute, None)
    return None if names is None or callable(names) else tuple(str(name) for name in names)
