"""Average precision of every attribute by its name, for the logs of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_stprivacy.metrics import ClassMeanAveragePrecision
from keras_stprivacy.metrics.attributes import mean_of_seen


class AttributeAveragePrecision(ClassMeanAveragePrecision):
    """`ClassMeanAveragePrecision` of logits whose result holds every named attribute too.

    Args:
        num_attributes: attributes `P`.
        attribute_names: `P` names, or None: the result is the mean alone.
        name: under which the mean is logged.

    Call arguments:
        y_true: float or int tensor `(B, P)` of 0 and 1.
        y_pred: float tensor `(B, P)`, logits.

    Returns:
        From `result`, a dict: the mean under `name`, and `privacy_ap_<attribute>` of each named
        attribute, 0 for one without a positive, which the mean leaves out.

    Raises:
        ValueError: unless there is a name for each attribute, each different.

    Example:

    >>> metric = AttributeAveragePrecision(2, ["face", "hair"], name="mean")
    >>> metric.update_state([[1.0, 0.0], [0.0, 1.0]], [[2.0, 2.0], [-2.0, -2.0]])
    >>> {name: round(float(value), 2) for name, value in metric.result().items()}
    {'mean': 0.75, 'privacy_ap_face': 1.0, 'privacy_ap_hair': 0.5}
    """

    def __init__(
        self,
        num_attributes: int,
        attribute_names: Sequence[str] | None = None,
        name: str = "privacy_average_precision",
    ) -> None:
        super().__init__(num_attributes, from_logits=True, name=name)
        self.attribute_names = None if attribute_names is None else list(attribute_names)
        names = self.attribute_names
        if names is not None and not len(names) == len(set(names)) == num_attributes:
            raise ValueError(
                f"attribute_names must be {num_attributes} different names, one for each "
                f"attribute. Received: {names}"
            )

    def result(self) -> Any:
        average_precision, positives = self.of_attributes()
        result = {self.name: mean_of_seen(average_precision, positives)}
        for index, attribute in enumerate(self.attribute_names or ()):
            result[f"privacy_ap_{attribute}"] = average_precision[index]
        return result

    def get_config(self) -> dict[str, Any]:
        return {
            "num_attributes": self.num_attributes,
            "attribute_names": self.attribute_names,
            "name": self.name,
        }
