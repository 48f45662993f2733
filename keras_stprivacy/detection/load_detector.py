"""A preset folder → the detector that it holds."""

import json
import os
import pathlib
from typing import Any

from keras_stprivacy.detection.keras_cv_detector import KerasCVDetector
from keras_stprivacy.detection.keras_hub_detector import KerasHubDetector
from keras_stprivacy.detection.person_detector import PersonDetector


def load_detector(preset: str | os.PathLike, **options: Any) -> PersonDetector:
    """The detector in a local preset folder, of KerasHub or KerasCV.

    Args:
        preset: the folder.
        options: arguments of `PersonDetector`, such as `confidence`.

    Raises:
        ValueError: if the folder holds neither.
        ImportError: if the library that it needs is not installed.

    Example:

    ```python
    detector = load_detector("presets/retinanet_resnet50_fpn_coco", confidence=0.4)
    ```
    """
    folder = pathlib.Path(preset)
    if _class_in(folder / "task.json").startswith("keras_hub>"):
        return KerasHubDetector(preset, **options)
    name = _class_in(folder / "config.json")
    if name.startswith("keras_cv") and name.endswith("YOLOV8Detector"):
        return KerasCVDetector(preset, **options)
    raise ValueError(
        f"{os.fspath(preset)} holds no detector: needed is a folder with a task.json of a KerasHub "
        "object detector, or a config.json of KerasCV's YOLOV8Detector. "
        f"Received: {name or 'no config.json that can be read'}"
    )


def _class_in(path: pathlib.Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["registered_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
