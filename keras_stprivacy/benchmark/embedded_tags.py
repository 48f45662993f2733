"""The embedded dataset with several actions a clip, and attributes of two kinds."""

import dataclasses

import numpy as np

from keras_stprivacy.benchmark.data import BenchmarkData
from keras_stprivacy.data import MotionDigits

# Kind of motion -> the actions of that kind.
_KINDS = {
    "moves": ("right", "left", "down", "up"),
    "rotates": ("rotate_clockwise", "rotate_counter_clockwise"),
    "scales": ("grow", "shrink"),
}
_GROUPS = {
    "object": ("warm_hue", "round_digit", "companion"),
    "scene": ("striped_background", "lamp"),
}


def with_tags(data: BenchmarkData) -> BenchmarkData:
    """Adds the kind of motion as a second action, and sorts attributes into object and scene.

    Args:
        data: the embedded dataset.

    Returns:
        The same clips, as arrays with "action" (N, 11).

    Example:

    >>> from keras_stprivacy.benchmark.data import load_data
    >>> from keras_stprivacy.benchmark.settings import Settings
    >>> tagged = with_tags(load_data("motion-digits", Settings(train_clips=8, test_clips=8)))
    >>> tagged.train[1]["action"].sum(axis=1).tolist(), tagged.groups
    ([2, 2, 2, 2, 2, 2, 2, 2], {'object': 3, 'scene': 2})
    """
    names = (*data.class_names, *_KINDS)
    order = [data.attribute_names.index(name) for group in _GROUPS.values() for name in group]
    return dataclasses.replace(
        data,
        train=_tagged(data.train, names, order),
        test=_tagged(data.test, names, order),
        validation=None if data.validation is None else _tagged(data.validation, names, order),
        class_names=names,
        attribute_names=tuple(data.attribute_names[i] for i in order),
        multi_label=True,
        groups={group: len(members) for group, members in _GROUPS.items()},
        about={**data.about, "tags": list(_KINDS)},
    )


def _tagged(
    split: MotionDigits, names: tuple[str, ...], order: list[int]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    action = np.zeros((len(split), len(names)), "int32")
    action[np.arange(len(split)), split.action] = 1
    for kind, members in _KINDS.items():
        of_kind = [split.class_names.index(name) for name in members]
        action[np.isin(split.action, of_kind), names.index(kind)] = 1
    labels = {"action": action, "privacy": split.privacy[:, order], "boxes": split.boxes}
    return split.clips, labels
