"""What goes wrong with the files that are written, and the one place that imports PyAV."""

from types import ModuleType


class VideoWriteError(RuntimeError):
    """A video cannot be written as asked; the message says why."""


def import_av() -> ModuleType:
    """Returns PyAV.

    Raises:
        ImportError: with the command that installs it, if it is missing.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "reading and writing videos needs PyAV, which is not installed (or does not load: "
            f"{error}). Install it: pip install av"
        ) from error
    return av
