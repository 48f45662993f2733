"""How batches of a generator reach `fit`."""

from typing import Any

import keras

if keras.backend.backend() == "tensorflow":
    from keras_stprivacy.training.feeding.tensorflow import fed
else:  # Keras reads a generator as it is

    def fed(batches: Any) -> Any:  # type: ignore[misc]
        """What `fit` reads these batches from: here the generator itself."""
        return batches


__all__ = ["fed"]
