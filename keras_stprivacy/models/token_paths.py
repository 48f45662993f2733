"""The two ways of tokens through an anonymizer: under a mask, or leaving the sequence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from keras_stprivacy.layers.ranking import keep_highest, kept_positions, take_tokens

_FORGIVING = 1 + 5e-7  # what the products below may lose in float32


def masked(
    anonymizer: Any, tokens: Any, keep_ratio: Any, training: bool, draw: bool = True
) -> tuple[Any, Any, list]:
    """Every token stays in the sequence; later layers attend under the decision mask.

    Args:
        anonymizer: an `Anonymizer`.
        tokens: `(B, L·N, D)`.
        keep_ratio: number in (0, 1], or tensor `(B,)` or `()`.
        training: whether the gates decide, with their gradients.
        draw: whether they draw; False: without noise.

    Returns:
        Tokens `(B, L·N, D)`, the decision mask `(B, L·N)`, and a dict for each PSB.
    """
    mask = ops.ones_like(ops.cast(tokens[..., 0], "float32"))  # (B, L·N)
    by_clip = anonymizer.keep_rule == "clip" and not training
    stages = []
    for block, count in zip(
        anonymizer.sparsification_blocks, anonymizer.kept_per_row(keep_ratio), strict=True
    ):
        before = mask
        num_kept = None if by_clip else count
        tokens, log_probability, mask = block(
            tokens, before, num_kept=num_kept, training=training, draw=draw
        )
        if not training:
            tokens = only_kept(tokens, mask)
        probability = ops.exp(log_probability[..., 0]) * before
        stages.append({"retaining_probability": probability, "decision_mask": mask})
    if stages and by_clip:
        total = anonymizer.num_rows * anonymizer.tubelets_per_row
        mask = keep_highest(_survival(stages), floor_count(total, keep_ratio, len(stages)), 1)
        stages[-1]["decision_mask"] = mask
        tokens = only_kept(tokens, mask)
    return anonymizer.anonymization_block(tokens, mask), mask, stages


def removed(
    anonymizer: Any, tokens: Any, keep_ratio: float, training: bool, draw: bool = True
) -> tuple[Any, Any, list]:
    """Dropped tokens leave the sequence; the decision mask remembers where the others belong.

    Args:
        anonymizer: an `Anonymizer`.
        tokens: `(B, L·N, D)`.
        keep_ratio: number in (0, 1].
        training: whether the gates decide, with their gradients.
        draw: whether they draw; False: without noise.

    Returns:
        Tokens `(B, n, D)` of the n kept ones, the decision mask `(B, L·N)`, and a dict for each
        PSB.
    """
    here = ops.ones_like(ops.cast(tokens[..., 0], "float32")) if training else None
    mask = ops.ones_like(ops.cast(tokens[..., 0], "float32"))  # (B, L·N)
    by_clip = anonymizer.keep_rule == "clip" and not training
    stages = []
    for block, count in zip(
        anonymizer.sparsification_blocks, anonymizer.kept_per_row(keep_ratio), strict=True
    ):
        tokens, log_probability, keep, here = block.remove(
            tokens, None if by_clip else count, here, draw
        )
        probability = restore(ops.exp(log_probability[..., 0]), mask)
        mask = restore(keep, mask)
        stages.append({"retaining_probability": probability, "decision_mask": mask})
    if stages and by_clip:
        num_kept = anonymizer.num_kept(keep_ratio)
        mask = keep_highest(_survival(stages), num_kept, 1)
        stages[-1]["decision_mask"] = mask
        positions = kept_positions(mask, num_kept, 1)
        tokens = take_tokens(tokens, positions)
    return anonymizer.anonymization_block(tokens, here), mask, stages


def floor_count(total: int, keep_ratio: Any, exponent: int) -> Any:
    """`floor(total · α^exponent)`, at least 1; forgiving a rounding error just below an integer.

    In float32 throughout and by products alone, which are the same everywhere: so a tensor of
    ratios keeps as many as a number does, on each backend.
    """
    number = isinstance(keep_ratio, (int, float))
    share = ratio = np.float32(keep_ratio) if number else keep_ratio
    for _ in range(exponent - 1):
        share = share * ratio
    if exponent == 0:
        share = np.float32(1.0)
    count = share * np.float32(total * _FORGIVING)
    return max(1, math.floor(count)) if number else ops.maximum(ops.floor(count), 1.0)


def restore(values: Any, mask: Any) -> Any:
    """Puts values of the kept tokens `(B, n, ...)` back in their places `(B, L·N, ...)`, else 0."""
    index = ops.cast(ops.cumsum(mask, axis=1), "int32") - 1
    index = ops.maximum(index, 0)  # (B, L·N), place in the kept sequence
    restored = take_tokens(values, index)
    if len(values.shape) == 3:
        mask = mask[..., None]
    return ops.where(mask > 0.5, restored, ops.zeros_like(restored))


def only_kept(tokens: Any, mask: Any) -> Any:
    """Zeros in place of dropped tokens: not even through attention's ε does anybody read them."""
    return ops.where(mask[..., None] > 0.5, tokens, ops.zeros_like(tokens))


def _survival(stages: list[dict[str, Any]]) -> Any:
    """The probability that a tubelet passes every gate, `(B, L·N)`."""
    survival = stages[0]["retaining_probability"]
    for stage in stages[1:]:
        survival = survival * stage["retaining_probability"]
    return survival
