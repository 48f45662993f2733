"""The checks of clips before Keras takes them over."""

# The attributes used here are those of keras.Model, which this class is mixed into.
# mypy: disable-error-code="attr-defined,misc"

from __future__ import annotations

from typing import Any


class CheckedInputs:
    """`predict` and `predict_on_batch` with a check; see `Anonymizer` and `Recognizer`."""

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.predict`, after a check of arrays and tensors.

        Of what comes in batches, a `tf.data.Dataset`, a `PyDataset`, a generator or a data loader,
        sizes and dtypes are checked. Pixels are on PyTorch alone, batch by batch, where no graph is
        traced; on TensorFlow and JAX a clip with a NaN pixel gives NaN.

        Args:
            x: clips, as in a call, or what gives batches of them.
            *args: see `keras.Model.predict`.
            **kwargs: see `keras.Model.predict`.

        Raises:
            ValueError: for clips that do not fit, and for NaN pixels in arrays and tensors.
            TypeError: for clips that are not floats.
        """
        self._check_inputs(x)
        return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """As `keras.Model.predict_on_batch`, after a check.

        Args:
            x: clips, as in a call.

        Raises:
            ValueError: for clips that do not fit, and for NaN pixels.
            TypeError: for clips that are not floats.
        """
        self._check_inputs(x)
        return super().predict_on_batch(x)

    def _check_inputs(self, inputs: Any, training: bool | None = None) -> None:
        raise NotImplementedError
