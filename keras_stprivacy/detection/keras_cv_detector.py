"""YOLOV8 of KerasCV."""

import os

import numpy as np

from keras_stprivacy.detection.model_answers import read_answer
from keras_stprivacy.detection.person_detector import PersonDetector

_STRIDE = 32  # sides of its images are multiples of this


class KerasCVDetector(PersonDetector):
    """KerasCV's YOLOV8Detector, from a preset in a local folder.

    Args:
        preset: the folder with `config.json` and the weights that it names.
        confidence: see `PersonDetector`.
        person_class: see `PersonDetector`.
        batch_size: see `PersonDetector`.
        size: height and width in pixels that frames are fitted to; multiples of 32.

    Raises:
        ImportError: if KerasCV is not installed.
        ValueError: if `size` is not such a pair.

    Example:

    ```python
    detector = KerasCVDetector("presets/yolo_v8_m_pascalvoc", person_class=14)
    boxes = detector(frames)  # uint8 (N, H, W, 3) → N arrays (K, 4)
    ```
    """

    def __init__(
        self,
        preset: str | os.PathLike,
        confidence: float = 0.5,
        person_class: int | None = None,
        batch_size: int = 8,
        size: tuple[int, int] = (640, 640),
    ):
        if len(size) != 2 or any(side < 1 or side % _STRIDE for side in size):
            raise ValueError(f"size must be two multiples of {_STRIDE}. Received: size={size}")
        try:
            import keras_cv
        except ImportError as error:
            raise ImportError(
                "YOLOV8 needs keras-cv, which is not installed (or does not load: "
                f"{error}). Install it: pip install 'keras-stprivacy[cv]'"
            ) from error
        self.model = keras_cv.models.YOLOV8Detector.from_preset(os.fspath(preset))
        super().__init__(
            (size[0], size[1]), self.model.num_classes, confidence, person_class, batch_size
        )

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        answer = self.model.predict(images, batch_size=len(images), verbose=0)
        return read_answer(answer, "classes", self.model.bounding_box_format, self.size)
