"""Persons far out of focus."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.blur import Blur


@dataclasses.dataclass(kw_only=True, eq=False)
class StrongBlur(Blur):
    """`Blur` with a kernel of 21 pixels and σ 10; its arguments.

    Example:

    >>> StrongBlur(clip_shape=(8, 32, 32, 3)).kernel_size
    21
    """

    kernel_size: int = 21

    name = "strong_blur"
