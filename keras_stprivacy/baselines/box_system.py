"""What systems that work inside person boxes share: finding the boxes, and counting frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_stprivacy.baselines.boxes import (
    detected_boxes,
    frames_with_box,
    inside,
    standardize_boxes,
)
from keras_stprivacy.baselines.system import System

WITHOUT_BOX = ("keep", "whole_frame")


@dataclasses.dataclass(kw_only=True, eq=False)
class BoxSystem(System):
    """Changes the pixels inside person boxes.

    Boxes are those that the caller gives to `transform`, or else what `detector` finds. A frame
    without a box is left as it is, which hides nothing: `report` counts such frames.

    Args:
        whole_frame: change every pixel; no boxes are needed then.
        without_box: what becomes of a frame without a box: `"keep"` leaves it, `"whole_frame"`
            changes all of it. It is counted either way.
        detector: None, or a function from frames (N, H, W, 3), uint8, to a sequence with an array
            of boxes (K, 4) for each frame, see `keras_stprivacy.baselines.boxes`.
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Raises:
        ValueError: for an unknown `without_box`; from `transform`, if there are neither boxes nor
            a detector.
        TypeError: if the detector is no function.
    """

    whole_frame: bool = False
    without_box: str = "keep"
    detector: Callable | None = None

    uses_boxes = True
    _not_saved = ("detector",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.without_box not in WITHOUT_BOX:
            raise ValueError(
                f"without_box must be one of {WITHOUT_BOX}. Received: {self.without_box!r}"
            )
        if self.detector is not None and not callable(self.detector):
            raise TypeError(
                "detector must be a function from frames to boxes. Received: "
                f"{type(self.detector).__name__}"
            )
        self.reset_report()

    def reset_report(self) -> None:
        """Forgets the frames that were counted."""
        self._counts = {"clips": 0, "frames": 0, "frames_without_box": 0, "clips_without_box": 0}

    @property
    def report(self) -> dict[str, Any]:
        """What was counted since the start, or since `reset_report`.

        `"clips"`, `"frames"`, `"frames_without_box"`, `"clips_without_box"` (in none of their
        frames), `"share_without_box"` of all frames, and `"without_box"`: what became of them.
        """
        frames = self._counts["frames"]
        share = self._counts["frames_without_box"] / frames if frames else 0.0
        return {**self._counts, "share_without_box": share, "without_box": self.without_box}

    def _transform(self, clips: np.ndarray, boxes: Any, **options: Any) -> dict[str, np.ndarray]:
        if self.whole_frame:
            return {"clip": self._change(clips)}
        pixels = self._pixels(clips, boxes)[..., None]
        return {"clip": np.where(pixels, self._change(clips), clips)}

    def _change(self, clips: np.ndarray) -> np.ndarray:
        """What stands inside the boxes, for every pixel."""
        raise NotImplementedError

    def _pixels(self, clips: np.ndarray, boxes: Any) -> np.ndarray:
        """The pixels to change, bool (B, T, H, W)."""
        if boxes is not None:
            boxes = standardize_boxes(boxes, *clips.shape[:2])
        elif self.detector is not None:
            boxes = detected_boxes(self.detector, clips)
        else:
            raise ValueError(
                f"{self.name} needs boxes of persons. Give transform(clips, boxes) an array "
                "(clips, frames, K, 4) of ymin, xmin, ymax, xmax in [0, 1] (labels with a key "
                '"boxes", in evaluate), build it with a detector=, or with whole_frame=True. '
                "Received: boxes=None"
            )
        found = frames_with_box(boxes)
        self._counts["clips"] += len(clips)
        self._counts["frames"] += found.size
        self._counts["frames_without_box"] += int((~found).sum())
        self._counts["clips_without_box"] += int((~found.any(axis=1)).sum())
        pixels = inside(boxes, *clips.shape[2:4])
        if self.without_box == "whole_frame":
            pixels = pixels | ~found[..., None, None]
        return pixels
