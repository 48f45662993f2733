"""Leakage: how far a score has come from its floor towards raw clips."""

import numpy as np

from keras_stprivacy.evaluation.intervals import Estimate, estimate

# Raw clips must beat the floor by this much before a share of the way means anything.
MIN_RANGE = 0.02


def leakage(
    value: float | None,
    floor: float | None,
    raw: float | None,
    samples: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[Estimate, np.ndarray, str | None]:
    """`(value − floor) / (raw − floor)`: 0 = nothing beyond the floor, 1 = as much as raw clips.

    Args:
        value: score of the attacker on the system's clips.
        floor: score without looking at the clips.
        raw: score of the attacker on raw clips.
        samples: the same three on bootstrap samples, each (R,); R may be 0.

    Returns:
        A tuple: the `Estimate`; its bootstrap samples (R,); and None, or in words why it is
        undefined: a score is, or raw clips do not lie clearly above the floor.

    Example:

    >>> import numpy as np
    >>> none = np.zeros(0)
    >>> leakage(0.75, 0.5, 1.0, (none, none, none))[0].value
    0.5
    >>> leakage(0.6, 0.5, 0.51, (none, none, none))[2]
    'raw clips (0.510) do not lie clearly above the floor (0.500)'
    """
    undefined = np.full(len(samples[0]), np.nan)
    if value is None or floor is None or raw is None:
        return Estimate(None), undefined, "its score is undefined in the test split"
    ranges = samples[2] - samples[1]
    finite = ranges[np.isfinite(ranges)]
    if raw - floor < MIN_RANGE or (len(finite) and np.percentile(finite, 2.5) <= 0.0):
        reason = f"raw clips ({raw:.3f}) do not lie clearly above the floor ({floor:.3f})"
        return Estimate(None), undefined, reason
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.where(ranges > 0.0, (samples[0] - samples[1]) / ranges, np.nan)
    return estimate((value - floor) / (raw - floor), drawn), drawn, None
