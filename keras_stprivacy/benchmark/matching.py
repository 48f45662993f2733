"""Tests on another dataset with the same actions and attributes, in whatever order."""

import dataclasses
import functools
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.data import BenchmarkData
from keras_stprivacy.benchmark.reopened import MappedBatches
from keras_stprivacy.data import MotionDigits


def with_test_of(learned: BenchmarkData, other: BenchmarkData) -> BenchmarkData:
    """Takes the test split of another dataset, with the numbers of the first one's classes.

    Args:
        learned: whose training split is used.
        other: whose test split is used; its actions and attributes are matched by name.

    Returns:
        Both in one.

    Raises:
        ValueError: if clips may show several actions or are of different shapes, or if the other
            one has an action that the first lacks, or lacks an attribute.
    """
    several = [data.name for data in (learned, other) if data.multi_label]
    if several:
        raise ValueError(
            f"{other.name} cannot test what learns on {learned.name}: actions are matched where "
            f"every clip shows one of them. Received: clips of {' and '.join(several)} with "
            "several actions (multi_label=True)"
        )
    if tuple(learned.clip_shape) != tuple(other.clip_shape):
        raise ValueError(
            f"{other.name} cannot test what learns on {learned.name}: clips must have one shape. "
            f"Received: {tuple(other.clip_shape)} and {tuple(learned.clip_shape)}; num_frames and "
            "image_size set that of records"
        )
    unknown = [name for name in other.class_names if name not in learned.class_names]
    absent = [name for name in learned.attribute_names if name not in other.attribute_names]
    if unknown or absent:
        raise ValueError(
            f"{other.name} cannot test what learns on {learned.name}: actions that are not there "
            f"{unknown[:5]}, attributes that are missing {absent}"
        )
    action = np.array([learned.class_names.index(name) for name in other.class_names])
    columns = [other.attribute_names.index(name) for name in learned.attribute_names]
    return dataclasses.replace(
        learned,
        name=other.name,
        test=_matched(other.test, learned, action, columns),
        frame_labels=other.frame_labels,
        about={"learned_from": learned.about, "tested_on": other.about},
        sources={**learned.sources, "test": other.sources.get("test", frozenset())},
    )


def _matched(split: Any, learned: BenchmarkData, action: np.ndarray, columns: list[int]) -> Any:
    if isinstance(split, MotionDigits):
        return dataclasses.replace(
            split,
            action=action[split.action],
            privacy=split.privacy[:, columns],
            class_names=learned.class_names,
            attribute_names=learned.attribute_names,
        )
    return MappedBatches(split, functools.partial(_renumbered, action, columns))


def _renumbered(
    action: np.ndarray, columns: list[int], clips: Any, labels: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    changed = {key: np.asarray(value) for key, value in labels.items()}
    changed["action"] = action[changed["action"]]
    for key in ("privacy", "frame_privacy"):
        if key in changed:
            changed[key] = changed[key][..., columns]
    return clips, changed
