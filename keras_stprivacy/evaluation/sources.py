"""Reads whatever `evaluate` was given into checked batches of clips and labels."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_stprivacy.evaluation.label_checks import (
    check_boxes,
    check_boxes_of_video,
    check_frame_number,
    check_frame_privacy,
    check_labels,
    check_source_video,
)
from keras_stprivacy.evaluation.random_views import cut_window, random_window
from keras_stprivacy.evaluation.view_boxes import crop_boxes, video_view_boxes
from keras_stprivacy.evaluation.views import check_video, video_views, view_frames
from keras_stprivacy.models.clips import check_clip_values


@dataclasses.dataclass(frozen=True)
class Batch:
    """Some videos of a split.

    Attributes:
        clips: float32 array (B, V, T, H, W, 3) in [0, 1], V views of each video.
        action: int64 array (B,), or (B, A) of 0 and 1 where a clip may show several actions.
        privacy: int64 array (B, P) of 0 and 1.
        boxes: float32 array (B, V, T, K, 4) of persons (see `keras_stprivacy.baselines.boxes`),
            or None where the data has none.
        frame_privacy: int64 array (B, V, T, P) of 0 and 1, and -1 where nobody annotated, or None
            where the data has none.
        frame_number: int64 array (B, V, T), which frame of its video each is, or None: all are
            different.
        source_video: array (B,), what each video was cut from, or None where that is not known.
    """

    clips: np.ndarray
    action: np.ndarray
    privacy: np.ndarray
    boxes: np.ndarray | None = None
    frame_privacy: np.ndarray | None = None
    frame_number: np.ndarray | None = None
    source_video: np.ndarray | None = None


class Source:
    """One split of a dataset, in any of the forms that `evaluate` takes.

    Args:
        data: a tuple `(clip, labels)`, with clips (N, T, H, W, 3), views (N, V, T, H, W, 3) or a
            list of whole videos (frames, h, w, 3); an object with `clips`, `action` and `privacy`
            such as `MotionDigits`; or an iterable of batches `(clip, labels)`. Pixels are uint8,
            or float in [0, 1]. Labels are a dict with "action" (N,), or (N, A) of 0 and 1 where a
            clip may show several, and "privacy" (N, P). They may have "boxes" (N, T, 4),
            (N, T, K, 4), or with views (N, V, T, K, 4); those of whole videos are a list with
            (frames, 4) or (frames, K, 4) for each and are cut as the videos are. They may have
            "frame_privacy" (N, T, P), or with views (N, V, T, P): 0, 1, or -1 for not annotated;
            and "frame_number" (N, T), or with views (N, V, T): the same number says that it is the
            same frame of the video; and "source_video" (N,), whole numbers or texts, the same for
            videos that were cut from one, and negative or "" where that is not known.
        name: "train" or "test", for the messages.
        clip_shape: `(T, H, W, 3)` that is needed.
        views: for whole videos in testing: temporal and spatial views. None draws one clip at
            random, for training.
        exact_views: whether clips must hold as many views of each video, too.
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
        exact_views: bool = False,
    ) -> None:
        self.name = name
        self.clip_shape = tuple(clip_shape)
        self.views = views
        self.exact_views = exact_views
        self.frame_step = frame_step
        self.batch_size = batch_size
        self.rng = np.random.default_rng(seed)
        self.class_names: tuple[str, ...] | None = _names(data, "class_names")
        self.attribute_names: tuple[str, ...] | None = _names(data, "attribute_names")
        if all(hasattr(data, part) for part in ("clips", "action", "privacy")):
            more = [name for name in ("boxes", "source_video") if hasattr(data, name)]
            keys = ("action", "privacy", *more)
            data = (data.clips, {key: getattr(data, key) for key in keys})
        self.data = data
        self.in_memory = isinstance(data, tuple) and len(data) == 2 and _is_labels(data[1])
        if not self.in_memory:
            self._check_iterable()
        elif len(data[0]) == 0:
            raise ValueError(self._empty())
        else:
            # All labels are at hand: what is wrong with them is said before anything is trained.
            check_labels(data[1], len(data[0]), name)
            if "source_video" in data[1]:
                check_source_video(data[1]["source_video"], len(data[0]), name)

    def __len__(self) -> int:
        """Videos in the split; 0 if that is known only after reading it."""
        return len(self.data[0]) if self.in_memory else 0

    def labels(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Action (N,) and privacy (N, P) of the whole split; None if it comes in batches."""
        return check_labels(self.data[1], len(self.data[0]), self.name) if self.in_memory else None

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
            yield clips[rows], {key: _rows(value, rows) for key, value in labels.items()}

    def _pair(self, item: Any) -> tuple[Any, Mapping]:
        if not (isinstance(item, tuple | list) and len(item) == 2 and _is_labels(item[1])):
            raise ValueError(
                f"every batch of {self.name} must be a tuple (clip, labels) with a dict of "
                f"labels. Received: {type(item).__name__}"
            )
        return item[0], item[1]

    def _batch(self, clips: Any, labels: Mapping) -> Batch:
        boxes, numbers = labels.get("boxes"), labels.get("frame_number")
        if isinstance(clips, list | tuple):
            videos = clips
            clips, boxes = self._cut(videos, boxes)
            if self.views is not None:
                numbers = self._frame_numbers(videos, self.views)
        clips = self._views(clips)
        if numbers is not None:
            numbers = check_frame_number(numbers, clips.shape[:3], self.name)
        if boxes is not None:
            boxes = check_boxes(boxes, clips.shape, self.name)
        frames = labels.get("frame_privacy")
        action, privacy = check_labels(labels, len(clips), self.name)
        if frames is not None:
            frames = check_frame_privacy(frames, (*clips.shape[:3], privacy.shape[1]), self.name)
        sources = None
        if "source_video" in labels:
            sources = check_source_video(labels["source_video"], len(clips), self.name)
        return Batch(clips, action, privacy, boxes, frames, numbers, sources)

    def _frame_numbers(self, videos: Any, views: tuple[int, int]) -> np.ndarray:
        """Which frames of whole videos their views hold, (B, V, T)."""
        temporal, spatial = views
        options = (self.clip_shape[0], temporal, self.frame_step)
        numbers = [view_frames(len(video), *options) for video in videos]
        return np.repeat(np.stack(numbers), spatial, axis=1)

    def _cut(self, videos: Any, boxes: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Clips (B, V, T, H, W, 3) of whole videos, and their boxes (B, V, T, K, 4)."""
        videos = [np.asarray(video) for video in videos]
        each: list[Any] = [None] * len(videos)
        if boxes is not None:
            if len(boxes) != len(videos):
                raise ValueError(
                    f'"boxes" of {self.name} must have an entry for each of {len(videos)} videos. '
                    f"Received: {len(boxes)}"
                )
            each = [
                check_boxes_of_video(b, v, self.name) for b, v in zip(boxes, videos, strict=True)
            ]
        clips, cut = [], []
        for video, own in zip(videos, each, strict=True):
            if self.views is None:
                check_video(video)
                window = random_window(video.shape, self.clip_shape, self.rng, self.frame_step)
                clips.append(cut_window(video, self.clip_shape, *window)[None])
                if own is not None:
                    index, top, left = window
                    size = (self.clip_shape[1], self.clip_shape[2])
                    cut.append(crop_boxes(own[index], video.shape[1:3], size, top, left)[None])
                continue
            clips.append(video_views(video, self.clip_shape, self.views, self.frame_step))
            if own is not None:
                size = video.shape[1:3]
                cut.append(
                    video_view_boxes(own, size, self.clip_shape, self.views, self.frame_step)
                )
        if not cut:
            return np.stack(clips), None
        most = max(one.shape[2] for one in cut)
        filled = [
            np.pad(one, ((0, 0), (0, 0), (0, most - one.shape[2]), (0, 0)), constant_values=np.nan)
            for one in cut
        ]
        return np.stack(clips), np.stack(filled)

    def _views(self, clips: Any) -> np.ndarray:
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
        if self.exact_views and self.views and clips.shape[1] != math.prod(self.views):
            raise ValueError(
                f"views={self.views} asks for {math.prod(self.views)} views of each video, but "
                f"{self.name} holds clips with {clips.shape[1]}. Leave views out to take those, or "
                f"cut them: clip_dataset(..., views={self.views}), or whole videos as a list."
            )
        if clips.dtype == np.uint8:
            return clips.astype("float32") / np.float32(255.0)
        if not np.issubdtype(clips.dtype, np.floating):
            raise ValueError(
                f"clips of {self.name} must be uint8, or float in [0, 1]. Received: {clips.dtype}"
            )
        check_clip_values(clips, f"evaluate ({self.name})")
        return np.clip(clips, 0.0, 1.0).astype("float32")

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


def _rows(value: Any, rows: slice) -> Any:
    return value[rows] if isinstance(value, list | tuple) else np.asarray(value)[rows]


def _is_labels(value: Any) -> bool:
    return isinstance(value, Mapping)


def _names(data: Any, attribute: str) -> tuple[str, ...] | None:
    names = getattr(data, attribute, None)
    return None if names is None or callable(names) else tuple(str(name) for name in names)
