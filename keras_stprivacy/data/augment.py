"""Random changes to training clips, the same for every frame of a clip.

Only the drawing of the changes is here, as arithmetic on uniform random numbers; `pipeline` applies
them. The argument `xp` is the module whose arrays are used, `numpy` or `tensorflow`.
"""

import dataclasses
import math
from types import ModuleType
from typing import Any

import numpy as np

# RGB -> YIQ, where a turn in the (I, Q) plane is a change of hue.
_RGB_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], "float32"
)
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ).astype("float32")
_LUMA = np.array([0.299, 0.587, 0.114], "float32")
_GRAY = np.tile(_LUMA, (3, 1))  # every output channel is the luma
_EYE = np.eye(3, dtype="float32")
# _HUE_KEEP + cos * _HUE_COS + sin * _HUE_SIN turns the hue and keeps the luma.
_HUE_KEEP = _YIQ_TO_RGB @ np.diag([1.0, 0.0, 0.0]).astype("float32") @ _RGB_TO_YIQ
_HUE_COS = _YIQ_TO_RGB @ np.diag([0.0, 1.0, 1.0]).astype("float32") @ _RGB_TO_YIQ
_HUE_SIN = _YIQ_TO_RGB @ np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0]], dtype="float32") @ _RGB_TO_YIQ


@dataclasses.dataclass(frozen=True)
class Augment:
    """What may change at random in a training clip; one draw per clip, never per frame.

    Each part can be switched off by itself. Horizontal flips turn a motion to the left into one to
    the right: switch them off (`flip=0`) where the action is a direction or where text or sides
    matter. The embedded dataset has directions, rotations and hues as its labels and is read with
    `augment=None`.

    Args:
        crop_scale: smallest and largest share of the frame's area that a random crop covers, or
            None for no random crops (the middle of the frame is used then).
        crop_ratio: smallest and largest stretch of the crop's width against its height, relative to
            the shape of the clip.
        flip: probability of a horizontal flip.
        brightness: the clip is multiplied by a number in `1 ± brightness`.
        contrast: the distance from mid-gray is multiplied by a number in `1 ± contrast`.
        saturation: the distance from the gray picture is multiplied by one in `1 ± saturation`.
        hue: the hue turns by up to this share of a full circle either way, at most 0.5.

    Raises:
        ValueError: if an argument is outside of what is said above.

    Example:

    >>> Augment(flip=0.0, hue=0.0).flip
    0.0
    """

    crop_scale: tuple[float, float] | None = (0.5, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.02

    def __post_init__(self):
        if self.crop_scale is not None and not 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1:
            raise ValueError(
                "crop_scale must be None or a pair with 0 < smallest <= largest <= 1. "
                f"Received: crop_scale={self.crop_scale}"
            )
        if not 0 < self.crop_ratio[0] <= self.crop_ratio[1]:
            raise ValueError(
                "crop_ratio must be a pair with 0 < smallest <= largest. "
                f"Received: crop_ratio={self.crop_ratio}"
            )
        for name, highest in (
            ("flip", 1.0),
            ("brightness", 1.0),
            ("contrast", 1.0),
            ("saturation", 1.0),
            ("hue", 0.5),
        ):
            value = getattr(self, name)
            if not 0 <= value <= highest:
                raise ValueError(f"{name} must be in [0, {highest}]. Received: {name}={value}")

    @property
    def changes_colour(self) -> bool:
        """Whether any of the four colour changes is switched on."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))


def crop_window(
    augment: Augment, height: Any, width: Any, aspect: float, draws: Any, xp: ModuleType = np
) -> tuple[Any, Any, Any, Any]:
    """A random window of a frame.

    Args:
        augment: an `Augment` whose `crop_scale` is not None.
        height: of the frame in pixels, a float.
        width: of the frame in pixels, a float.
        aspect: width / height of the clip that the window becomes.
        draws: four uniform numbers in [0, 1).
        xp: `numpy` or `tensorflow`.

    Returns:
        Top, left, height and width in pixels: whole numbers, as floats.
    """
    smallest, largest = augment.crop_scale  # type: ignore[misc]
    low, high = (math.log(ratio * aspect) for ratio in augment.crop_ratio)
    area = height * width * (smallest + (largest - smallest) * draws[0])
    ratio = xp.exp(low + (high - low) * draws[1])
    window_height = xp.maximum(xp.floor(xp.minimum(xp.sqrt(area / ratio), height)), 1.0)
    window_width = xp.maximum(xp.floor(xp.minimum(xp.sqrt(area * ratio), width)), 1.0)
    top = xp.floor((height - window_height + 1.0) * draws[2])
    left = xp.floor((width - window_width + 1.0) * draws[3])
    return top, left, window_height, window_width


def colour_change(augment: Augment, draws: Any, xp: ModuleType = np) -> tuple[Any, Any]:
    """A random change of colour as one matrix: `clip @ matrix + offset`.

    Args:
        augment: an `Augment`.
        draws: four uniform numbers in [0, 1).
        xp: `numpy` or `tensorflow`.

    Returns:
        Matrix (3, 3) and offset, for RGB clips in [0, 1]; the result is to be clipped to [0, 1].
    """
    brightness = 1.0 + augment.brightness * (2.0 * draws[0] - 1.0)
    contrast = 1.0 + augment.contrast * (2.0 * draws[1] - 1.0)
    saturation = 1.0 + augment.saturation * (2.0 * draws[2] - 1.0)
    angle = 2.0 * math.pi * augment.hue * (2.0 * draws[3] - 1.0)
    hue = xp.cos(angle) * _HUE_COS + xp.sin(angle) * _HUE_SIN + _HUE_KEEP
    saturate = saturation * (_EYE - _GRAY) + _GRAY
    change = brightness * contrast * xp.matmul(saturate, hue)
    return xp.transpose(change), 0.5 * (1.0 - contrast)
