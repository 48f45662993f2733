"""What to say where the backend that Keras is to use is not installed."""

import os

_BACKENDS = ("tensorflow", "jax", "torch")


def missing_backend(error: ImportError) -> str | None:
    """Which extra to install, for an import that failed because the backend is not there.

    Args:
        error: of the import.

    Returns:
        The message, or None where something else is missing.

    Example:

    >>> missing_backend(ModuleNotFoundError("No module named 'av'", name="av")) is None
    True
    """
    chosen = os.environ.get("KERAS_BACKEND")
    package = (error.name or "").split(".")[0]
    if not package or package != (chosen or package) or package not in (*_BACKENDS, chosen):
        return None
    asked = f"KERAS_BACKEND={chosen}" if chosen else "Keras's configuration"
    missing = f"{asked} needs the package {package!r}, which is not installed."
    if package not in _BACKENDS:
        return f"{missing} Set KERAS_BACKEND to one of {', '.join(_BACKENDS)}."
    return (
        f"{missing} Install it: pip install 'keras-stprivacy[{package}]', or set KERAS_BACKEND to "
        f"another of {', '.join(_BACKENDS)}."
    )
