"""Checks of what the adversarial phase is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_stprivacy.keep_ratio import check_keep_ratios

UPDATE_RULES = ("simultaneous", "alternating")
PRIVACY_OBJECTIVES = ("negated", "base_rate", "uniform", "entropy")


def check_options(
    anonymizer: Any,
    update_rule: str,
    privacy_objective: str,
    recognizer_updates: int,
    remove_dropped: bool,
    information_weights: tuple[float, float],
    keep_ratios: Sequence[float] | None,
    word_weight: float = 0.0,
) -> tuple[float, ...] | None:
    """Checks arguments of `STPrivacy`; see there.

    Returns:
        The keep ratios as floats, or None.

    Raises:
        ValueError: for rules that do not exist, and options that do not go together.
    """
    if update_rule not in UPDATE_RULES:
        raise ValueError(
            f"update_rule must be one of {UPDATE_RULES}. Received: update_rule={update_rule!r}"
        )
    if privacy_objective not in PRIVACY_OBJECTIVES:
        raise ValueError(
            f"privacy_objective must be one of {PRIVACY_OBJECTIVES}. Received: "
            f"privacy_objective={privacy_objective!r}"
        )
    if recognizer_updates < 1:
        raise ValueError(
            "recognizer_updates must be at least 1. Received: "
            f"recognizer_updates={recognizer_updates}"
        )
    if remove_dropped and anonymizer.gate != "gumbel_top_k":
        raise ValueError(
            'remove_dropped=True needs an anonymizer with gate="gumbel_top_k", which keeps a '
            f"known number of tubelets. Received: gate={anonymizer.gate!r}"
        )
    of_mask, of_bits = information_weights
    if min(of_mask, of_bits) < 0:
        raise ValueError(
            "the weights of information must be at least 0. Received: "
            f"mask_information_weight={of_mask}, bits_information_weight={of_bits}"
        )
    if word_weight < 0:
        raise ValueError(f"word_weight must be at least 0. Received: word_weight={word_weight}")
    if of_bits and anonymizer.bottleneck is None:
        raise ValueError(
            "bits_information_weight needs an anonymizer with bottleneck_bits. Received: "
            f"bits_information_weight={of_bits}, bottleneck_bits=None"
        )
    if keep_ratios is None:
        return None
    return check_keep_ratios(keep_ratios, anonymizer.gate, remove_dropped)


def check_ratio_prices(
    ratio_prices: Sequence[float] | None,
    keep_ratios: tuple[float, ...] | None,
    information_weight: float,
) -> tuple[float, ...] | None:
    """Returns the prices of `keep_ratios` as floats, or None.

    Raises:
        ValueError: unless there is one for each ratio, none below 0, and something to be paid.

    Example:

    >>> check_ratio_prices([0, 1], (1.0, 0.5), information_weight=0.1)
    (0.0, 1.0)
    """
    if ratio_prices is None:
        return None
    received = f"Received: ratio_prices={ratio_prices!r}, keep_ratios={keep_ratios}"
    if keep_ratios is None or not information_weight:
        raise ValueError(
            "ratio_prices needs keep_ratios, and a weight of information that the prices are "
            f"factors of. {received}"
        )
    many = isinstance(ratio_prices, list | tuple)
    prices = tuple(float(price) for price in ratio_prices) if many else ()
    if len(prices) != len(keep_ratios) or not all(0.0 <= p < float("inf") for p in prices):
        raise ValueError(
            f"ratio_prices must be numbers of at least 0, one for each keep ratio. {received}"
        )
    return prices
