"""The scores of an evaluation: scikit-learn's numbers, with undefined ones left out by name."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class AttributeScore:
    """A score of every attribute, and their unweighted mean.

    Attributes:
        mean: mean over the attributes for which the score is defined; None if there is none.
        values: one number an attribute, None where the score is undefined.
        excluded: index of every undefined attribute -> the reason, in words.
    """

    mean: float | None
    values: tuple[float | None, ...]
    excluded: dict[int, str]


def average_precision(labels: np.ndarray, probability: np.ndarray) -> AttributeScore:
    """Average precision of each attribute; its mean is the class-wise mean AP (cMAP).

    scikit-learn's `average_precision_score`. An attribute that no clip has is left out of the
    mean and listed.

    Args:
        labels: array (N, P) of 0 and 1.
        probability: array (N, P), higher = more likely present.

    Returns:
        An `AttributeScore`, each value in 0..1.

    Raises:
        ValueError: if shapes differ, labels are not 0 and 1, or a probability is not finite.

    Example:

    >>> import numpy as np
    >>> score = average_precision(np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.1], [0.2, 0.4]]))
    >>> score.mean, score.excluded
    (1.0, {1: 'no clip has it'})
    """
    from sklearn.metrics import average_precision_score

    return _each(labels, probability, average_precision_score, if_every=None)


def f1(labels: np.ndarray, probability: np.ndarray, threshold: float = 0.5) -> AttributeScore:
    """F1 of the positive class of each attribute at a probability of 0.5; its mean is macro F1.

    scikit-learn's `f1_score`. An attribute that no clip has is left out of the mean and listed.

    Args:
        labels: array (N, P) of 0 and 1.
        probability: array (N, P) in 0..1: probabilities, never logits.
        threshold: probability from which an attribute is said to be present.

    Returns:
        An `AttributeScore`, each value in 0..1.

    Raises:
        ValueError: as `average_precision`, and if `probability` leaves 0..1.

    Example:

    >>> import numpy as np
    >>> f1(np.array([[1], [0], [1]]), np.array([[0.9], [0.8], [0.7]])).mean
    0.8
    """
    from sklearn.metrics import f1_score

    probability = np.asarray(probability)
    if probability.size and not (probability.min() >= 0.0 and probability.max() <= 1.0):
        raise ValueError(
            "f1 needs probabilities in 0..1; take the sigmoid of logits first. Received: values "
            f"from {probability.min():g} to {probability.max():g}"
        )

    def score(y: np.ndarray, p: np.ndarray) -> float:
        return f1_score(y, p >= threshold, zero_division=0.0)

    return _each(labels, probability, score, if_every=None)


def roc_auc(labels: np.ndarray, probability: np.ndarray) -> AttributeScore:
    """Area under the ROC curve of each attribute (AUROC), 0.5 = no information.

    scikit-learn's `roc_auc_score`. An attribute that all clips have, or none, is left out of the
    mean and listed.

    Args:
        labels: array (N, P) of 0 and 1.
        probability: array (N, P), higher = more likely present.

    Returns:
        An `AttributeScore`, each value in 0..1.

    Raises:
        ValueError: as `average_precision`.

    Example:

    >>> import numpy as np
    >>> roc_auc(np.array([[1], [0], [0]]), np.array([[0.6], [0.6], [0.1]])).mean
    0.75
    """
    from sklearn.metrics import roc_auc_score

    return _each(labels, probability, roc_auc_score, if_every="every clip has it")


def top_1(labels: np.ndarray, probability: np.ndarray) -> float:
    """Share of the clips whose most probable class is the right one.

    Args:
        labels: int array (N,).
        probability: array (N, C), higher = more likely.

    Returns:
        A number in 0..1.

    Raises:
        ValueError: if shapes do not fit or a label is not one of the C classes.

    Example:

    >>> import numpy as np
    >>> top_1(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    0.5
    """
    return float(among_top(labels, probability, 1).mean())


def top_5(labels: np.ndarray, probability: np.ndarray) -> float:
    """Share of the clips whose right class is among the five most probable ones.

    Args:
        labels: int array (N,).
        probability: array (N, C), higher = more likely.

    Returns:
        A number in 0..1; 1 where there are no more than five classes.

    Raises:
        ValueError: as `top_1`.

    Example:

    >>> import numpy as np
    >>> top_5(np.array([5, 0]), np.tile(np.linspace(0.6, 0.1, 6), (2, 1)))
    0.5
    """
    return float(among_top(labels, probability, 5).mean())


def among_top(labels: np.ndarray, probability: np.ndarray, count: int) -> np.ndarray:
    """Which clips have the right class among the `count` most probable; the first of equals wins.

    Args:
        labels: int array (N,).
        probability: array (N, C), higher = more likely.
        count: classes that may be named.

    Returns:
        A bool array (N,).

    Raises:
        ValueError: as `top_1`.

    Example:

    >>> import numpy as np
    >>> among_top(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), 1).tolist()
    [True, False]
    """
    labels, probability = np.asarray(labels), np.asarray(probability)
    if probability.ndim != 2 or labels.shape != probability.shape[:1] or not len(labels):
        raise ValueError(
            "top accuracy needs labels (N,) and probabilities (N, C), with N at least 1. Received: "
            f"{labels.shape} and {probability.shape}"
        )
    if labels.min() < 0 or labels.max() >= probability.shape[1]:
        raise ValueError(
            f"labels must be in 0..{probability.shape[1] - 1}. Received: "
            f"{int(labels.min())}..{int(labels.max())}"
        )
    named = np.argsort(-probability, axis=1, kind="stable")[:, :count]
    return (named == labels[:, None]).any(axis=1)


def check_attribute_labels(labels: np.ndarray) -> np.ndarray:
    """Returns attribute labels as an int array (N, P).

    Raises:
        ValueError: if they are not a non-empty table of 0 and 1.

    Example:

    >>> check_attribute_labels(np.array([[1.0, 0.0]])).tolist()
    [[1, 0]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or not labels.size:
        raise ValueError(
            "attribute labels must have shape (clips, attributes), at least (1, 1). Received: "
            f"{labels.shape}"
        )
    if not np.isin(labels, (0, 1)).all():
        wrong = labels[~np.isin(labels, (0, 1))][0]
        raise ValueError(f"attribute labels must be 0 or 1. Received: {wrong}")
    return labels.astype("int64")


def _each(
    labels: np.ndarray,
    probability: np.ndarray,
    score: Callable[[np.ndarray, np.ndarray], float],
    if_every: str | None,
) -> AttributeScore:
    labels, probability = check_attribute_labels(labels), np.asarray(probability)
    if labels.shape != probability.shape:
        raise ValueError(
            "labels and probabilities must have the same shape (clips, attributes). Received: "
            f"{labels.shape} and {probability.shape}"
        )
    if not np.isfinite(probability).all():
        raise ValueError("probabilities must be finite. Received: NaN or infinity")
    values: list[float | None] = []
    excluded = {}
    for index, (y, p) in enumerate(zip(labels.T, probability.T, strict=True)):
        reason = None
        if not y.any():
            reason = "no clip has it"
        elif y.all():
            reason = if_every
        if reason is None:
            values.append(float(score(y, p)))
        else:
            values.append(None)
            excluded[index] = reason
    defined = [value for value in values if value is not None]
    mean = float(np.mean(defined)) if defined else None
    return AttributeScore(mean, tuple(values), excluded)
