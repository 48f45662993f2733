"""Reads the test split once; every attacker looks at every view."""

from __future__ import annotations

import math

import numpy as np

from keras_stprivacy.evaluation.attackers import Attacker, FrameAttacker
from keras_stprivacy.evaluation.attackers.reconstruction import ReconstructionAttacker
from keras_stprivacy.evaluation.digests import digest
from keras_stprivacy.evaluation.eight_bit import EightBitTransform, to_eight_bit
from keras_stprivacy.evaluation.figure import sparsified
from keras_stprivacy.evaluation.labels import TrainLabels, check_classes
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.results import TestResults
from keras_stprivacy.evaluation.sources import Batch, Source
from keras_stprivacy.evaluation.views import average_views, unique_views
from keras_stprivacy.metrics import psnr, ssim


def read_test(
    source: Source,
    transform: EightBitTransform,
    attackers: dict[str, Attacker],
    labels: TrainLabels,
    seen: set[bytes],
    figure_clips: int,
    stages: Stages,
    frame_level: bool = False,
    decoder: ReconstructionAttacker | None = None,
    recognizers: dict[str, Attacker] | None = None,
    mean_clip: np.ndarray | None = None,
    grid_shape: tuple[int, int, int] | None = None,
) -> TestResults:
    """Lets trained attackers read the test videos.

    Args:
        source: the test split.
        transform: gives out the system's clips.
        attackers: "clips/task" or "clips/task/attacker" -> attacker.
        labels: of the training split.
        seen: digests of the training clips.
        figure_clips: clips to keep for the picture.
        stages: measures the time.
        frame_level: whether privacy is tested frame by frame, by frame attackers.
        decoder: rebuilds raw clips, or None.
        recognizers: task -> attacker of raw clips that reads what was rebuilt.
        mean_clip: mean of the training clips (T, H, W, 3), 0 to 255: the floor of rebuilding.
        grid_shape: of the decision mask, for the picture.

    Returns:
        The results.

    Raises:
        ValueError: for labels outside those of the training, or source videos in some batches only.
    """
    parts: dict[str, list[np.ndarray]] = {key: [] for key in attackers}
    quality: dict[str, list[np.ndarray]] = {}
    action, privacy, video_of = [], [], []
    cut_from: list[np.ndarray | None] = []
    kept: list[np.ndarray] = []
    results = TestResults()
    read = 0
    with stages.stage("test", len(source) or None) as advance:
        for batch in source.batches():
            check_classes(batch.action, batch.privacy, labels)
            views = _Views(batch)
            given, mask = transform(views.clips, views.boxes)
            frames = views.frame_labels(batch) if frame_level else None
            for key, attacker in attackers.items():
                inputs = (views.pixels, None) if key.startswith("raw/") else (given, mask)
                if frames is not None and isinstance(attacker, FrameAttacker) and _reads(key):
                    said = attacker.predict_frames(inputs[0])
                    parts[key].append(frames.average(said))
                else:
                    parts[key].append(views.average(attacker.predict(*inputs)))
            if decoder is not None:
                rebuilt = decoder.rebuild(given)
                for name, one in _quality(views.pixels, rebuilt, given, mean_clip).items():
                    quality.setdefault(name, []).append(views.average(one[:, None])[:, 0])
                for task, reader in (recognizers or {}).items():
                    said = views.average(reader.predict(rebuilt))
                    parts.setdefault(f"rebuilt/{task}", []).append(said)
            action.append(batch.action)
            cut_from.append(batch.source_video)
            if frames is None:
                privacy.append(batch.privacy)
                video_of.append(read + np.arange(len(batch.action)))
            else:
                privacy.append(frames.labels)
                video_of.append(read + frames.video)
                results.partly_annotated += frames.partly_annotated
            read += len(batch.action)
            results.num_views = max(results.num_views, batch.clips.shape[1])
            results.different_views += len(views.clips)
            if mask is not None:
                results.tubelets = mask.shape[1]
                kept.append(mask.mean(axis=1))
            known = [digest(clip) in seen for clip in views.pixels]
            results.seen_in_training += len(np.unique(views.video[known]))
            _show(results, views, given, mask, figure_clips, grid_shape)
            advance(len(batch.action))
    results.action, results.privacy = np.concatenate(action), np.concatenate(privacy)
    results.video = np.concatenate(video_of)
    results.source_video = _source_video(cut_from)
    results.probability = {key: np.concatenate(value) for key, value in parts.items()}
    results.quality = {key: np.concatenate(value) for key, value in quality.items()}
    results.kept_share = float(np.concatenate(kept).mean()) if kept else None
    return results


class _Views:
    """The different views of a batch of videos, each computed once."""

    def __init__(self, batch: Batch) -> None:
        different = [unique_views(views) for views in batch.clips]
        self.num_videos = len(different)
        self.clips = np.concatenate([views for views, _ in different])
        self.count = np.concatenate([number for _, number in different])
        self.video = np.repeat(np.arange(len(different)), [len(views) for views, _ in different])
        self.pixels = to_eight_bit(self.clips)
        self._first: list[int] | None = None
        self._batch, self._different = batch, different
        boxes = batch.boxes
        self.boxes = None if boxes is None else self.of_first(boxes)

    def of_first(self, values: np.ndarray) -> np.ndarray:
        """Of values of all views (B, V, ...): those of the first of equal views."""
        if self._first is None:
            self._first = [
                int(np.argmax((views == view).all(axis=(1, 2, 3, 4)))) + place * len(views)
                for place, views in enumerate(self._batch.clips)
                for view in self._different[place][0]
            ]
        return values.reshape(-1, *values.shape[2:])[self._first]

    def average(self, probability: np.ndarray) -> np.ndarray:
        """Mean over the views of each video."""
        return average_views(probability, self.video, self.count, self.num_videos)

    def frame_labels(self, batch: Batch) -> _Frames:
        """The different frames of the videos, with their labels."""
        shape = batch.clips.shape[:3]
        if batch.frame_number is None:
            numbers = np.broadcast_to(np.arange(math.prod(shape[1:])).reshape(shape[1:]), shape)
        else:
            numbers = batch.frame_number
        numbers = self.of_first(numbers)  # (U, T)
        if batch.frame_privacy is None:
            labels = np.repeat(batch.privacy[self.video][:, None], shape[2], axis=1)
        else:
            labels = self.of_first(batch.frame_privacy)
        return _Frames(self.video, self.count, numbers, labels)


class _Frames:
    """The different frames of videos: a frame is in several crops, and in views that overlap.

    Args:
        video: int array (U,), the video of a view.
        count: array (U,), how often a view counts.
        number: int array (U, T), which frame of its video each is.
        labels: int array (U, T, P) of 0, 1 and -1 (not annotated).
    """

    def __init__(
        self, video: np.ndarray, count: np.ndarray, number: np.ndarray, labels: np.ndarray
    ) -> None:
        frames = number.shape[1]
        flat = labels.reshape(-1, labels.shape[2])
        complete = flat.min(axis=1) >= 0  # of all attributes, so that they are tested alike
        of_frame = np.stack([np.repeat(video, frames), number.ravel()], axis=1)
        self._rows, self._count = complete, np.repeat(count, frames)[complete]
        unit, first, self._unit_of = np.unique(
            of_frame[complete], axis=0, return_index=True, return_inverse=True
        )
        self._unit_of = self._unit_of.reshape(-1)  # NumPy 2.0 alone gives it another shape
        self.labels, self.video = flat[complete][first], unit[:, 0]
        partly = ~complete & (flat.max(axis=1) >= 0)
        self.partly_annotated = len(np.unique(of_frame[partly], axis=0))

    def average(self, probability: np.ndarray) -> np.ndarray:
        """Of what is said of frames (U, T, P): the mean for each different one."""
        rows = probability.reshape(-1, probability.shape[2])[self._rows]
        return average_views(rows, self._unit_of, self._count, len(self.video))


def _source_video(batches: list[np.ndarray | None]) -> np.ndarray | None:
    """What the videos of all batches were cut from, numbered; None if no batch says it."""
    said = [batch for batch in batches if batch is not None]
    if not said:
        return None
    if len(said) < len(batches):
        raise ValueError(
            f'"source_video" of test must be in all batches or in none. Received: {len(said)} of '
            f"{len(batches)} batches with it"
        )
    values = np.concatenate(said)
    known = values != "" if values.dtype.kind == "U" else values >= 0
    numbers = np.unique(values, return_inverse=True)[1].reshape(-1)
    return np.where(known, numbers, -1 - np.arange(len(values))).astype("int32")


def _reads(key: str) -> bool:
    """Whether an attacker reads private attributes."""
    return key.split("/")[1] == "privacy"


def _quality(
    raw: np.ndarray, rebuilt: np.ndarray, given: np.ndarray, mean_clip: np.ndarray | None
) -> dict[str, np.ndarray]:
    """How near to the raw clips come those rebuilt, those given out, and the mean clip.

    Clip by clip, since metrics work on several arrays of float64.
    """
    compared = {"": rebuilt, "_given": given}
    if mean_clip is not None:
        mean = np.rint(mean_clip).astype("uint8")
        compared["_floor"] = np.broadcast_to(mean, raw.shape)
    return {
        f"{metric.__name__}{name}": np.concatenate(
            [metric(raw[i : i + 1], clips[i : i + 1]) for i in range(len(raw))]
        )
        for name, clips in compared.items()
        for metric in (psnr, ssim)
    }


def _show(
    results: TestResults,
    views: _Views,
    given: np.ndarray,
    mask: np.ndarray | None,
    most: int,
    grid_shape: tuple[int, int, int] | None,
) -> None:
    """Keeps the first view of some videos for the picture."""
    for place in range(views.num_videos):
        if len(results.shown) == most:
            return
        first = int(np.argmax(views.video == place))
        own = None if mask is None else mask[first]
        if own is not None and grid_shape is not None:
            shown = sparsified(views.pixels[first], own, grid_shape)
            results.sparsified[len(results.shown)] = shown
        results.shown.append((views.pixels[first], own, given[first]))
