"""Where a cell was measured."""

import os
import platform
from typing import Any

from keras_stprivacy.version import __version__


def environment() -> dict[str, Any]:
    """Package, backend and machine, for a cell.

    Example:

    >>> sorted(environment())
    ['backend', 'cpus', 'keras', 'package', 'processor', 'python']
    """
    import keras

    return {
        "package": f"keras_stprivacy {__version__}",
        "keras": keras.version(),
        **arithmetic(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "processor": _processor(),
    }


def arithmetic() -> dict[str, Any]:
    """What the last digits of a number depend on, for fingerprints: the backend, and the dtype
    policy where it is not float32.

    Example:

    >>> sorted(arithmetic())
    ['backend']
    """
    import keras

    policy = keras.config.dtype_policy().name
    mixed = {} if policy == "float32" else {"dtype_policy": policy}
    return {"backend": keras.backend.backend(), **mixed}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
        return names[0] if names else platform.processor()
    except OSError:
        return platform.processor()
