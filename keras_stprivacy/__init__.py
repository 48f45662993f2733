"""STPrivacy for Keras 3: hide who is in a video, keep what they do.

Sub-packages load on first use, so that importing the package imports neither a backend nor a
video decoder. Where Keras has been imported before, its classes are registered at once, so that
`keras.saving.load_model` knows them.
"""

import importlib
import sys
from types import ModuleType

from keras_stprivacy.missing_backend import missing_backend
from keras_stprivacy.version import __version__

_SUBPACKAGES = (
    "baselines",
    "benchmark",
    "data",
    "detection",
    "evaluation",
    "export",
    "layers",
    "losses",
    "metrics",
    "models",
    "training",
    "video",
)

__all__ = ["__version__", *_SUBPACKAGES]


def __getattr__(name: str) -> ModuleType:
    if name in _SUBPACKAGES:
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ImportError as error:
            message = missing_backend(error)
            if message is None:
                raise
            raise ModuleNotFoundError(message, name=error.name) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


if hasattr(sys.modules.get("keras"), "saving"):  # imported, and not just beginning to be
    for _name in ("layers", "losses", "metrics", "models", "training"):
        importlib.import_module(f"{__name__}.{_name}")
