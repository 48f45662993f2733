"""The one check of a keep ratio that a user hands over."""

import numbers


def check_keep_ratio(keep_ratio: float) -> float:
    """Returns `keep_ratio` as a float.

    Args:
        keep_ratio: share of the tokens that each block keeps.

    Raises:
        ValueError: if it is no number in (0, 1].

    Example:

    >>> check_keep_ratio(1)
    1.0
    """
    is_number = isinstance(keep_ratio, numbers.Real) and not isinstance(keep_ratio, bool)
    if not is_number or not 0.0 < float(keep_ratio) <= 1.0:  # NaN fails the comparison too
        raise ValueError(
            f"keep_ratio must be a number in (0, 1], the share of the tokens that each block "
            f"keeps. Received: keep_ratio={keep_ratio!r}"
        )
    return float(keep_ratio)
