"""Random changes to clips in memory, the same for every frame of a clip."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_stprivacy.baselines.resample import resample
from keras_stprivacy.data.augment import Augment, colour_change, crop_window

_LUMA = np.array([0.299, 0.587, 0.114], "float32")


@dataclasses.dataclass(frozen=True)
class ClipAugment:
    """Crops, changes colours, greys, flips and erases; each may be off.

    Args:
        crop_scale: smallest and largest share of the frame's area that a crop covers, or None.
        jitter: brightness, contrast and saturation are multiplied by a number in `1 ± jitter`.
        grey: probability that a clip loses its colours.
        flip: probability of a horizontal flip.
        erase: shortest and longest side in pixels of a rectangle that is set to one random
            colour, or None.

    Raises:
        ValueError: for shares outside [0, 1], or an `erase` that is no range.

    Example:

    >>> augment = ClipAugment(crop_scale=None, jitter=0.0, grey=0.0, flip=1.0, erase=None)
    >>> clips = np.arange(2.0).reshape(1, 1, 1, 2, 1) * np.ones(3)
    >>> augment(clips, np.random.default_rng(0))[0, 0, 0, :, 0].tolist()
    [1.0, 0.0]
    """

    crop_scale: tuple[float, float] | None = (0.6, 1.0)
    jitter: float = 0.2
    grey: float = 0.1
    flip: float = 0.5
    erase: tuple[int, int] | None = (9, 18)

    def __post_init__(self) -> None:
        self._augment()  # checks crop and jitter
        for name in ("grey", "flip"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1]. Received: {getattr(self, name)}")
        if self.erase is not None and not 1 <= self.erase[0] <= self.erase[1]:
            raise ValueError(
                f"erase must be None or (shortest, longest) side. Received: erase={self.erase}"
            )

    def __call__(self, clips: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Changes every clip by a draw of its own.

        Args:
            clips: float array (B, T, H, W, 3) in [0, 1].
            rng: draws.

        Returns:
            A new array of the same shape and dtype.
        """
        return np.stack([self._one(clip, rng) for clip in clips]).astype(clips.dtype)

    def _augment(self) -> Augment:
        return Augment(
            crop_scale=self.crop_scale,
            brightness=self.jitter,
            contrast=self.jitter,
            saturation=self.jitter,
            hue=0.0,
        )

    def _one(self, clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = clip.shape[1:3]
        augment = self._augment()
        if self.crop_scale is not None:
            window = crop_window(
                augment, float(height), float(width), width / height, rng.random(4)
            )
            top, left, tall, wide = (int(side) for side in window)
            clip = resample(clip[:, top : top + tall, left : left + wide], (height, width))
        if self.jitter:
            matrix, offset = colour_change(augment, rng.random(4))
            clip = np.clip(clip @ matrix.astype("float32") + np.float32(offset), 0.0, 1.0)
        if rng.random() < self.grey:
            clip = np.repeat((clip @ _LUMA)[..., None], 3, axis=-1)
        if rng.random() < self.flip:
            clip = clip[:, :, ::-1]
        if self.erase is not None:
            tall, wide = (
                min(int(rng.integers(self.erase[0], self.erase[1] + 1)), side)
                for side in (height, width)
            )
            top = int(rng.integers(height - tall + 1))
            left = int(rng.integers(width - wide + 1))
            clip = clip.copy()
            clip[:, top : top + tall, left : left + wide] = rng.random(3)
        return clip
