"""Macro F1, as a metric for training."""

from typing import Any

import keras
from keras import ops

from keras_stprivacy.metrics.attributes import mean_of_seen, weighed


@keras.saving.register_keras_serializable("keras_stprivacy")
class MacroF1(keras.metrics.Metric):
    """Unweighted mean over attributes of the F1 of the positive class, over all batches.

    It is scikit-learn's `f1_score(average="macro")` of the predictions at a probability of 0.5,
    of the attributes that were seen in at least one clip. Without any positive the result is 0.

    Args:
        num_attributes: attributes `P`.
        threshold: probability from which an attribute is said to be present.
        from_logits: True if predictions are logits; the threshold is then of their sigmoid.
        name: name of the metric.
        dtype: of the result.

    Call arguments:
        y_true: float or int tensor `(B, P)` of 0 and 1.
        y_pred: float tensor `(B, P)`.
        sample_weight: None, or weights of the clips, `(B,)`.

    Raises:
        ValueError: if `num_attributes` is below 1 or `threshold` is outside of 0..1.

    Example:

    >>> metric = MacroF1(num_attributes=1)
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.7]])
    >>> round(float(metric.result()), 4)
    0.8
    """

    def __init__(
        self,
        num_attributes: int,
        threshold: float = 0.5,
        from_logits: bool = False,
        name: str = "macro_f1",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if num_attributes < 1:
            raise ValueError(
                f"num_attributes must be at least 1. Received: num_attributes={num_attributes}"
            )
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must be in 0..1. Received: threshold={threshold}")
        self.num_attributes = num_attributes
        self.threshold = threshold
        self.from_logits = from_logits
        shape = (num_attributes,)
        self.hits = self.add_variable(shape, "zeros", dtype="float32", name="hits")
        self.positives = self.add_variable(shape, "zeros", dtype="float32", name="positives")
        self.predicted = self.add_variable(shape, "zeros", dtype="float32", name="predicted")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weight = weighed(
            y_true, y_pred, sample_weight, self.num_attributes, self.from_logits
        )
        said = ops.cast(y_pred >= self.threshold, "float32")
        self.hits.assign_add(ops.sum(weight * said * y_true, axis=0))
        self.positives.assign_add(ops.sum(weight * y_true, axis=0))
        self.predicted.assign_add(ops.sum(weight * said, axis=0))

    def result(self) -> Any:
        f1 = ops.divide_no_nan(2.0 * self.hits, self.positives + self.predicted)
        return mean_of_seen(f1, self.positives)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_attributes": self.num_attributes,
            "threshold": self.threshold,
            "from_logits": self.from_logits,
        }
