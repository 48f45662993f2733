"""Numbers over several seeds, and differences between systems on the same videos."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_stprivacy.evaluation.intervals import estimate


@dataclasses.dataclass(frozen=True)
class SeedEstimate:
    """A number measured with several seeds.

    Attributes:
        value: mean over the seeds; None where it is undefined.
        low: lower end of the 95 % interval over test videos; None where there is none.
        high: upper end of it.
        sd: standard deviation over the seeds (n - 1); None with one seed.
        seeds: the value of each seed.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    seeds: tuple[float | None, ...] = ()


@dataclasses.dataclass(frozen=True)
class Difference:
    """A system minus another, on the same test videos.

    Attributes:
        value: difference of the means over seeds.
        low: lower end of the 95 % interval of a paired bootstrap over videos.
        high: upper end of it.
        p: two-sided p-value of that bootstrap: twice the share of samples on the other side of 0.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def over_seeds(values: list[float | None], samples: list[np.ndarray]) -> SeedEstimate:
    """Joins the values of several seeds.

    Args:
        values: one a seed.
        samples: bootstrap samples (R,) of each seed, of the same draws of videos.

    Returns:
        A `SeedEstimate`; undefined if it is so for any seed.

    Example:

    >>> joined = over_seeds([0.5, 0.7], [np.zeros(0), np.zeros(0)])
    >>> joined.value, round(joined.sd, 3)
    (0.6, 0.141)
    """
    defined = [value for value in values if value is not None]
    if len(defined) != len(values) or not values:
        return SeedEstimate(None, seeds=tuple(values))
    sd = float(np.std(defined, ddof=1)) if len(defined) > 1 else None
    joined = estimate(float(np.mean(defined)), mean_samples(samples))
    return SeedEstimate(joined.value, joined.low, joined.high, sd, tuple(values))


def mean_samples(samples: list[np.ndarray]) -> np.ndarray:
    """Mean over seeds of each bootstrap sample."""
    return np.mean(np.stack(samples), axis=0)


def difference(
    value: float | None, other: float | None, samples: np.ndarray, others: np.ndarray
) -> Difference:
    """A paired bootstrap test.

    Args:
        value: score of a system.
        other: score of another one.
        samples: bootstrap samples (R,) of the first, NaN where it is undefined.
        others: of the second, of the same draws of videos.

    Returns:
        A `Difference`; without an interval and a p-value if half of the samples are undefined.

    Example:

    >>> one = np.random.default_rng(0).normal(0.6, 0.01, 999)
    >>> difference(0.6, 0.5, one, one - 0.1).p
    0.002
    """
    if value is None or other is None:
        return Difference(None)
    drawn = samples - others
    joined = estimate(value - other, drawn)
    if joined.low is None:
        return Difference(joined.value)
    drawn = drawn[np.isfinite(drawn)]
    below = (np.count_nonzero(drawn <= 0.0) + 1) / (len(drawn) + 1)
    above = (np.count_nonzero(drawn >= 0.0) + 1) / (len(drawn) + 1)
    return Difference(joined.value, joined.low, joined.high, float(min(1.0, 2 * min(below, above))))
