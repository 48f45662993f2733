"""What reaches files behind an address: TensorFlow's file systems, and those of tensorflow-io."""

import contextlib
import os
from typing import Any

# What has a file system in TensorFlow itself; the others come with tensorflow-io.
_BUILT_IN = ("gs", "ram")
_WITH_IO = ("s3", "hdfs", "viewfs", "oss", "az")


def require_file_system(place: str | os.PathLike) -> Any:
    """TensorFlow's file functions (`tf.io.gfile`), if they reach the address.

    A process in which tensorflow-io has used s3:// may abort when the interpreter shuts down, after
    all is done; end it with `os._exit` where its exit status counts.

    Raises:
        ValueError: if there is no file system for it in what is installed; says which versions
            have one.
        ImportError: if TensorFlow is not installed.
    """
    scheme = os.fspath(place).split("://", 1)[0]
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            f"{os.fspath(place)}: addresses are read and written with TensorFlow. Install it: "
            "pip install 'keras-stprivacy[tensorflow]'"
        ) from error
    if scheme in _BUILT_IN:
        return tf.io.gfile
    if scheme not in _WITH_IO:
        raise ValueError(
            f"There is no file system for {scheme}:// addresses. Known: "
            f"{', '.join((*_BUILT_IN, *_WITH_IO))}. Received: {os.fspath(place)!r}"
        )
    if scheme not in _registered(tf):
        with contextlib.suppress(ImportError):
            import tensorflow_io  # noqa: F401  (registers its file systems)
    if scheme not in _registered(tf):
        raise ValueError(
            f"{scheme}:// addresses need tensorflow-io, whose native operations load under "
            f"TensorFlow 2.16 and 2.17 only (here: TensorFlow {tf.__version__}). Install in an "
            "environment of its own: pip install 'keras-stprivacy[io]' (tensorflow-io 0.37.1, "
            "TensorFlow 2.17.1). Or use a local folder, or gs://."
        )
    return tf.io.gfile


def _registered(tf: Any) -> list[str]:
    return list(tf.io.gfile.get_registered_schemes())
