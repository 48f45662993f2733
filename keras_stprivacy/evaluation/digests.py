"""Short names for the pixels of clips, to find those that are in two splits."""

import hashlib

import numpy as np


def digest(clip: np.ndarray) -> bytes:
    """A short name for the pixels of a clip.

    Example:

    >>> clip = np.zeros((2, 4, 4, 3), "uint8")
    >>> len(digest(clip)), digest(clip) == digest(clip.copy())
    (16, True)
    """
    return hashlib.blake2b(clip.tobytes(), digest_size=16).digest()
