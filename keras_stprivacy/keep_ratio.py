"""The one check of a keep ratio that a user hands over."""

import numbers
from collections.abc import Sequence


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


def check_ratios(keep_ratios: Sequence[float]) -> tuple[float, ...]:
    """Returns keep ratios as floats.

    Args:
        keep_ratios: each in (0, 1], at least one, none twice.

    Raises:
        ValueError: if they are no such ratios.

    Example:

    >>> check_ratios([1, 0.5])
    (1.0, 0.5)
    """
    if isinstance(keep_ratios, str | numbers.Real) or not len(keep_ratios):
        raise ValueError(
            "keep_ratios must be a sequence of ratios in (0, 1], at least one. Received: "
            f"keep_ratios={keep_ratios!r}"
        )
    ratios = tuple(check_keep_ratio(ratio) for ratio in keep_ratios)
    if len(set(ratios)) < len(ratios):
        raise ValueError(f"keep_ratios must differ. Received: keep_ratios={keep_ratios!r}")
    return ratios


def check_keep_ratios(
    keep_ratios: Sequence[float], gate: str, remove_dropped: bool
) -> tuple[float, ...]:
    """Returns ratios that one anonymizer is to be trained for, as floats.

    Args:
        keep_ratios: each in (0, 1].
        gate: of the anonymizer.
        remove_dropped: whether dropped tokens are to leave the sequences in training.

    Raises:
        ValueError: if they are not such ratios, or do not go with the rest.

    Example:

    >>> check_keep_ratios([1, 0.5], "gumbel_top_k", remove_dropped=False)
    (1.0, 0.5)
    """
    ratios = check_ratios(keep_ratios)
    if gate != "gumbel_top_k":
        raise ValueError(
            'keep_ratios needs gate="gumbel_top_k", which is told how many tubelets to keep; the '
            f"other gate has to learn one number. Received: gate={gate!r}"
        )
    if remove_dropped:
        raise ValueError(
            "keep_ratios needs remove_dropped=False: clips of a batch keep different numbers of "
            f"tubelets. Received: keep_ratios={ratios}, remove_dropped=True"
        )
    return ratios
