"""Intervals of scores: percentile bootstrap over videos."""

import dataclasses

import numpy as np

# Fewer videos than this say nothing about how a score would vary.
MIN_VIDEOS = 20
_CHUNK = 1 << 21  # numbers worked on at a time


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: the number; None where it is undefined.
        low: lower end of the interval; None where there is none.
        high: upper end of the interval; None where there is none.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


def resample(num_videos: int, count: int, seed: int) -> np.ndarray:
    """Draws bootstrap samples of videos.

    Args:
        num_videos: videos `N`, drawn with replacement.
        count: samples `R`; 0 draws none.
        seed: of the draw.

    Returns:
        A uint16 array (R, N): how often each video is in each sample.

    Example:

    >>> resample(4, 2, seed=0).sum(axis=1).tolist()
    [4, 4]
    """
    rng = np.random.default_rng(seed)
    weight = np.empty((count, num_videos), "uint16")
    for row in weight:
        row[:] = np.bincount(rng.integers(num_videos, size=num_videos), minlength=num_videos)
    return weight


def estimate(value: float | None, samples: np.ndarray) -> Estimate:
    """The percentile interval of a number.

    Args:
        value: the number on all videos.
        samples: the number on each bootstrap sample (R,), NaN where it is undefined.

    Returns:
        An `Estimate`; without an interval if half of the samples are undefined.

    Example:

    >>> import numpy as np
    >>> estimate(0.5, np.linspace(0.0, 1.0, 1001))
    Estimate(value=0.5, low=0.025, high=0.975)
    """
    finite = samples[np.isfinite(samples)]
    if value is None or not len(finite) or 2 * len(finite) < len(samples):
        return Estimate(value)
    low, high = np.percentile(finite, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))


def resampled_mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The mean of `values` (N,) in every sample of `weight` (R, N)."""
    return weight @ np.asarray(values, "float64") / values.shape[0]


def resampled_scores(
    labels: np.ndarray, probability: np.ndarray, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """AP, AUROC and F1 of one attribute in every sample.

    The same numbers as scikit-learn's with `sample_weight`, for all samples at once.

    Args:
        labels: array (N,) of 0 and 1.
        probability: array (N,).
        weight: array (R, N), see `resample`.

    Returns:
        A dict with `"ap"`, `"auroc"` and `"f1"`, each (R,); NaN where a class is absent.

    Example:

    >>> import numpy as np
    >>> scores = resampled_scores(np.array([1, 0]), np.array([0.9, 0.2]), np.array([[1, 1]]))
    >>> scores["ap"].tolist(), scores["auroc"].tolist(), scores["f1"].tolist()
    ([1.0], [1.0], [1.0])
    """
    order = np.argsort(-probability, kind="stable")
    y = labels[order].astype("float64")
    p = probability[order]
    ends = np.flatnonzero(np.append(p[1:] != p[:-1], True))  # last of each group of ties
    predicted = p >= 0.5
    chunks: dict[str, list[np.ndarray]] = {"ap": [], "auroc": [], "f1": []}
    step = max(1, _CHUNK // len(y))
    for start in range(0, len(weight), step):
        w = weight[start : start + step][:, order].astype("float64")
        found = np.cumsum(w * y, axis=1)[:, ends]  # positives down to each threshold
        taken = np.cumsum(w, axis=1)[:, ends]
        positives, videos = found[:, -1], taken[:, -1]
        gained = np.diff(found, axis=1, prepend=0.0)
        passed = np.diff(taken, axis=1, prepend=0.0) - gained  # negatives of the group
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(taken > 0, found / taken, 0.0)
            chunks["ap"].append((gained * precision).sum(axis=1) / positives)
            pairs = (passed * (found - 0.5 * gained)).sum(axis=1)
            chunks["auroc"].append(pairs / (positives * (videos - positives)))
            hits = w[:, predicted] @ y[predicted]
            f1 = 2.0 * hits / (positives + w[:, predicted].sum(axis=1))
            chunks["f1"].append(np.where(positives > 0, f1, np.nan))
    return {name: np.concatenate(parts or [np.zeros(0)]) for name, parts in chunks.items()}
