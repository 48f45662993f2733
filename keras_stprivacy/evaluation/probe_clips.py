"""The clips of a probe: read once, a part of a split, 8-bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_stprivacy.evaluation.eight_bit import to_eight_bit
from keras_stprivacy.evaluation.sources import Source


@dataclasses.dataclass(frozen=True)
class ProbeClips:
    """Some clips with their labels.

    Attributes:
        pixels: uint8 array (N, V, T, H, W, 3), V views of each.
        action: int array (N,), or (N, A) of 0 and 1 where a clip may show several actions.
        privacy: int array (N, P) of 0 and 1.
        attribute_names: P names, or None where the data says none.
    """

    pixels: np.ndarray
    action: np.ndarray
    privacy: np.ndarray
    attribute_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.action)


def read_probe_clips(
    data: Any,
    name: str,
    clip_shape: tuple[int, ...],
    most: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
) -> ProbeClips:
    """Reads a part of a split.

    Args:
        data: clips and labels in any form that `evaluate` takes.
        name: of the split, for messages.
        clip_shape: `(T, H, W, 3)` that is needed.
        most: clips to read; None: all. Of arrays they are drawn at random, of a dataset they are
            the first.
        batch_size: clips at a time.
        seed: of the draw.

    Returns:
        The clips.

    Raises:
        ValueError: if the data is not as `evaluate` takes it.

    Example:

    >>> data = (np.zeros((4, 2, 8, 8, 3)), {"action": [0, 1, 0, 1], "privacy": [[0], [1]] * 2})
    >>> read_probe_clips(data, "train", (2, 8, 8, 3), most=3).pixels.shape
    (3, 1, 2, 8, 8, 3)
    """
    source = Source(data, name, clip_shape, (1, 1), batch_size=batch_size)
    if source.in_memory and most is not None and len(source) > most:
        rows = np.sort(np.random.default_rng(seed).choice(len(source), most, replace=False))
        clips, labels = source.data
        source.data = (
            _rows(clips, rows),
            {key: _rows(value, rows) for key, value in labels.items()},
        )
    pixels, action, privacy = [], [], []
    left = most
    for batch in source.batches():
        pixels.append(to_eight_bit(batch.clips[:left]))
        action.append(batch.action[:left])
        privacy.append(batch.privacy[:left])
        if left is not None:
            left -= len(action[-1])
            if not left:
                break
    return ProbeClips(
        np.concatenate(pixels),
        np.concatenate(action),
        np.concatenate(privacy),
        source.attribute_names,
    )


def _rows(values: Any, rows: np.ndarray) -> Any:
    if isinstance(values, list | tuple):  # whole videos, each of its own length
        return [values[row] for row in rows]
    return np.asarray(values)[rows]
