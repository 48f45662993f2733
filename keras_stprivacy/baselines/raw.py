"""The clips as they are: the upper end of every scale."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_stprivacy.baselines.system import System


@dataclasses.dataclass(kw_only=True, eq=False)
class Raw(System):
    """Gives every clip back as it is.

    Args:
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Example:

    >>> Raw(clip_shape=(2, 4, 4, 3)).transform(np.full((1, 2, 4, 4, 3), 255, "uint8"))["clip"].max()
    np.float32(1.0)
    """

    name = "raw"

    def _transform(self, clips: np.ndarray, boxes: Any, **options: Any) -> dict[str, np.ndarray]:
        return {"clip": clips}
