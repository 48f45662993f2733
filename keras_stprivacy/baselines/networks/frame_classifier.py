"""An image network as a classifier of clips."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_stprivacy.baselines.networks.image_backbone import image_backbone


@keras.saving.register_keras_serializable("keras_stprivacy")
class FrameClassifier(keras.Model):
    """Looks at every frame by itself; the clip's logits are the mean of its frames'.

    Args:
        num_classes: outputs: classes or attributes.
        clip_shape: `(T, H, W, 3)`.
        kind: see `image_backbone`.
        width: see `image_backbone`.
        weights: see `image_backbone`.

    Input shape:
        `(B, T, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, num_classes)`, float32 logits.

    Raises:
        ValueError: as `image_backbone`.

    Example:

    >>> network = FrameClassifier(5, (8, 32, 32, 3), kind="small_resnet", width=0.5)
    >>> tuple(network(np.zeros((1, 8, 32, 32, 3), "float32")).shape)
    (1, 5)
    """

    def __init__(
        self,
        num_classes: int,
        clip_shape: tuple[int, ...] = (16, 112, 112, 3),
        kind: str = "resnet50",
        width: float = 1.0,
        weights: str | None = None,
        **kwargs: Any,
    ) -> None:
        frames, height, width_of_frame, channels = clip_shape
        inputs = keras.Input(tuple(clip_shape))
        backbone = image_backbone(kind, (height, width_of_frame), width, weights)
        x = ops.reshape(inputs, (-1, height, width_of_frame, channels))
        x = backbone(x)  # (B·T, C)
        x = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        x = ops.mean(ops.reshape(x, (-1, frames, num_classes)), axis=1)
        super().__init__(inputs, x, **kwargs)
        self.num_classes = num_classes
        self.clip_shape = tuple(clip_shape)
        self.kind = kind
        self.width = width
        self.weights_source = weights

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "clip_shape": self.clip_shape,
            "kind": self.kind,
            "width": self.width,
            "weights": None,  # a file brings its own
            "name": self.name,
        }
