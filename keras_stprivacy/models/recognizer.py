"""The recognizer: a video transformer classifier that sees kept tubelets only."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.layers import TransformerLayer, TubeletEmbedding
from keras_stprivacy.layers.ranking import kept_positions, take_tokens
from keras_stprivacy.layers.tubelets import check_tubelet_size, grid_shape
from keras_stprivacy.models.checked_inputs import CheckedInputs
from keras_stprivacy.models.clips import (
    PixelRange,
    as_written,
    check_clip_spec,
    check_clip_tensor,
    check_clip_values,
    normalize_image_size,
)
from keras_stprivacy.models.presets import preset_arguments


@keras.saving.register_keras_serializable("keras_stprivacy")
class Recognizer(CheckedInputs, keras.Model):
    """Video transformer classifier: action recognizer, privacy recognizer and attacker.

    Tubelet embedding, transformer layers, mean over the kept tokens, layer normalization and a
    dense layer, as in "STPrivacy" (ICCV 2023). Dropped tubelets are never seen: tokens attend
    under the decision mask, or, with `num_kept`, only the kept tokens enter the network.

    Args:
        num_classes: outputs: classes (action) or attributes (privacy).
        num_frames: frames `T` of a clip.
        image_size: pixels, an int or `(H, W)`.
        tubelet_size: `(δT, δH, δW)`; divides the clip.
        hidden_dim: width `D` of the tokens.
        num_heads: attention heads; divides `hidden_dim`.
        mlp_ratio: inner width of the MLPs over `hidden_dim`.
        num_layers: transformer layers.
        num_kept: int, if every mask has just so many ones: the network then runs on the kept
            tokens alone, with the same result, and the mask has a gradient for those alone. None:
            masked attention. May be given to a single call too.
        attention_epsilon: the ε of masked attention.
        mean: pixels are normalised inside by `(pixel − mean) / std`; a float or one a channel.
        std: see `mean`.
        dropout: rate before the last layer.
        seed: int or None, for dropout.
        weights_source: layout of the weights that were read by `load_weights_from`, which sets it.

    Call arguments:
        inputs: clips, float `(B, T, H, W, 3)` in [0, 1], or a dict with `"clip"` and
            `"decision_mask"` `(B, L·N)`, 1 = kept.
        num_kept: int, in place of the constructor's `num_kept`.

    Output shape:
        `(B, num_classes)`, float32 logits.

    Raises:
        ValueError: for sizes that do not fit or NaN pixels. Pixels are checked in arrays and, where
            no decision mask comes with them, in tensors, unless `training` is True or a graph is
            traced, which has no values yet: NaN pixels then give NaN logits.
        TypeError: for clips that are not floats.

    Example:

    >>> recognizer = Recognizer.from_preset("motion_digits_8x32", num_classes=8)
    >>> tuple(recognizer(np.zeros((1, 8, 32, 32, 3), "float32")).shape)
    (1, 8)
    """

    def __init__(
        self,
        num_classes: int,
        num_frames: int = 16,
        image_size: int | tuple[int, int] = 112,
        tubelet_size: tuple[int, int, int] = (2, 16, 16),
        hidden_dim: int = 384,
        num_heads: int = 6,
        mlp_ratio: float = 4.0,
        num_layers: int = 12,
        num_kept: int | None = None,
        attention_epsilon: float = 1e-6,
        mean: Any = 0.5,
        std: Any = 0.5,
        dropout: float = 0.0,
        seed: int | None = None,
        weights_source: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_classes < 1:
            raise ValueError(f"num_classes must be at least 1. Received: num_classes={num_classes}")
        self.num_classes = num_classes
        self.num_frames = num_frames
        self.image_size = as_written(image_size)
        self.tubelet_size = check_tubelet_size(tubelet_size)
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.num_layers = num_layers
        self.num_kept = num_kept
        self.attention_epsilon = attention_epsilon
        self.mean = as_written(mean)
        self.std = as_written(std)
        self.dropout = dropout
        self.seed = seed
        self.weights_source = weights_source

        self.clip_shape = (num_frames, *normalize_image_size(image_size), 3)
        self.grid_shape = grid_shape(self.clip_shape[:3], self.tubelet_size)
        self.pixel_range = PixelRange(mean, std)

        dtype = self.dtype_policy
        self.embedding = TubeletEmbedding(
            hidden_dim, self.tubelet_size, name="embedding", dtype=dtype
        )
        self.transformer_layers = [
            TransformerLayer(
                num_heads, mlp_ratio, attention_epsilon, name=f"transformer_layer_{i}", dtype=dtype
            )
            for i in range(num_layers)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6, name="norm", dtype=dtype)
        self.dropout_layer = keras.layers.Dropout(dropout, seed=seed, name="dropout", dtype=dtype)
        self.classifier = keras.layers.Dense(num_classes, name="classifier", dtype=dtype)
        self.build((None, *self.clip_shape))

    @classmethod
    def from_preset(cls, name: str, /, num_classes: int, **overrides: Any) -> Recognizer:
        """Builds the configuration `name`, with some arguments overridden.

        Args:
            name: `"vit_tiny_16x112"`, `"vit_small_16x112"`, `"vit_base_16x112"` or
                `"motion_digits_8x32"`.
            num_classes: outputs.
            **overrides: constructor arguments.

        Raises:
            ValueError: if there is no such preset.
        """
        return cls(num_classes, **{**preset_arguments(name, "recognizer"), **overrides})

    def build(self, input_shape: Any) -> None:
        if self.built:  # type: ignore[has-type]
            return
        self.embedding.build((None, *self.clip_shape))
        tokens_shape = (None, math.prod(self.grid_shape), self.hidden_dim)
        for layer in self.transformer_layers:
            layer.build(tokens_shape)
        for layer in (self.norm, self.dropout_layer, self.classifier):
            layer.build((None, self.hidden_dim))
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, num_kept: int | None = None) -> Any:
        num_kept = self.num_kept if num_kept is None else num_kept
        clip, mask = _clip_and_mask(inputs)
        check_clip_spec(clip, self.clip_shape, "Recognizer")
        tokens = self.embedding(self.pixel_range.to_model(clip))  # (B, L·N, D)
        if mask is not None:
            check_mask_spec(mask, tokens.shape[1])
            mask = ops.cast(ops.reshape(mask, (-1, tokens.shape[1])), "float32")
            if num_kept is not None:
                positions = kept_positions(ops.stop_gradient(mask), num_kept, 1)
                tokens = take_tokens(tokens, positions)
                mask = take_tokens(mask, positions) if training else None
            elif not training:  # not even through attention's ε is a dropped tubelet seen
                tokens = ops.where(mask[..., None] > 0.5, tokens, ops.zeros_like(tokens))
        for layer in self.transformer_layers:
            tokens = layer(tokens, mask)
        pooled = self.norm(_mean_of_kept(tokens, mask))
        return ops.cast(self.classifier(self.dropout_layer(pooled, training=training)), "float32")

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_inputs(inputs, kwargs.get("training"))
        return super().__call__(inputs, *args, **kwargs)

    def _check_inputs(self, inputs: Any, training: bool | None = None) -> None:
        clip, mask = _clip_and_mask(inputs)
        if isinstance(clip, np.ndarray):
            check_clip_spec(clip, self.clip_shape, "Recognizer")
            # Beside a mask an anonymizer has written them, and it is not bound to [0, 1].
            check_clip_values(clip, "Recognizer", any_range=mask is not None)
        elif mask is None and not training:
            # An anonymizer may have written them, and it is not bound to [0, 1].
            check_clip_tensor(clip, "Recognizer", any_range=True)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "num_frames": self.num_frames,
            "image_size": self.image_size,
            "tubelet_size": self.tubelet_size,
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "num_layers": self.num_layers,
            "num_kept": self.num_kept,
            "attention_epsilon": self.attention_epsilon,
            "mean": self.mean,
            "std": self.std,
            "dropout": self.dropout,
            "seed": self.seed,
            "weights_source": self.weights_source,
        }


def _clip_and_mask(inputs: Any) -> tuple[Any, Any]:
    if not isinstance(inputs, dict):
        return inputs, None
    if "clip" not in inputs:
        raise ValueError(
            f'Recognizer takes a clip, or a dict with "clip" and "decision_mask". Received: a dict '
            f"with {sorted(inputs)}"
        )
    return inputs["clip"], inputs.get("decision_mask")


def check_mask_spec(mask: Any, num_tubelets: int) -> None:
    """Checks that a decision mask has a value for each tubelet.

    Args:
        mask: array or tensor, needed as `(B, L·N)` or `(B, L, N)`.
        num_tubelets: `L·N`.

    Raises:
        ValueError: if it has another size.
    """
    if math.prod(mask.shape[1:]) != num_tubelets:
        raise ValueError(
            f"decision_mask needs a value for each of the {num_tubelets} tubelets of a clip, "
            f"(batch, {num_tubelets}). Received: shape {tuple(mask.shape)}"
        )


def _mean_of_kept(tokens: Any, mask: Any) -> Any:
    """Mean over the kept tokens `(B, D)`; zeros where none is kept."""
    if mask is None:
        return ops.mean(ops.cast(tokens, "float32"), axis=1)
    keep = mask[..., None]
    count = ops.sum(keep, axis=1)
    count = ops.where(count > 0.5, count, ops.ones_like(count))
    return ops.sum(ops.cast(tokens, "float32") * keep, axis=1) / count
