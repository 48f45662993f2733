"""How batches of a generator reach `fit`."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

if keras.backend.backend() == "tensorflow":
    from keras_stprivacy.training.feeding.tensorflow import fed
else:  # Keras reads a generator as it is

    @contextlib.contextmanager
    def fed(batches: Any) -> Iterator[Any]:  # type: ignore[misc]
        """Gives what `fit` reads these batches from: here the generator itself."""
        yield batches


__all__ = ["fed"]
