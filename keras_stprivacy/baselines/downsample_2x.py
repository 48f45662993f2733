"""Half of the pixels a side, and back."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.downsample import Downsample


@dataclasses.dataclass(kw_only=True, eq=False)
class Downsample2x(Downsample):
    """`Downsample` by 2; its arguments.

    Example:

    >>> Downsample2x(clip_shape=(1, 4, 4, 3)).factor
    2
    """

    name = "downsample_2x"
