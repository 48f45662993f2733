"""What the adapters of detection models share: reading a model's answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def read_answer(
    answer: Mapping[str, Any], classes_key: str, box_format: str, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A model's boxes, confidences and classes as `PersonDetector.predict` gives them.

    Args:
        answer: what `predict` of the model returned.
        classes_key: under which the class indices stand.
        box_format: of its boxes, as Keras names them.
        size: height and width of the images, in pixels.
    """
    from keras import ops, utils

    boxes = utils.bounding_boxes.convert_format(
        ops.cast(ops.convert_to_tensor(answer["boxes"]), "float32"),
        source=box_format.lower(),
        target="yxyx",
        height=size[0],
        width=size[1],
    )
    confidence = np.asarray(ops.convert_to_numpy(answer["confidence"]), "float32")
    classes = np.array(ops.convert_to_numpy(answer[classes_key]), "int64")
    count = np.asarray(ops.convert_to_numpy(answer["num_detections"]))
    # Behind the last detection stands what was left over.
    classes[np.arange(classes.shape[1])[None] >= count[:, None]] = -1
    return np.asarray(ops.convert_to_numpy(boxes), "float32"), confidence, classes
