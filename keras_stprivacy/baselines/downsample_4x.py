"""A quarter of the pixels a side, and back."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.downsample import Downsample


@dataclasses.dataclass(kw_only=True, eq=False)
class Downsample4x(Downsample):
    """`Downsample` by 4; its arguments.

    Example:

    >>> Downsample4x(clip_shape=(1, 4, 4, 3)).factor
    4
    """

    factor: int = 4

    name = "downsample_4x"
