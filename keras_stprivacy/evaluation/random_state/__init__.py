"""Leaves the random numbers of the caller as they are."""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np

if keras.backend.backend() == "torch":
    from keras_stprivacy.evaluation.random_state.torch import backend_state_kept
else:  # TensorFlow and JAX draw nothing from a common generator in training or prediction
    backend_state_kept = contextlib.nullcontext  # type: ignore[assignment]


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Puts the random state of Python, NumPy and the backend back afterwards.

    Example:

    >>> np.random.seed(3)
    >>> with random_state_kept():
    ...     first = np.random.random()
    >>> first == np.random.random()
    True
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        with backend_state_kept():
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


__all__ = ["random_state_kept"]
