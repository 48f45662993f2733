"""Clips: records on disk, how they are sampled and augmented, and the embedded dataset.

Everything but `motion_digits` loads on first use, so that importing this package imports neither
TensorFlow nor a video decoder.
"""

import importlib
from typing import Any

# Not on first use: a function that has the name of its module must be bound after the module.
from keras_stprivacy.data.motion_digits import MotionDigits, motion_digits

_LAZY = {
    "Augment": "augment",
    "DatasetInfo": "manifest",
    "DecodeLimits": "decode_limits",
    "VideoReader": "decode",
    "clip_dataset": "pipeline",
    "dataset_info": "manifest",
    "decode_video": "decode",
    "random_indices": "sampling",
    "spread_offsets": "sampling",
    "view_indices": "sampling",
}

__all__ = ["MotionDigits", "motion_digits", *_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
