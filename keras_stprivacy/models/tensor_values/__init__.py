"""Reading values of a tensor of the backend in use, where there are values to read."""

import keras

if keras.backend.backend() == "tensorflow":
    from keras_stprivacy.models.tensor_values.tensorflow import lowest_and_highest
elif keras.backend.backend() == "jax":
    from keras_stprivacy.models.tensor_values.jax import lowest_and_highest
elif keras.backend.backend() == "torch":
    from keras_stprivacy.models.tensor_values.torch import lowest_and_highest
else:
    raise ImportError(
        "keras_stprivacy runs on the backends tensorflow, jax and torch. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}"
    )

__all__ = ["lowest_and_highest"]
