"""The data of a benchmark: the embedded dataset, or a directory of records."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.reopened import MappedBatches, Reopened
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.data import MotionDigits, motion_digits
from keras_stprivacy.data.manifest import DatasetInfo
from keras_stprivacy.data.motion_digits import RENDERED_VERSION

EMBEDDED = "motion-digits"
EMBEDDED_CLIP = (8, 32, 32, 3)
# Of the embedded test clips. Recipes, and how much attackers train, were settled before a clip of
# this seed was rendered: nothing was chosen by what is read from them.
_TEST_SEED = 20261122


@dataclasses.dataclass(frozen=True)
class BenchmarkData:
    """Two splits, and what they hold.

    Attributes:
        name: of the dataset.
        train: batches or arrays to train systems and attackers on.
        test: batches or arrays to test attackers on.
        clip_shape: `(T, H, W, 3)`.
        class_names: the actions.
        attribute_names: the private attributes.
        multi_label: whether a clip may show several actions.
        groups: kind of attribute -> how many, in order; empty where there is one kind.
        frame_labels: whether the test has labels of single frames.
        about: what the numbers depend on, for the fingerprint and the settings.
        sources: split -> SHA-256 of the video files it was made from, where they are known. A file
            whose id stands in two splits is one of the split that was converted last.
        validation: batches or arrays of the split "validation", for systems that watch clips they
            do not learn from; None where the data has no such split. No attacker sees them.
        about_validation: what systems depend on by it, like `about`.
    """

    name: str
    train: Any
    test: Any
    clip_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    multi_label: bool = False
    groups: dict[str, int] = dataclasses.field(default_factory=dict)
    frame_labels: bool = False
    about: dict[str, Any] = dataclasses.field(default_factory=dict)
    sources: dict[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    validation: Any = None
    about_validation: Any = None

    @property
    def watched(self) -> Any:
        """`validation`, or None where its clips do not have the labels of the training clips."""
        same = getattr(self.validation, "class_names", self.class_names) == self.class_names
        return self.validation if same else None

    @property
    def about_training(self) -> dict[str, Any]:
        """`about`, the validation clips, and of several actions that systems learn all of them."""
        several = {"learned_actions": "all"} if self.multi_label else {}
        watched = None if self.watched is None else self.about_validation
        return {**self.about, **several, "validation": watched}

    @property
    def preset(self) -> str | None:
        """Which settings of the systems fit these clips."""
        return "embedded" if tuple(self.clip_shape) == EMBEDDED_CLIP else None


def load_data(
    source: str | os.PathLike, settings: Settings, splits: tuple[str, ...] = ("train", "test")
) -> BenchmarkData:
    """Opens the data of a benchmark.

    Where records hold boxes of persons, batches have them; those of the test have labels of frames,
    too, where there are any. Clips of a split "validation" are the middle of their videos, in
    random order. Nothing is held out of the training split where there is none: publications train
    on all of it, and attackers must get the clips that systems got.

    Args:
        source: `"motion-digits"`, or a directory of records (or its bare name, see
            `keras_stprivacy.data.clip_dataset`).
        settings: how clips are cut.
        splits: that records must have; `train` is None where it is not among them.

    Raises:
        DatasetNotFoundError: if there are no such records.
        ValueError: if they have no private attributes.
    """
    if str(source) == EMBEDDED:
        return _embedded(settings)
    from keras_stprivacy.data import clip_dataset, dataset_info
    from keras_stprivacy.data.pipeline_per_frame import per_frame_content

    info = dataset_info(source)
    if not info.attribute_names:
        raise ValueError(
            f"{info.directory} has no private attributes, so there is nothing to attack. Convert "
            "it with labels of attributes."
        )
    missing = [split for split in splits if split not in info.splits]
    if missing:
        raise ValueError(
            f"{info.directory} has no split {' and '.join(missing)}. Its splits: "
            f"{sorted(info.splits)}"
        )
    common: dict[str, Any] = {
        "num_frames": settings.num_frames,
        "frame_step": settings.frame_step,
        "image_size": settings.image_size,
        "batch_size": settings.batch_size,
        "unannotated": "drop",
    }
    # A flip would turn "left" into "right" in the embedded dataset, also where it is in records.
    plain: dict[str, Any] = {}
    if not settings.augment or info.name.replace("_", "-") == EMBEDDED:
        plain["augment"] = None
    clip_shape = (settings.num_frames, settings.image_size, settings.image_size, 3)
    views = None if clip_shape == EMBEDDED_CLIP else settings.views
    shards = [shard.sha256 for split in splits for shard in info.shards(split)]
    per_frame = {split: per_frame_content(info, split) for split in splits}
    boxes = {split: {"with_boxes": "boxes" in content} for split, content in per_frame.items()}
    frame_labels = "frame_privacy" in per_frame.get("test", ())
    about = {"name": info.name, "shards": shards, "clip_shape": clip_shape}
    if frame_labels:  # without them, labels of clips stand for those of frames
        about["frame_labels"] = True
    train = None
    if "train" in splits:
        plain |= boxes["train"]
        of_train = {**common, **plain, "seed": 0}
        train = Reopened(functools.partial(clip_dataset, source, "train", **of_train))
    validation, about_validation = None, None
    held_out = info.splits.get("validation", ())
    if "train" in splits and any(shard.records > shard.unannotated for shard in held_out):
        about_validation = {"shards": [shard.sha256 for shard in held_out]}
        drawn = {**common, "training": False, "shuffle": True, "seed": 0}
        validation = Reopened(functools.partial(clip_dataset, source, "validation", **drawn))
    read = splits if validation is None else (*splits, "validation")
    of_test = {**common, **boxes["test"], "with_frame_labels": frame_labels}
    if info.has_source_videos("test"):
        of_test["with_source_videos"] = True
    if views is not None:  # a batch holds all views of its videos
        of_test["batch_size"] = max(1, settings.batch_size // math.prod(views))
    return BenchmarkData(
        name=info.name,
        train=train,
        test=Reopened(functools.partial(clip_dataset, source, "test", views=views, **of_test)),
        clip_shape=clip_shape,
        class_names=tuple(info.class_names),
        attribute_names=tuple(info.attribute_names),
        multi_label=info.multi_label,
        groups=dict(info.attribute_groups),
        frame_labels=frame_labels,
        about=about,
        sources={split: _sources(info, split) for split in read},
        validation=validation,
        about_validation=about_validation,
    )


def _sources(info: DatasetInfo, split: str) -> frozenset[str]:
    own = (one.get("sha256") for one in info.sources.values() if one.get("split") == split)
    return frozenset(known for known in own if isinstance(known, str))


def _embedded(settings: Settings) -> BenchmarkData:
    train = motion_digits("train", num_clips=settings.train_clips)
    test = motion_digits("test", num_clips=settings.test_clips, seed=_TEST_SEED)
    validation = motion_digits("validation", num_clips=settings.test_clips)
    return BenchmarkData(
        name=EMBEDDED,
        train=train,
        test=test,
        clip_shape=EMBEDDED_CLIP,
        class_names=train.class_names,
        attribute_names=train.attribute_names,
        about={
            "name": EMBEDDED,
            "version": RENDERED_VERSION,
            "clips": [len(train), len(test)],
            "test_seed": _TEST_SEED,
        },
        validation=validation,
        about_validation={"clips": len(validation)},
    )


def actions_between(data: BenchmarkData, first: int, last: int) -> BenchmarkData:
    """The part of a dataset that shows the actions `first` to `last - 1`, numbered from 0.

    Args:
        data: with one action a clip.
        first: number of the first action.
        last: number behind the last action.

    Raises:
        ValueError: if clips may show several actions, or there is no such action.

    Example:

    >>> data = load_data("motion-digits", Settings(train_clips=16, test_clips=16))
    >>> part = actions_between(data, 4, 8)
    >>> part.class_names[0], sorted(set(part.test.action.tolist()))
    ('rotate_clockwise', [0, 1, 2, 3])
    """
    if data.multi_label or not 0 <= first < last <= len(data.class_names):
        raise ValueError(
            "actions can be parted where every clip shows one of them. Received: actions "
            f"{first} to {last - 1} of {len(data.class_names)}, multi_label={data.multi_label}"
        )
    return dataclasses.replace(
        data,
        train=_part(data.train, first, last),
        test=_part(data.test, first, last),
        validation=None if data.validation is None else _part(data.validation, first, last),
        class_names=data.class_names[first:last],
        about={**data.about, "actions": [first, last]},
        sources={},  # which action a file shows is not known
    )


def _part(split: Any, first: int, last: int) -> Any:
    if isinstance(split, MotionDigits):
        rows = np.flatnonzero((split.action >= first) & (split.action < last))
        return dataclasses.replace(
            split,
            clips=split.clips[rows],
            action=split.action[rows] - first,
            privacy=split.privacy[rows],
            boxes=split.boxes[rows],
            ids=[split.ids[row] for row in rows],
            class_names=split.class_names[first:last],
        )
    return MappedBatches(split, functools.partial(_between, first, last))


def _between(
    first: int, last: int, clips: Any, labels: dict[str, Any]
) -> tuple[Any, dict[str, Any]] | None:
    action = np.asarray(labels["action"])
    rows = (action >= first) & (action < last)
    if not rows.any():
        return None
    part = {key: np.asarray(value)[rows] for key, value in labels.items()}
    return np.asarray(clips)[rows], {**part, "action": action[rows] - first}
