"""Persons as black boxes."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_stprivacy.baselines.box_system import BoxSystem


@dataclasses.dataclass(kw_only=True, eq=False)
class Blacken(BoxSystem):
    """Sets the pixels inside person boxes to 0.

    Args:
        whole_frame: see `BoxSystem`.
        without_box: see `BoxSystem`.
        detector: see `BoxSystem`.
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Example:

    >>> system = Blacken(clip_shape=(1, 4, 4, 3))
    >>> clips, boxes = np.ones((1, 1, 4, 4, 3), "float32"), np.array([[[0, 0, 0.5, 0.5]]])
    >>> float(system.transform(clips, boxes)["clip"].mean()), system.report["frames_without_box"]
    (0.75, 0)
    """

    name = "blacken"

    def _change(self, clips: np.ndarray) -> np.ndarray:
        return np.zeros_like(clips)
