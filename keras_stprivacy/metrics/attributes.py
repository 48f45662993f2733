"""What the metrics over attributes have in common."""

from typing import Any

from keras import ops


def weighed(
    y_true: Any, y_pred: Any, sample_weight: Any, num_attributes: int, from_logits: bool
) -> tuple[Any, Any, Any]:
    """Labels, probabilities and weights of a batch.

    Args:
        y_true: `(B, P)` of 0 and 1.
        y_pred: `(B, P)`, probabilities or logits.
        sample_weight: None, or weights of the clips, `(B,)`.
        num_attributes: `P`.
        from_logits: whether `y_pred` are logits.

    Returns:
        Three float32 tensors `(B, P)`.
    """
    y_true = ops.cast(y_true, "float32")
    y_pred = ops.cast(y_pred, "float32")
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    shape = (-1, num_attributes)
    y_true, y_pred = ops.reshape(y_true, shape), ops.reshape(y_pred, shape)
    weight = ops.ones_like(y_true)
    if sample_weight is not None:
        weight = weight * ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
    return y_true, y_pred, weight


def mean_of_seen(values: Any, positives: Any) -> Any:
    """Mean of `values` `(P,)` over the attributes with positives `(P,)`; 0 if there are none."""
    seen = ops.cast(positives > 0.0, "float32")
    return ops.divide_no_nan(ops.sum(values * seen), ops.sum(seen))
