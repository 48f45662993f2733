"""From probabilities to the rows of a report: scores, intervals and leakage."""

import dataclasses

import numpy as np

from keras_stprivacy.evaluation.intervals import (
    Estimate,
    column_weight,
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
        scores: "top_1", "top_5" (with more than five actions), "action_cmap" (where clips show
            several actions), "cmap", "f1", "auroc", "leakage" (of AP, from chance to raw clips),
            "leakage_action" (of AP, from action-only to raw clips), "leakage_f1" and
            "leakage_auroc", "psnr" and "ssim" (of rebuilt clips); those that do not apply are
            absent.
        attributes: attribute name -> its "ap", "f1", "auroc" and the four kinds of leakage.
    """

    name: str
    kind: str
    label: str
    scores: dict[str, Estimate]
    attributes: dict[str, dict[str, Estimate]]


@dataclasses.dataclass
class Scored:
    """A row while it is worked on, with the bootstrap samples (R,) that leakage is drawn from.

    Attributes:
        row: with values and intervals.
        samples: for each attribute "ap", "f1" and "auroc" -> samples (R,).
        means: score of the row -> samples (R,).
        excluded: "ap", "f1" and "auroc" -> attribute -> why it is undefined.
    """

    row: Row
    samples: list[dict[str, np.ndarray]]
    means: dict[str, np.ndarray]
    excluded: dict[str, dict[int, str]]


def score(
    row: Row,
    labels: np.ndarray,
    probability: np.ndarray,
    right: dict[str, np.ndarray],
    weight: np.ndarray,
    video: np.ndarray | None = None,
) -> Scored:
    """Fills a row with its scores and their intervals.

    Args:
        row: with the attributes' names as keys of `attributes`.
        labels: array (U, P) of 0 and 1.
        probability: array (U, P).
        right: name of a score -> its value for each video (N,), of which the mean is reported.
        weight: bootstrap samples (R, N), see `resample`.
        video: array (U,), the video of each row of labels, where these are frames. Frames of a
            video are drawn together.

    Returns:
        The filled row and its samples.
    """
    exact = {
        "ap": average_precision(labels, probability),
        "f1": f1(labels, probability),
        "auroc": roc_auc(labels, probability),
    }
    means = {name: resampled_mean(values, weight) for name, values in right.items()}
    row.scores.update(
        {name: estimate(float(np.mean(right[name])), drawn) for name, drawn in means.items()}
    )
    units = column_weight(weight if video is None else weight[:, video])
    samples = [resampled_scores(y, p, units) for y, p in zip(labels.T, probability.T, strict=True)]
    for name, mean in _MEANS.items():
        values = exact[name]
        for index, scores in enumerate(row.attributes.values()):
            scores[name] = estimate(values.values[index], samples[index][name])
        means[mean] = mean_of_defined(
            [samples[i][name] for i in range(len(samples)) if i not in values.excluded], len(weight)
        )
        row.scores[mean] = estimate(values.mean, means[mean])
    return Scored(row, samples, means, {name: exact[name].excluded for name in _MEANS})


def action_map(
    labels: np.ndarray, probability: np.ndarray, weight: np.ndarray
) -> tuple[Estimate, np.ndarray]:
    """cMAP of several actions, with its samples.

    Args:
        labels: array (N, A) of 0 and 1.
        probability: array (N, A).
        weight: bootstrap samples (R, N).

    Returns:
        The `Estimate` of the mean over the actions that some video shows, and its samples (R,).
    """
    exact = average_precision(labels, probability)
    columns = column_weight(weight)
    drawn = [
        resampled_scores(labels[:, i], probability[:, i], columns)["ap"]
        for i in range(labels.shape[1])
        if i not in exact.excluded
    ]
    samples = mean_of_defined(drawn, len(weight))
    return estimate(exact.mean, samples), samples


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
        scored.row.scores[kind] = estimate(mean, mean_of_defined(drawn, count))
    return undefined


def mean_of_defined(samples: list[np.ndarray], count: int) -> np.ndarray:
    """Mean over attributes in each sample, of those that are defined there."""
    if not samples:
        return np.full(count, np.nan)
    table = np.stack(samples)
    defined = np.isfinite(table)
    total = np.where(defined, table, 0.0).sum(axis=0)
    number = defined.sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)
