"""Class-wise mean average precision (cMAP), as a metric for training."""

from typing import Any

import keras
from keras import ops

from keras_stprivacy.metrics.attributes import mean_of_seen, weighed


@keras.saving.register_keras_serializable("keras_stprivacy")
class ClassMeanAveragePrecision(keras.metrics.Metric):
    """Unweighted mean over attributes of average precision, over all batches since the reset.

    Probabilities are counted in equal bins, so that memory and time do not grow with the number
    of clips and the update can be compiled. The result is exactly scikit-learn's average precision
    of the probabilities rounded down to the bins: clips of one bin count as tied. With the default
    of 1000 bins it lies within some thousandths of the exact value; reports use
    `keras_stprivacy.metrics.average_precision`, which is exact.

    An attribute of which no positive was seen is left out of the mean; without any positive the
    result is 0.

    Args:
        num_attributes: attributes `P`.
        num_bins: bins over the probabilities 0..1.
        from_logits: True if predictions are logits; the bins are then over their sigmoid.
        name: name of the metric.
        dtype: of the result.

    Call arguments:
        y_true: float or int tensor `(B, P)` of 0 and 1.
        y_pred: float tensor `(B, P)`.
        sample_weight: None, or weights of the clips, `(B,)`.

    Raises:
        ValueError: if `num_attributes` or `num_bins` is below 1.

    Example:

    >>> metric = ClassMeanAveragePrecision(num_attributes=1)
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.6], [0.3]])
    >>> round(float(metric.result()), 4)
    0.8333
    """

    def __init__(
        self,
        num_attributes: int,
        num_bins: int = 1000,
        from_logits: bool = False,
        name: str = "class_mean_average_precision",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        for argument, value in (("num_attributes", num_attributes), ("num_bins", num_bins)):
            if value < 1:
                raise ValueError(f"{argument} must be at least 1. Received: {argument}={value}")
        self.num_attributes = num_attributes
        self.num_bins = num_bins
        self.from_logits = from_logits
        shape = (num_attributes, num_bins)
        self.positives = self.add_variable(shape, "zeros", dtype="float32", name="positives")
        self.clips = self.add_variable(shape, "zeros", dtype="float32", name="clips")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weight = weighed(
            y_true, y_pred, sample_weight, self.num_attributes, self.from_logits
        )
        place = ops.cast(ops.floor(y_pred * self.num_bins), "int32")
        place = ops.clip(place, 0, self.num_bins - 1)
        # Thousands of attributes times as many bins for each clip would not fit into memory.
        place = ops.reshape(place + self.num_bins * ops.arange(self.num_attributes), (-1,))
        self.clips.assign_add(self._in_bins(weight, place))
        self.positives.assign_add(self._in_bins(weight * y_true, place))

    def _in_bins(self, weights: Any, place: Any) -> Any:
        """Sums weights `(B, P)` in the bins of each attribute, `(P, bins)`."""
        count = self.num_attributes * self.num_bins
        summed = ops.segment_sum(ops.reshape(weights, (-1,)), place, num_segments=count)
        return ops.reshape(summed, (self.num_attributes, self.num_bins))

    def of_attributes(self) -> tuple[Any, Any]:
        """Average precision of each attribute, 0 without a positive, and positives, `(P,)` each."""
        true_positive = ops.cumsum(ops.flip(self.positives, axis=1), axis=1)  # (P, bins)
        predicted = ops.cumsum(ops.flip(self.clips, axis=1), axis=1)
        precision = ops.divide_no_nan(true_positive, predicted)
        gained = ops.flip(self.positives, axis=1)
        total = true_positive[:, -1]  # (P,)
        average_precision = ops.divide_no_nan(ops.sum(precision * gained, axis=1), total)
        return average_precision, total

    def result(self) -> Any:
        return mean_of_seen(*self.of_attributes())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_attributes": self.num_attributes,
            "num_bins": self.num_bins,
            "from_logits": self.from_logits,
        }
