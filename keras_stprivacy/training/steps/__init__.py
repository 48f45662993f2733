"""The training step of STPrivacy for the backend in use, and nothing else."""

import keras

if keras.backend.backend() == "tensorflow":
    from keras_stprivacy.training.steps.tensorflow import AdversarialStep
elif keras.backend.backend() == "jax":
    from keras_stprivacy.training.steps.jax import AdversarialStep  # type: ignore[assignment]
elif keras.backend.backend() == "torch":
    from keras_stprivacy.training.steps.torch import AdversarialStep  # type: ignore[assignment]
else:
    raise ImportError(
        "keras_stprivacy trains on the backends tensorflow, jax and torch. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}"
    )

__all__ = ["AdversarialStep"]
