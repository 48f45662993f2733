"""Persons slightly out of focus."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.blur import Blur


@dataclasses.dataclass(kw_only=True, eq=False)
class WeakBlur(Blur):
    """`Blur` with a kernel of 13 pixels and σ 10; its arguments.

    Example:

    >>> WeakBlur(clip_shape=(8, 32, 32, 3)).kernel_size
    13
    """

    name = "weak_blur"
