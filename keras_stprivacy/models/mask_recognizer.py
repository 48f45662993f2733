"""An opponent that sees which tubelets were kept, and no pixel."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_stprivacy.layers.tubelets import grid_shape
from keras_stprivacy.models.clips import as_written, normalize_image_size
from keras_stprivacy.models.presets import preset_arguments
from keras_stprivacy.models.recognizer import check_mask_spec


@keras.saving.register_keras_serializable("keras_stprivacy")
class MaskRecognizer(keras.Model):
    """Dense network that classifies the decision mask alone.

    Not in the STPrivacy paper. Which tubelets are kept leaves with every clip, and may tell an
    attribute whatever the pixels show. As one of several privacy recognizers of `STPrivacy` it
    gives every gate a gradient that says so, also those of the tubelets that were dropped.

    Args:
        num_classes: outputs.
        num_frames: frames `T` of a clip.
        image_size: pixels, an int or `(H, W)`.
        tubelet_size: `(δT, δH, δW)`.
        hidden_dim: width of the hidden layers.
        num_layers: hidden layers.

    Call arguments:
        inputs: a dict with `"decision_mask"`, `(B, L·N)` or `(B, L, N)`, 1 = kept.
        num_kept: not used; recognizers of clips take it.

    Output shape:
        Logits `(B, num_classes)`, float32.

    Raises:
        ValueError: for sizes that do not fit or inputs without a decision mask.

    Example:

    >>> recognizer = MaskRecognizer.from_preset("motion_digits_8x32", num_classes=5)
    >>> tuple(recognizer({"decision_mask": ops.ones((2, 64))}).shape)
    (2, 5)
    """

    def __init__(
        self,
        num_classes: int,
        num_frames: int = 16,
        image_size: int | tuple[int, int] = 112,
        tubelet_size: tuple[int, int, int] = (2, 16, 16),
        hidden_dim: int = 128,
        num_layers: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_classes < 1:
            raise ValueError(f"num_classes must be at least 1. Received: num_classes={num_classes}")
        self.num_classes = num_classes
        self.num_frames = num_frames
        self.image_size = as_written(image_size)
        self.tubelet_size: tuple[int, int, int] = tuple(tubelet_size)  # type: ignore[assignment]
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers

        self.num_kept = None  # it always sees the whole mask
        self.clip_shape = (num_frames, *normalize_image_size(image_size), 3)
        self.grid_shape = grid_shape(self.clip_shape[:3], self.tubelet_size)
        self.hidden_layers = [
            keras.layers.Dense(
                hidden_dim, activation="gelu", name=f"hidden_{i}", dtype=self.dtype_policy
            )
            for i in range(num_layers)
        ]
        self.classifier = keras.layers.Dense(
            num_classes, name="classifier", dtype=self.dtype_policy
        )
        self.build((None, math.prod(self.grid_shape)))

    @classmethod
    def from_preset(cls, name: str, /, num_classes: int, **overrides: Any) -> MaskRecognizer:
        """Builds a recognizer of the masks of the preset `name`, with some arguments overridden.

        Args:
            name: of a preset of `Recognizer`, of which the sizes of clip and tubelet are taken.
            num_classes: outputs.
            **overrides: constructor arguments.

        Raises:
            ValueError: if there is no such preset.
        """
        return cls(num_classes, **{**preset_arguments(name, "mask_recognizer"), **overrides})

    def build(self, input_shape: Any) -> None:
        if self.built:  # type: ignore[has-type]
            return
        width = math.prod(self.grid_shape)
        for layer in self.hidden_layers:
            layer.build((None, width))
            width = self.hidden_dim
        self.classifier.build((None, width))
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, num_kept: int | None = None) -> Any:
        if not isinstance(inputs, dict) or "decision_mask" not in inputs:
            received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
            raise ValueError(
                f'MaskRecognizer takes a dict with "decision_mask". Received: {received}'
            )
        mask = inputs["decision_mask"]
        tubelets = math.prod(self.grid_shape)
        check_mask_spec(mask, tubelets)
        x = 2.0 * ops.cast(ops.reshape(mask, (-1, tubelets)), self.compute_dtype) - 1.0
        for layer in self.hidden_layers:
            x = layer(x)
        return ops.cast(self.classifier(x), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "num_frames": self.num_frames,
            "image_size": self.image_size,
            "tubelet_size": self.tubelet_size,
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
        }
