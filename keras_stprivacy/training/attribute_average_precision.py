"""Average precision of every attribute by its name, for the logs of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_stprivacy.metrics import ClassMeanAveragePrecision
from keras_stprivacy.metrics.attributes import mean_of_seen


class AttributeAveragePrecision(ClassMeanAveragePrecision):
    """`ClassMeanAveragePrecision` of logits whose result holds every named attribute too.

    Of several recognizers each is judged by itself, and the best one counts: one that reads
    nothing must not cover what another reads.

    Args:
        num_attributes: attributes `P`.
        attribute_names: `P` names, or None: the result is the mean alone.
        name: under which the mean is logged.
        num_recognizers: recognizers.

    Call arguments:
        y_true: float or int tensor `(B, P)` of 0 and 1.
        y_pred: float tensor `(B, P)`, logits, or a list of them, one for each recognizer.
        sample_weight: None, or weights of the clips, `(B,)`.

    Returns:
        From `result`, a dict: under `name` the mean over attributes, of the recognizer with the
        highest; and for each named attribute `privacy_ap_<attribute>`, the highest of all
        recognizers, 0 for an attribute without a positive, which the mean leaves out.

    Raises:
        ValueError: unless there is a name for each attribute, each different.

    Example:

    >>> metric = AttributeAveragePrecision(2, ["face", "hair"], name="mean")
    >>> metric.update_state([[1.0, 0.0], [0.0, 1.0]], ops.array([[2.0, 2.0], [-2.0, -2.0]]))
    >>> {name: round(float(value), 2) for name, value in metric.result().items()}
    {'mean': 0.75, 'privacy_ap_face': 1.0, 'privacy_ap_hair': 0.5}
    """

    def __init__(
        self,
        num_attributes: int,
        attribute_names: Sequence[str] | None = None,
        name: str = "privacy_average_precision",
        num_recognizers: int = 1,
    ) -> None:
        # What each recognizer says of an attribute is counted as an attribute of its own.
        super().__init__(num_attributes * num_recognizers, from_logits=True, name=name)
        self.num_recognizers = num_recognizers
        self.attribute_names = None if attribute_names is None else list(attribute_names)
        names = self.attribute_names
        if names is not None and not len(names) == len(set(names)) == num_attributes:
            raise ValueError(
                f"attribute_names must be {num_attributes} different names, one for each "
                f"attribute. Received: {names}"
            )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        each = list(y_pred) if isinstance(y_pred, (list, tuple)) else [y_pred]
        if self.num_recognizers > 1:
            y_true = ops.concatenate([ops.cast(y_true, "float32")] * self.num_recognizers, axis=1)
            y_pred = ops.concatenate(each, axis=1)
        else:
            (y_pred,) = each
        super().update_state(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        average_precision, positives = self.of_attributes()
        shape = (self.num_recognizers, -1)
        average_precision = ops.reshape(average_precision, shape)  # (recognizers, P)
        positives = ops.reshape(positives, shape)
        means = [
            mean_of_seen(average_precision[i], positives[i]) for i in range(self.num_recognizers)
        ]
        result = {self.name: ops.max(ops.stack(means))}
        highest = ops.max(average_precision, axis=0)
        for index, attribute in enumerate(self.attribute_names or ()):
            result[f"privacy_ap_{attribute}"] = highest[index]
        return result

    def get_config(self) -> dict[str, Any]:
        return {
            "num_attributes": self.num_attributes // self.num_recognizers,
            "attribute_names": self.attribute_names,
            "name": self.name,
            "num_recognizers": self.num_recognizers,
        }
