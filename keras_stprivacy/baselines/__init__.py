"""The systems that are compared: each a clip → clip transform, one a file.

Everything loads on first use, so that naming a system imports no backend.
"""

import importlib
from typing import Any

from keras_stprivacy.baselines.registry import build, system_class, systems

_LAZY = {
    "AnonymizationAlone": "anonymization_alone",
    "Blacken": "blacken",
    "Blur": "blur",
    "BoxSystem": "box_system",
    "Collective": "collective",
    "Downsample": "downsample",
    "Downsample2x": "downsample_2x",
    "Downsample4x": "downsample_4x",
    "LearningSystem": "learning_system",
    "Raw": "raw",
    "SPAct": "spact",
    "STPrivacy": "stprivacy",
    "STPrivacyPaper": "stprivacy_paper",
    "SparsificationAlone": "sparsification_alone",
    "StrongBlur": "strong_blur",
    "System": "system",
    "VITA": "vita",
    "VITAReversal": "vita_reversal",
    "WeakBlur": "weak_blur",
}

__all__ = ["build", "system_class", "systems", *_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
