"""What TensorFlow's file systems fail with, as errors of the operating system."""

import contextlib
import os
from collections.abc import Iterator

from keras_stprivacy.data.errors import AddressError


@contextlib.contextmanager
def os_errors(place: str | os.PathLike) -> Iterator[None]:
    """TensorFlow's errors (`tf.errors`) as `AddressError`, so that all places fail alike.

    Args:
        place: the address, for the message.

    Raises:
        AddressError: for any of them, with what it said on one line.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split()) or type(error).__name__
        raise AddressError(place, reason) from error
