"""Person boxes for the frames of a clip, where a conversion is asked for them."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from tfrecords_tools.encode import EncodedClip
from tfrecords_tools.settings import ConversionSettings

_FRAMES_AT_ONCE = 32


def box_finder(
    settings: ConversionSettings,
) -> Callable[[EncodedClip], Sequence[np.ndarray]] | None:
    """What finds the boxes of a clip's frames, as they are stored; None where none are asked for.

    Raises:
        ValueError: if the settings name a folder that holds no detector, or a class of persons
            that it does not have; or none, and the detector's classes are not COCO's.
        ImportError: if the library that the detector needs is not installed.
    """
    if settings.detector is None:
        return None
    from keras_stprivacy.detection import load_detector

    options = {} if settings.person_class is None else {"person_class": settings.person_class}
    detector = load_detector(settings.detector, **options)

    def find(clip: EncodedClip) -> list[np.ndarray]:
        boxes: list[np.ndarray] = []
        frames: list[np.ndarray] = []
        for jpeg in clip.frames:
            with Image.open(io.BytesIO(jpeg)) as picture:
                frames.append(np.asarray(picture.convert("RGB")))
            if len(frames) == _FRAMES_AT_ONCE:
                boxes += detector(np.stack(frames))
                frames.clear()
        if frames:
            boxes += detector(np.stack(frames))
        return boxes

    return find
