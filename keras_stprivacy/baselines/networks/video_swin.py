"""VideoSwin of KerasCV as a recognizer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("keras_stprivacy")
class VideoSwin(keras.Model):
    """Video classifier on the VideoSwinBackbone of KerasCV 0.9 (Liu et al., CVPR 2022).

    As an attacker: `attacker=lambda num_classes, num_kept, seed: VideoSwin(num_classes, shape)`.
    Needs `pip install 'keras-stprivacy[cv]'`. From scratch, of VideoSwin-Tiny's size.

    Args:
        num_classes: outputs.
        clip_shape: `(T, H, W, 3)`.
        embed_dim: channels of the first stage.
        depths: blocks of the four stages.
        num_heads: attention heads of the four stages.
        patch_size: `(t, h, w)`.
        window_size: of the attention, in patches.

    Input shape:
        `(B, T, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, num_classes)`, float32 logits.

    Raises:
        ImportError: if KerasCV is not installed.
    """

    def __init__(
        self,
        num_classes: int,
        clip_shape: tuple[int, ...] = (16, 112, 112, 3),
        embed_dim: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        num_heads: tuple[int, ...] = (3, 6, 12, 24),
        patch_size: tuple[int, int, int] = (2, 4, 4),
        window_size: tuple[int, int, int] = (8, 7, 7),
        **kwargs: Any,
    ) -> None:
        backbone = _backbone_class()(
            input_shape=tuple(clip_shape),
            include_rescaling=False,
            embed_dim=embed_dim,
            depths=list(depths),
            num_heads=list(num_heads),
            patch_size=list(patch_size),
            window_size=list(window_size),
        )
        inputs = keras.Input(tuple(clip_shape))
        x = backbone((inputs - np.float32(0.5)) / np.float32(0.25))
        x = keras.layers.GlobalAveragePooling3D(name="pool")(x)
        outputs = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        super().__init__(inputs, outputs, **kwargs)
        self.num_classes = num_classes
        self.clip_shape = tuple(clip_shape)
        self.embed_dim = embed_dim
        self.depths = tuple(depths)
        self.num_heads = tuple(num_heads)
        self.patch_size = tuple(patch_size)
        self.window_size = tuple(window_size)

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "clip_shape": self.clip_shape,
            "embed_dim": self.embed_dim,
            "depths": self.depths,
            "num_heads": self.num_heads,
            "patch_size": self.patch_size,
            "window_size": self.window_size,
            "name": self.name,
        }


def _backbone_class() -> Any:
    try:
        from keras_cv.models import VideoSwinBackbone
    except ImportError as error:
        raise ImportError(
            f"VideoSwin is a model of KerasCV, which cannot be imported ({error}). Install it: "
            "pip install 'keras-stprivacy[cv]'"
        ) from error
    return VideoSwinBackbone
