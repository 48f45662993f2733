"""Losses of the systems that are compared, one function each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def nt_xent(first: Any, second: Any, temperature: float = 0.1) -> Any:
    """Normalised temperature-scaled cross-entropy of pairs (SimCLR; used by SPAct).

    Each of the 2B vectors has to find its partner among the 2B - 1 others, by the dot product.

    Args:
        first: unit vectors (B, D).
        second: their partners (B, D).
        temperature: τ, divides the dot products.

    Returns:
        Scalar, mean over the 2B vectors.

    Example:

    >>> x = ops.eye(2)
    >>> round(float(nt_xent(x, x, temperature=1.0)), 4)
    0.5514
    """
    count = ops.shape(first)[0]
    both = ops.concatenate([first, second], axis=0)  # (2B, D)
    similarity = ops.matmul(both, ops.transpose(both)) / temperature
    similarity = ops.where(ops.eye(2 * count) > 0.5, -1e9, similarity)  # not with itself
    partner = ops.sum(first * second, axis=-1) / temperature  # (B,)
    partner = ops.concatenate([partner, partner], axis=0)
    return ops.mean(ops.logsumexp(similarity, axis=-1) - partner)


def gram_matrix(features: Any) -> Any:
    """Products of channels, summed over the positions and divided by C·H·W.

    Args:
        features: (N, H, W, C).

    Returns:
        Tensor (N, C, C), float32.

    Example:

    >>> round(float(gram_matrix(ops.ones((1, 2, 2, 3)))[0, 0, 0]), 4)
    0.3333
    """
    height, width, channels = features.shape[1:]
    flat = ops.reshape(ops.cast(features, "float32"), (-1, height * width, channels))
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / (height * width * channels)


def style_loss(features: Sequence[Any], targets: Sequence[Any]) -> Any:
    """Mean squared difference of the entries of Gram matrices, summed over the blocks.

    Args:
        features: of several blocks, (N, H, W, C) each.
        targets: Gram matrices of the same blocks, (N, C, C) or (1, C, C).

    Returns:
        Scalar.

    Example:

    >>> x = ops.ones((1, 2, 2, 3))
    >>> float(style_loss([x], [gram_matrix(x)]))
    0.0
    """
    total = 0.0
    for feature, target in zip(features, targets, strict=True):
        total = total + ops.mean(ops.square(gram_matrix(feature) - target))
    return total


def content_loss(features: Any, targets: Any) -> Any:
    """Mean squared distance of two feature maps.

    Args:
        features: of what a network made.
        targets: of the original, the same shape.

    Returns:
        Scalar.

    Example:

    >>> float(content_loss(ops.ones((1, 2)), ops.zeros((1, 2))))
    1.0
    """
    features, targets = (ops.cast(one, "float32") for one in (features, targets))
    return ops.mean(ops.square(features - targets))


def reconstruction_loss(made: Any, original: Any) -> Any:
    """Mean absolute distance of pixels (L1).

    Args:
        made: pixels.
        original: pixels of the same shape.

    Returns:
        Scalar.

    Example:

    >>> float(reconstruction_loss(ops.ones((1, 2)), ops.zeros((1, 2))))
    1.0
    """
    return ops.mean(ops.abs(made - original))


def total_variation(images: Any) -> Any:
    """Mean squared difference of neighbours down, plus that of neighbours across.

    Args:
        images: (N, H, W, C).

    Returns:
        Scalar, in squared units of the pixels.

    Example:

    >>> float(total_variation(ops.reshape(ops.array([0.0, 1.0, 0.0, 1.0]), (1, 2, 2, 1))))
    1.0
    """
    down = images[:, 1:] - images[:, :-1]
    across = images[:, :, 1:] - images[:, :, :-1]
    return ops.mean(ops.square(down)) + ops.mean(ops.square(across))
