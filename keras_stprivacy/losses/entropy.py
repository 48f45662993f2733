"""How sure privacy recognizers are, whatever is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def negative_entropy(logits: Any) -> Any:
    """Σ p log p over the two outcomes of each attribute, summed over the attributes.

    Lowest where every attribute is a coin toss: -P log 2.

    Args:
        logits: (..., P) of binary attributes.

    Returns:
        Tensor (...).

    Example:

    >>> round(float(negative_entropy(ops.zeros((1, 2)))[0]), 4)
    -1.3863
    """
    p = ops.sigmoid(logits)
    return ops.sum(p * ops.log_sigmoid(logits) + (1.0 - p) * ops.log_sigmoid(-logits), axis=-1)


def worst_negative_entropy(logits: Sequence[Any]) -> Any:
    """The negative entropy of each clip's surest model, mean over the clips (VITA).

    Args:
        logits: of every model of an ensemble, (B, P) each.

    Returns:
        Scalar.

    Example:

    >>> sure, unsure = ops.array([[9.0]]), ops.array([[0.0]])
    >>> float(worst_negative_entropy([sure, unsure])) > -0.01
    True
    """
    each = ops.stack([negative_entropy(one) for one in logits])  # (M, B)
    return ops.mean(ops.max(each, axis=0))
