"""Intervals of scores: percentile bootstrap over videos."""

import dataclasses
from typing import Any

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


def num_drawn(num_videos: int, source_video: np.ndarray | None) -> int:
    """How many there are to draw: videos, or the source videos that they were cut from.

    Example:

    >>> num_drawn(3, None), num_drawn(3, np.array([5, 5, 8]))
    (3, 2)
    """
    return num_videos if source_video is None else len(np.unique(source_video))


def resample(
    num_videos: int, count: int, seed: int, source_video: np.ndarray | None = None
) -> np.ndarray:
    """Draws bootstrap samples of videos.

    Videos that were cut from one source video are alike, and are drawn together: as many source
    videos are drawn, with replacement, as there are.

    Args:
        num_videos: videos `N`.
        count: samples `R`; 0 draws none.
        seed: of the draw.
        source_video: array (N,), the same number for videos cut from one source video; None: each
            is one of its own.

    Returns:
        A uint16 array (R, N): how often each video is in each sample.

    Example:

    >>> resample(4, 2, seed=0).sum(axis=1).tolist()
    [4, 4]
    >>> resample(4, 2, seed=0, source_video=np.array([7, 7, 9, 9])).tolist()
    [[0, 0, 2, 2], [1, 1, 1, 1]]
    """
    rng = np.random.default_rng(seed)
    drawn = num_drawn(num_videos, source_video)
    source_of = np.arange(num_videos)
    if source_video is not None:
        source_of = np.unique(source_video, return_inverse=True)[1].reshape(-1)
    weight = np.empty((count, num_videos), "uint16")
    for row in weight:
        row[:] = np.bincount(rng.integers(drawn, size=drawn), minlength=drawn)[source_of]
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
    return weight @ np.asarray(values, "float64") / weight.sum(axis=1, dtype="int64")


def column_weight(weight: np.ndarray) -> np.ndarray:
    """Samples as `resampled_scores` reads them: what is drawn of a video stands together.

    Args:
        weight: array (R, N), see `resample`.

    Returns:
        The same numbers as floats that hold them and their sums exactly.
    """
    if weight.dtype.kind == "f" and weight.flags.f_contiguous:
        return weight
    most = weight.sum(axis=1, dtype="int64").max(initial=0)
    return np.asfortranarray(weight, "float32" if most < 1 << 24 else "float64")


def resampled_scores(
    labels: np.ndarray, probability: np.ndarray, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """AP, AUROC and F1 of one attribute in every sample.

    The same numbers as scikit-learn's with `sample_weight`, for all samples at once. All of them
    depend on the thresholds alone at which a video with the attribute is found, so that attributes
    that few videos have take little time.

    Args:
        labels: array (N,) of 0 and 1.
        probability: array (N,).
        weight: array (R, N), see `resample`; for many attributes, pass its `column_weight`.

    Returns:
        A dict with `"ap"`, `"auroc"` and `"f1"`, each (R,); NaN where a class is absent.

    Example:

    >>> import numpy as np
    >>> scores = resampled_scores(np.array([1, 0]), np.array([0.9, 0.2]), np.array([[1, 1]]))
    >>> scores["ap"].tolist(), scores["auroc"].tolist(), scores["f1"].tolist()
    ([1.0], [1.0], [1.0])
    """
    order = np.argsort(-probability, kind="stable")
    positive, p = labels[order] > 0, probability[order]
    first = np.flatnonzero(np.append(True, p[1:] != p[:-1]))  # of each group of ties
    last = np.append(first[1:], len(p))
    found = np.logical_or.reduceat(positive, first)
    first, last = first[found], last[found]
    predicted = np.count_nonzero(p >= 0.5)
    cuts = np.unique(np.concatenate([[0, predicted, len(p)], first, last]))
    weight = column_weight(weight)
    counted = [_between(cuts, which, order) for which in (positive, np.ones(len(p), bool))]
    first, last, half = (np.searchsorted(cuts, place) for place in (first, last, predicted))
    chunks: dict[str, list[np.ndarray]] = {"ap": [], "auroc": [], "f1": []}
    step = max(1, _CHUNK // len(cuts))
    for start in range(0, len(weight), step):
        drawn = weight[start : start + step].T
        h, t = (_drawn_before(between, drawn) for between in counted)
        positives, negatives = h[-1], t[-1] - h[-1]
        gained = h[last] - h[first]
        # Negatives with a higher probability, and half of those with the same one.
        passed = 0.5 * (t[last] - h[last] + t[first] - h[first])
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(t[last] > 0, h[last] / t[last], 0.0)
            chunks["ap"].append((gained * precision).sum(axis=0) / positives)
            pairs = (gained * (negatives - passed)).sum(axis=0)
            chunks["auroc"].append(pairs / (positives * negatives))
            f1 = 2.0 * h[half] / (positives + t[half])
            chunks["f1"].append(np.where(positives > 0, f1, np.nan))
    return {name: np.concatenate(parts or [np.zeros(0)]) for name, parts in chunks.items()}


def _between(cuts: np.ndarray, counted: np.ndarray, order: np.ndarray) -> Any:
    """Which videos count between each cut and the next, a sparse array (cuts - 1, N) of 0 and 1.

    Args:
        cuts: ascending places in `order`, the first 0 and the last N.
        counted: bool array (N,), in that order.
        order: the videos (N,).
    """
    from scipy.sparse import csr_array

    begins = np.append(0, np.cumsum(counted))[cuts]
    ones = np.ones(begins[-1], "float32")
    return csr_array((ones, order[counted], begins), shape=(len(cuts) - 1, len(order)))


def _drawn_before(between: Any, drawn: np.ndarray) -> np.ndarray:
    """How many of them are drawn before each cut, (cuts, R), of samples (N, R)."""
    counts = np.zeros((between.shape[0] + 1, drawn.shape[1]))
    np.cumsum(between @ drawn, axis=0, out=counts[1:])
    return counts
