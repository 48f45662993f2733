"""A finished cell with its scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION
from keras_stprivacy.evaluation.intervals import estimate, resampled_mean
from keras_stprivacy.evaluation.labels import TrainLabels
from keras_stprivacy.evaluation.results import TestResults
from keras_stprivacy.evaluation.scoring import (
    Row,
    Scored,
    action_map,
    mean_of_defined,
    score,
)
from keras_stprivacy.evaluation.strongest import columns_of_chosen, readers_of
from keras_stprivacy.evaluation.summary import action_right, floor_rows


class ScoredCell:
    """Scores the attackers of a cell.

    Args:
        plan: of the benchmark.
        cell: finished.
        weight: bootstrap samples of its test videos (R, N).

    Attributes:
        cell: as given.
        results: of the test.
        labels: of the training split.
        headline: scores of the strongest attacker, or of the only one.
        attackers: name -> scores of each attacker, and "reconstruction" of rebuilt clips.
    """

    def __init__(self, plan: Plan, cell: dict[str, Any], weight: np.ndarray) -> None:
        self.plan, self.cell, self.weight = plan, cell, weight
        self.labels = TrainLabels(
            cell["train_action"],
            cell["train_privacy"],
            plan.attacked.class_names,
            plan.attacked.attribute_names,
        )
        self.results = TestResults(
            action=cell["action"],
            privacy=cell["privacy"],
            video=cell["video"],
            probability=cell["probability"],
            seen_in_training=cell["seen_in_training"],
            partly_annotated=cell["partly_annotated"],
        )
        self._video = self.results.video if self.results.frame_level else None
        said = readers_of(cell["probability"], "anonymized", cell["main"])
        action = self._action("anonymized")
        self.attackers = {
            name: self._score(one, {}) for name, one in said.items() if name != RECONSTRUCTION
        }
        names = plan.attacked.attribute_names
        chosen = cell["strongest"] or dict.fromkeys(names, cell["main"])
        self.headline = self._score(columns_of_chosen(said, chosen, names), action)
        self._add_action_map(self.headline, "anonymized")
        self._add_groups(self.headline)
        if "rebuilt/privacy" in cell["probability"]:
            rebuilt = self._score(cell["probability"]["rebuilt/privacy"], self._action("rebuilt"))
            self._add_action_map(rebuilt, "rebuilt")
            self.attackers[RECONSTRUCTION] = rebuilt
        for name, values in cell["quality"].items():
            if not name.endswith("_given") and RECONSTRUCTION in self.attackers:
                one = self.attackers[RECONSTRUCTION]
                one.means[name] = resampled_mean(values, weight)
                one.row.scores[name] = estimate(float(values.mean()), one.means[name])

        for one in self.attackers.values():
            one.samples = []  # thousands of attributes take room, and the headline's alone count

    def floors(self) -> dict[str, Scored]:
        """The rows "chance" and "action_only" of the test."""
        rows = floor_rows(self.results, self.labels, self.weight)
        for scored in rows.values():
            self._add_groups(scored)
        return rows

    def _action(self, kind: str) -> dict[str, np.ndarray]:
        said = self.cell["probability"].get(f"{kind}/action")
        if said is None or self.labels.multi_label:
            return {}
        return action_right(self.results, self.labels, said)

    def _score(self, said: np.ndarray, right: dict[str, np.ndarray]) -> Scored:
        row = Row("", "system", "", {}, {name: {} for name in self.labels.attribute_names})
        # Rounding of float32 must not leave 0..1.
        said = np.clip(said.astype("float64"), 0.0, 1.0)
        return score(row, self.results.privacy, said, right, self.weight, self._video)

    def _add_action_map(self, scored: Scored, kind: str) -> None:
        said = self.cell["probability"].get(f"{kind}/action")
        if said is None or not self.labels.multi_label:
            return
        estimated, drawn = action_map(self.results.action, said, self.weight)
        scored.row.scores["action_cmap"] = estimated
        scored.means["action_cmap"] = drawn

    def _add_groups(self, scored: Scored) -> None:
        """cMAP of each kind of attribute."""
        start = 0
        for group, count in self.plan.attacked.groups.items():
            index = range(start, start + count)
            start += count
            names = [self.labels.attribute_names[i] for i in index]
            values = [scored.row.attributes[name]["ap"].value for name in names]
            defined = [value for value in values if value is not None]
            drawn = mean_of_defined(
                [
                    scored.samples[i]["ap"]
                    for i, v in zip(index, values, strict=True)
                    if v is not None
                ],
                len(self.weight),
            )
            key = f"cmap_{group}"
            mean = float(np.mean(defined)) if defined else None
            scored.row.scores[key] = estimate(mean, drawn)
            scored.means[key] = drawn
