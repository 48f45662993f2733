"""What leaves an anonymizer in deployment: 8-bit pixels and the decision mask."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.models.valid_clips import valid_clips


def to_eight_bit(clip: np.ndarray) -> np.ndarray:
    """Rounds pixels to 8 bits: `round(clip(x, 0, 1) · 255)`.

    Args:
        clip: float array, any shape.

    Returns:
        A uint8 array of that shape.

    Example:

    >>> import numpy as np
    >>> to_eight_bit(np.array([-0.2, 0.5, 0.502, 1.7])).tolist()
    [0, 128, 128, 255]
    """
    return np.rint(np.clip(clip, 0.0, 1.0) * 255.0).astype("uint8")


class EightBitTransform:
    """Runs a frozen anonymizer on clips and keeps what it would give out.

    The inference path: dropped tokens leave, nothing is drawn at random, no weight changes.
    Batches are filled up to one size, so that the model is compiled once.

    Args:
        anonymizer: a Keras model that takes clips (B, T, H, W, 3) in [0, 1] and returns a dict
            with "clip" and, if it drops tubelets, "decision_mask"; or an object with `transform`,
            such as a `keras_stprivacy.baselines.System`.
        keep_ratio: passed to the anonymizer; None: its own.
        batch_size: clips at a time.
        jit_compile: see `keras.Model.compile`.

    Raises:
        TypeError: if the anonymizer is neither.
    """

    def __init__(
        self,
        anonymizer: Any,
        keep_ratio: float | None = None,
        batch_size: int = 32,
        jit_compile: bool | str = "auto",
    ) -> None:
        self.batch_size = batch_size
        self.keep_ratio = keep_ratio
        self._system = anonymizer if callable(getattr(anonymizer, "transform", None)) else None
        if self._system is not None:
            return
        if not isinstance(anonymizer, keras.Model):
            raise TypeError(
                "anonymizer must be a Keras model, such as keras_stprivacy.models.Anonymizer or "
                "one from keras.saving.load_model, or a keras_stprivacy.baselines.System. "
                f"Received: {type(anonymizer).__name__}"
            )
        # A model of its own: its compiled function never replaces one of the anonymizer's.
        self._model = _GivenOut(anonymizer, keep_ratio)
        self._model.compile(jit_compile=jit_compile)

    def __call__(
        self, clips: np.ndarray, boxes: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Transforms clips.

        Args:
            clips: float32 array (B, T, H, W, 3) in [0, 1].
            boxes: for systems: boxes of persons (B, T, K, 4), or None. Models have no use for them.

        Returns:
            uint8 clips (B, T, H, W, 3), and uint8 decision masks (B, L·N) or None.

        Raises:
            FloatingPointError: if the anonymizer returns NaN or infinity, or keeps no tubelet.
        """
        parts = []
        for start in range(0, len(clips), self.batch_size):
            rows = slice(start, start + self.batch_size)
            part = clips[rows]
            if self._system is not None:
                output = self._of_system(part, None if boxes is None else boxes[rows])
            else:
                output = self._model.predict_on_batch(pad(part, self.batch_size))
                output = {key: np.asarray(value)[: len(part)] for key, value in output.items()}
            if not output["finite"].all():
                raise FloatingPointError(
                    "the anonymizer returned NaN or infinity, or kept no tubelet, for "
                    f"{int((~output['finite']).sum())} of {len(part)} clips. Its training has "
                    "diverged: go back to an earlier checkpoint, or train with a smaller learning "
                    "rate."
                )
            parts.append(output)
        clip = np.concatenate([part["clip"] for part in parts])
        if "decision_mask" not in parts[0]:
            return clip, None
        return clip, np.concatenate([part["decision_mask"] for part in parts])

    def _of_system(self, clips: np.ndarray, boxes: np.ndarray | None) -> dict[str, np.ndarray]:
        ratio = {} if self.keep_ratio is None else {"keep_ratio": self.keep_ratio}
        output = self._system.transform(clips, boxes, **ratio)  # type: ignore[union-attr]
        given = {
            "finite": ops.convert_to_numpy(valid_clips(output)),
            "clip": to_eight_bit(np.nan_to_num(output["clip"])),
        }
        if output.get("decision_mask") is not None:
            given["decision_mask"] = (np.asarray(output["decision_mask"]) > 0.5).astype("uint8")
        return given


class _GivenOut(keras.Model):
    def __init__(self, anonymizer: keras.Model, keep_ratio: float | None) -> None:
        super().__init__(name="given_out", autocast=False)  # the anonymizer casts for itself
        self.anonymizer = anonymizer
        self.keep_ratio = keep_ratio

    def call(self, clip: Any) -> dict[str, Any]:
        ratio = {} if self.keep_ratio is None else {"keep_ratio": self.keep_ratio}
        output = self.anonymizer(clip, training=False, **ratio)
        pixels = ops.cast(output["clip"], "float32")
        given = {"finite": valid_clips(output)}
        pixels = ops.where(ops.isfinite(pixels), pixels, ops.zeros_like(pixels))
        given["clip"] = ops.cast(ops.round(ops.clip(pixels, 0.0, 1.0) * 255.0), "uint8")
        if output.get("decision_mask") is not None:
            given["decision_mask"] = ops.cast(output["decision_mask"] > 0.5, "uint8")
        return given


def pad(array: np.ndarray, length: int) -> np.ndarray:
    """Fills an array up to `length` rows by repeating its last one.

    Example:

    >>> import numpy as np
    >>> pad(np.array([1, 2]), 4).tolist()
    [1, 2, 2, 2]
    """
    if len(array) >= length:
        return array
    return np.concatenate([array, np.repeat(array[-1:], length - len(array), axis=0)])
