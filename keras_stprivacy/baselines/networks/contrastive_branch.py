"""The self-supervised privacy branch of SPAct."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_stprivacy.baselines.networks.image_backbone import image_backbone
from keras_stprivacy.models.clips import normalize_image_size


@keras.saving.register_keras_serializable("keras_stprivacy")
class ContrastiveBranch(keras.Model):
    """Images to unit vectors: an image network and an MLP, "SPAct" (Dave et al., CVPR 2022).

    Args:
        image_size: pixels, an int or `(H, W)`.
        kind: see `image_backbone`.
        width: see `image_backbone`.
        weights: see `image_backbone`.
        hidden_dim: width of the two hidden layers of the MLP.
        output_dim: length of the vectors.

    Input shape:
        `(B, H, W, 3)`, pixels in [0, 1].

    Output shape:
        `(B, output_dim)`, float32 vectors of length 1.

    Raises:
        ValueError: as `image_backbone`.

    Example:

    >>> branch = ContrastiveBranch(32, "small_resnet", hidden_dim=16, output_dim=8)
    >>> tuple(branch(np.zeros((1, 32, 32, 3), "float32")).shape)
    (1, 8)
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 112,
        kind: str = "resnet50",
        width: float = 1.0,
        weights: str | None = None,
        hidden_dim: int = 2048,
        output_dim: int = 128,
        **kwargs: Any,
    ) -> None:
        size = normalize_image_size(image_size)
        inputs = keras.Input((*size, 3))
        x = image_backbone(kind, size, width, weights)(inputs)
        for i in (1, 2):
            x = keras.layers.Dense(hidden_dim, activation="relu", name=f"dense_{i}")(x)
        x = keras.layers.Dense(output_dim, dtype="float32", name="projection")(x)
        super().__init__(inputs, ops.normalize(x, axis=-1), **kwargs)
        self.image_size = size
        self.kind = kind
        self.width = width
        self.hidden_dim = hidden_dim
        self.output_dim = output_dim

    def get_config(self) -> dict[str, Any]:
        return {
            "image_size": self.image_size,
            "kind": self.kind,
            "width": self.width,
            "weights": None,  # a file brings its own
            "hidden_dim": self.hidden_dim,
            "output_dim": self.output_dim,
            "name": self.name,
        }
