"""Clips whose pixels say which frame they are."""

from collections.abc import Iterable

import numpy as np

from tfrecords_tools import ConversionSettings

EXACT = ConversionSettings(
    short_side=None, jpeg_quality=100, chroma_subsampling="4:4:4", videos_per_shard=4
)


def gray_clip(values: Iterable[float], height: int = 16, width: int = 16) -> np.ndarray:
    """A clip whose frame i is all `values[i]`."""
    values = np.asarray(list(values), "uint8")
    return np.broadcast_to(values[:, None, None, None], (len(values), height, width, 3)).copy()
