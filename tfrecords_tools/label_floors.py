"""The floors of the metrics: what is scored without looking at a single pixel."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_stprivacy.floors import action_only, chance, majority_class
from keras_stprivacy.scores import AttributeScore, average_precision, f1


@dataclasses.dataclass(frozen=True)
class LabelTable:
    """The labels of the videos of a split.

    Attributes:
        actions: of each video, one index, or in multi-label datasets any number.
        marks: uint8 (N, P) of 0 and 1.
        annotated: bool (N,): whose marks count.
    """

    actions: Sequence[tuple[int, ...]]
    marks: np.ndarray
    annotated: np.ndarray

    def __len__(self) -> int:
        return len(self.actions)


@dataclasses.dataclass(frozen=True)
class Floors:
    """What attackers score who do not look at the videos. Shares in 0..1.

    Attributes:
        train: videos from which rates are taken.
        test: videos that are scored.
        majority_top_1: saying the most frequent training action of every video; None in
            multi-label datasets.
        uniform_top_1: saying any action; likewise.
        chance_action_cmap: in multi-label datasets, the actions' cMAP of saying the same of every
            video; else None.
        chance: average precision of each attribute without any knowledge, that is its prevalence.
        all_positive: F1 of each attribute of saying "present" of every video.
        action_only: average precision of each attribute of an attacker that sees the true action
            and nothing else; None in multi-label datasets.
    """

    train: int
    test: int
    majority_top_1: float | None
    uniform_top_1: float | None
    chance_action_cmap: float | None
    chance: AttributeScore | None
    all_positive: AttributeScore | None
    action_only: AttributeScore | None

    def as_dict(self, attribute_names: Sequence[str], groups: Mapping[str, int]) -> dict[str, Any]:
        """The floors as plain values."""
        content: dict[str, Any] = {
            "train_videos": self.train,
            "test_videos": self.test,
            "majority_top_1": self.majority_top_1,
            "uniform_top_1": self.uniform_top_1,
            "chance_action_cmap": self.chance_action_cmap,
        }
        for name, metric, score in self.rows():
            content[name] = None if score is None else {
                metric: score.mean,
                "attributes": dict(zip(attribute_names, score.values, strict=True)),
                **{f"{metric}_{kind}": mean for kind, mean in by_group(score, groups).items()},
            }  # fmt: skip
        return content

    def rows(self) -> list[tuple[str, str, AttributeScore | None]]:
        """Name, metric and score of each floor of the private attributes."""
        return [
            ("chance", "cmap", self.chance),
            ("all_positive", "f1", self.all_positive),
            ("action_only", "cmap", self.action_only),
        ]


def by_group(score: AttributeScore, groups: Mapping[str, int]) -> dict[str, float | None]:
    """Kind of attributes → mean of the score over those of them for which it is defined."""
    means, start = {}, 0
    for kind, count in groups.items():
        values = [value for value in score.values[start : start + count] if value is not None]
        means[kind] = float(np.mean(values)) if values else None
        start += count
    return means


def label_floors(
    train: LabelTable, test: LabelTable, num_classes: int, multi_label: bool = False
) -> Floors:
    """The floors of a dataset's metrics.

    Args:
        train: labels from which rates are taken.
        test: labels that are scored; videos whose attributes were not annotated are left out of
            the attributes' floors.
        num_classes: number of actions.
        multi_label: whether a video may have any number of actions.

    Returns:
        The `Floors`; those of attributes are None where no video of the test split is annotated.
    """
    majority = uniform = action_cmap = None
    train_action, test_action = _first(train.actions), _first(test.actions)
    if multi_label:
        shown = np.zeros((len(test), num_classes), "int64")
        for row, actions in enumerate(test.actions):
            shown[row, list(actions)] = 1
        action_cmap = average_precision(shown, chance(shown)).mean
    else:
        uniform = 1 / num_classes
        if len(train):
            majority = float(majority_class(train_action, test_action).mean())
    marks = test.marks[test.annotated]
    scores: list[AttributeScore | None] = [None, None, None]
    if marks.size:
        nothing = chance(marks)
        scores[:2] = average_precision(marks, nothing), f1(marks, nothing)
        if not multi_label and train.annotated.any():
            rates = action_only(
                train_action[train.annotated],
                train.marks[train.annotated],
                test_action[test.annotated],
                num_classes,
            )
            scores[2] = average_precision(marks, rates)
    return Floors(len(train), len(test), majority, uniform, action_cmap, *scores)


def _first(actions: Sequence[tuple[int, ...]]) -> np.ndarray:
    return np.array([said[0] if said else 0 for said in actions], "int64")
