"""The share of tubelets that a decision mask keeps, as a metric for training."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stprivacy")
class RetainedRatio(keras.metrics.Mean):
    """Mean share of the tubelets that decision masks keep, 0..1.

    Args:
        name: name of the metric.
        dtype: of the result.

    Call arguments:
        decision_mask: float tensor `(B, L·N)`, 1 = kept.
        sample_weight: None, or weights of the clips, `(B,)`.

    Example:

    >>> metric = RetainedRatio()
    >>> metric.update_state(keras.ops.array([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]))
    >>> float(metric.result())
    0.375
    """

    def __init__(self, name: str = "retained_ratio", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, decision_mask: Any, sample_weight: Any = None) -> None:
        ratio = ops.mean(ops.cast(decision_mask, "float32"), axis=-1)  # (B,)
        super().update_state(ratio, sample_weight)
