"""Object detectors of KerasHub: RetinaNet, D-FINE."""

import os

import numpy as np

from keras_stprivacy.detection.model_answers import read_answer
from keras_stprivacy.detection.person_detector import PersonDetector


class KerasHubDetector(PersonDetector):
    """An object detector of KerasHub, from a preset in a local folder.

    Args:
        preset: the folder, as `save_to_preset` of the model wrote it, with its preprocessor.
        confidence: see `PersonDetector`.
        person_class: see `PersonDetector`.
        batch_size: see `PersonDetector`.

    Raises:
        ImportError: if KerasHub is not installed.
        ValueError: if the preset does not say which size of images it takes.

    Example:

    ```python
    detector = KerasHubDetector("presets/dfine_nano_coco")
    boxes = detector(frames)  # uint8 (N, H, W, 3) → N arrays (K, 4)
    ```
    """

    def __init__(
        self,
        preset: str | os.PathLike,
        confidence: float = 0.5,
        person_class: int | None = None,
        batch_size: int = 8,
    ):
        try:
            import keras_hub
        except ImportError as error:
            raise ImportError(
                "Detectors of KerasHub need keras-hub, which is not installed (or does not load: "
                f"{error}). Install it: pip install 'keras-stprivacy[hub]'"
            ) from error
        self.model = keras_hub.models.ObjectDetector.from_preset(os.fspath(preset))
        converter = getattr(self.model.preprocessor, "image_converter", None)
        size = getattr(converter, "image_size", None)
        if not size or None in size:
            raise ValueError(
                f"The preset {os.fspath(preset)} has no preprocessor that says which size of "
                "images it takes. Save it with one: an image converter with an image_size."
            )
        super().__init__(
            (size[0], size[1]), self.model.num_classes, confidence, person_class, batch_size
        )

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        answer = self.model.predict(images, batch_size=len(images), verbose=0)
        return read_answer(answer, "labels", self.model.bounding_box_format, self.size)
