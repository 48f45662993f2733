"""Fewer pixels: every frame made small and large again."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_stprivacy.baselines.resample import resample
from keras_stprivacy.baselines.system import System

ENLARGEMENTS = ("bilinear", "nearest")


@dataclasses.dataclass(kw_only=True, eq=False)
class Downsample(System):
    """Resizes every frame to H/f x W/f with antialiasing, then back up.

    Equal to Pillow's `resize` with the BILINEAR filter, in both directions.

    Args:
        factor: f, at least 1. A side that it does not divide is rounded down.
        enlarge: `"bilinear"`, or `"nearest"`.
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Raises:
        ValueError: for a factor below 1 or larger than the frame, an unknown `enlarge`.

    Example:

    >>> clips = np.zeros((1, 1, 4, 4, 3), "uint8")
    >>> clips[0, 0, :2] = 255
    >>> system = Downsample(clip_shape=(1, 4, 4, 3), factor=4)
    >>> float(system.transform(clips)["clip"].std())
    0.0
    """

    factor: int = 2
    enlarge: str = "bilinear"

    name = "downsample"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.factor <= min(self.clip_shape[1:3]):
            raise ValueError(
                f"factor must be from 1 to the frame's shorter side {min(self.clip_shape[1:3])}. "
                f"Received: factor={self.factor}"
            )
        if self.enlarge not in ENLARGEMENTS:
            raise ValueError(
                f"enlarge must be one of {ENLARGEMENTS}. Received: enlarge={self.enlarge!r}"
            )

    def _transform(self, clips: np.ndarray, boxes: Any, **options: Any) -> dict[str, np.ndarray]:
        height, width = self.clip_shape[1:3]
        small = resample(clips, (height // self.factor, width // self.factor))
        return {"clip": resample(small, (height, width), self.enlarge)}
