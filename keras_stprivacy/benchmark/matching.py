"""Tests on another dataset with the same actions and attributes, in whatever order."""

import dataclasses
import functools
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.data import BenchmarkData, MappedBatches


def with_test_of(learned: BenchmarkData, other: BenchmarkData) -> BenchmarkData:
    """Takes the test split of another dataset, with the numbers of the first one's classes.

    Args:
        learned: whose training split is used.
        other: whose test split is used; its actions and attributes are matched by name.

    Returns:
        Both in one.

    Raises:
        ValueError: if the other one has an action that the first lacks, or lacks an attribute.
    """
    unknown = [name for name in other.class_names if name not in learned.class_names]
    absent = [name for name in learned.attribute_names if name not in other.attribute_names]
    if unknown or absent or learned.multi_label or other.multi_label:
        raise ValueError(
            f"{other.name} cannot test what learns on {learned.name}: actions that are not there "
            f"{unknown[:5]}, attributes that are missing {absent}"
        )
    action = np.array([learned.class_names.index(name) for name in other.class_names])
    columns = [other.attribute_names.index(name) for name in learned.attribute_names]
    return dataclasses.replace(
        learned,
        name=other.name,
        test=MappedBatches(other.test, functools.partial(_renumbered, action, columns)),
        frame_labels=other.frame_labels,
        about={"learned_from": learned.about, "tested_on": other.about},
        sources={**learned.sources, "test": other.sources.get("test", frozenset())},
    )


def _renumbered(
    action: np.ndarray, columns: list[int], clips: Any, labels: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    changed = {key: np.asarray(value) for key, value in labels.items()}
    changed["action"] = action[changed["action"]]
    for key in ("privacy", "frame_privacy"):
        if key in changed:
            changed[key] = changed[key][..., columns]
    return clips, changed
