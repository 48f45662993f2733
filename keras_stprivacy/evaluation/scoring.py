"""From probabilities to the rows of a report: scores, intervals and leakage."""

import dataclasses

import numpy as np

from keras_stprivacy.evaluation.intervals import (
    Estimate,
    estimate,
    resampled_mean,
    resampled_scores,
)
from keras_stprivacy.evaluation.leakage import leakage
from keras_stprivacy.metrics import average_precision, f1, roc_auc

# Score of an attribute -> what its mean over the attributes is called.
_MEANS = {"ap": "cmap", "f1": "f1", "auroc": "auroc"}


@dataclasses.dataclass
class Row:
    """One system, or one floor, with all its scores.

    Attributes:
        name: short and unique, for files: "raw", "anonymized", "chance", "action_only".
        kind: "system" or "floor".
        label: how tables call it.
        scores: "top_1", "cmap", "f1", "auroc", "leakage" (of AP, from chance to raw clips),
            "leakage_action" (of AP, from action-only to raw clips), "leakage_f1" and
            "leakage_auroc"; those that do not apply are absent.
        attributes: attribute name -> its "ap", "f1", "auroc" and the four kinds of leakage.
    """

    name: str
    kind: str
    label: str
    scores: dict[str, Estimate]
    attributes: dict[str, dict[str, Estimate]]


@dataclasses.dataclass
class Scored:
    """A row while it is worked on, with the bootstrap samples (R,) that leakage is drawn from."""

    row: Row
    samples: list[dict[str, np.ndarray]]
    excluded: dict[str, dict[int, str]]


def score(
    row: Row,
    labels: np.ndarray,
    probability: np.ndarray,
    right: np.ndarray | None,
    weight: np.ndarray,
) -> Scored:
    """Fills a row with its scores and their intervals.

    Args:
        row: with the attributes' names as keys of `attributes`.
        labels: array (N, P) of 0 and 1.
        probability: array (N, P).
        right: array (N,) of 0 and 1: which actions were recognised; None: it was not tried.
        weight: bootstrap samples (R, N), see `resample`.

    Returns:
        The filled row and its samples.
    """
    exact = {
        "ap": average_precision(labels, probability),
        "f1": f1(labels, probability),
        "auroc": roc_auc(labels, probability),
    }
    samples = [resampled_scores(y, p, weight) for y, p in zip(labels.T, probability.T, strict=True)]
    if right is not None:
        row.scores["top_1"] = estimate(float(right.mean()), resampled_mean(right, weight))
    for name, mean in _MEANS.items():
        values = exact[name]
        for index, scores in enumerate(row.attributes.values()):
            scores[name] = estimate(values.values[index], samples[index][name])
        drawn = [samples[i][name] for i in range(len(samples)) if i not in values.excluded]
        row.scores[mean] = estimate(values.mean, _mean(drawn, len(weight)))
    return Scored(row, samples, {name: exact[name].excluded for name in _MEANS})


def add_leakage(
    scored: Scored, raw: Scored, chance: Scored, action_only: Scored
) -> dict[str, dict[str, str]]:
    """Adds how far each score has come from its floor towards raw clips.

    Args:
        scored: to complete.
        raw: the attackers on raw clips.
        chance: the floor without information.
        action_only: the floor of who knows the action.

    Returns:
        Kind of leakage -> attribute -> why it is undefined.
    """
    count = len(scored.samples[0]["ap"])
    undefined: dict[str, dict[str, str]] = {}
    for kind, metric, floor in (
        ("leakage", "ap", chance),
        ("leakage_action", "ap", action_only),
        ("leakage_f1", "f1", chance),
        ("leakage_auroc", "auroc", chance),
    ):
        values, drawn = [], []
        for index, (attribute, scores) in enumerate(scored.row.attributes.items()):
            three = [
                (s.row.attributes[attribute][metric].value, s.samples[index][metric])
                for s in (scored, floor, raw)
            ]
            scores[kind], samples, reason = leakage(
                three[0][0], three[1][0], three[2][0], (three[0][1], three[1][1], three[2][1])
            )
            if reason is not None:
                undefined.setdefault(kind, {})[attribute] = reason
                continue
            values.append(scores[kind].value)
            drawn.append(samples)
        mean = float(np.mean(np.asarray(values, "float64"))) if values else None
        scored.row.scores[kind] = estimate(mean, _mean(drawn, count))
    return undefined


def _mean(samples: list[np.ndarray], count: int) -> np.ndarray:
    """Mean over attributes in each sample, of those that are defined there."""
    if not samples:
        return np.full(count, np.nan)
    table = np.stack(samples)
    defined = np.isfinite(table)
    total = np.where(defined, table, 0.0).sum(axis=0)
    number = defined.sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)
