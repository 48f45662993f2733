"""Persons out of focus: a Gaussian inside their boxes."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_stprivacy.baselines.box_system import BoxSystem


@dataclasses.dataclass(kw_only=True, eq=False)
class Blur(BoxSystem):
    """Blurs the pixels inside person boxes with a Gaussian.

    Frames are mirrored at their borders (the outermost pixel once), then convolved with a kernel
    that is cut off and sums to 1, as OpenCV's and torchvision's Gaussian blurs do. The whole
    frame is blurred and its part inside the boxes is shown, so pixels near the edge of a box mix
    with those outside.

    Args:
        kernel_size: pixels, odd.
        sigma: σ in pixels.
        whole_frame: see `BoxSystem`.
        without_box: see `BoxSystem`.
        detector: see `BoxSystem`.
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Raises:
        ValueError: for an even kernel or a σ that is not positive.

    Example:

    >>> system = Blur(clip_shape=(1, 9, 9, 3), kernel_size=3, whole_frame=True)
    >>> float(system.transform(np.ones((1, 1, 9, 9, 3), "float32"))["clip"].std()) < 1e-6
    True
    """

    kernel_size: int = 13
    sigma: float = 10.0

    name = "blur"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd and positive. Received: kernel_size={self.kernel_size}"
            )
        if not self.sigma > 0:
            raise ValueError(f"sigma must be positive. Received: sigma={self.sigma}")

    def _change(self, clips: np.ndarray) -> np.ndarray:
        kernel = gaussian_kernel(self.kernel_size, self.sigma).astype("float32")
        return _convolved(_convolved(clips, kernel, axis=2), kernel, axis=3)


def gaussian_kernel(size: int, sigma: float) -> np.ndarray:
    """A Gaussian at the integers around 0, cut off, with the sum 1.

    Args:
        size: odd number of values.
        sigma: σ.

    Example:

    >>> gaussian_kernel(3, 1.0).round(3).tolist()
    [0.274, 0.452, 0.274]
    """
    place = np.arange(size) - size // 2
    values = np.exp(-0.5 * (place / sigma) ** 2)
    return values / values.sum()


def _convolved(clips: np.ndarray, kernel: np.ndarray, axis: int) -> np.ndarray:
    reach = len(kernel) // 2
    width = [(reach, reach) if i == axis else (0, 0) for i in range(clips.ndim)]
    # A side of one pixel has no mirror image.
    padded = np.pad(clips, width, mode="reflect" if clips.shape[axis] > 1 else "edge")
    total = np.zeros_like(clips)
    for shift, weight in enumerate(kernel):
        rows = [slice(None)] * clips.ndim
        rows[axis] = slice(shift, shift + clips.shape[axis])
        total += weight * padded[tuple(rows)]
    return total
