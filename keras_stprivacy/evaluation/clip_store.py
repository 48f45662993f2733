"""Keeps the clips that attackers train on: in memory, or, when they are many, in a file."""

import pathlib
from typing import Any

import numpy as np


class ClipStore:
    """Clips as 8-bit pixels, with the decision mask beside each.

    Clips are kept in memory up to a limit. What goes beyond it makes the store move all of them
    to one file, which is mapped into memory page by page as it is read.

    Args:
        clip_shape: `(T, H, W, 3)`.
        memory_limit: bytes of pixels to keep in memory.
        folder: an existing folder for the file; it is the caller's to remove.
        name: of the file.

    Example:

    >>> import numpy as np
    >>> store = ClipStore((2, 4, 4, 3), memory_limit=1 << 20, folder=".", name="clips")
    >>> store.append(np.zeros((5, 2, 4, 4, 3), "uint8"), np.ones((5, 4)))
    >>> store.close()
    >>> len(store), store.clips.shape, store.decision_mask.shape
    (5, (5, 2, 4, 4, 3), (5, 4))
    """

    def __init__(
        self, clip_shape: tuple[int, ...], memory_limit: int, folder: Any, name: str
    ) -> None:
        self.clip_shape = tuple(clip_shape)
        self.memory_limit = memory_limit
        self.path = pathlib.Path(folder) / f"{name}.uint8"
        self.clips: np.ndarray = np.zeros((0, *self.clip_shape), "uint8")
        self.decision_mask: np.ndarray | None = None
        self._memory = bytearray()
        self._file: Any = None
        self._masks: list[np.ndarray] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def spilled(self) -> bool:
        """Whether the clips are in a file."""
        return self._file is not None

    def append(self, clips: np.ndarray, decision_mask: np.ndarray | None = None) -> None:
        """Adds clips.

        Args:
            clips: uint8 array (B, T, H, W, 3).
            decision_mask: None, or an array (B, L·N), 1 = kept.

        Raises:
            ValueError: if the clips are of another shape or type.
            OSError: if they must go to a file and the disk is full.
        """
        if clips.dtype != np.uint8 or clips.shape[1:] != self.clip_shape:
            raise ValueError(
                f"the store holds uint8 clips {self.clip_shape}. Received: {clips.dtype} "
                f"{clips.shape[1:]}"
            )
        pixels = np.ascontiguousarray(clips).tobytes()
        if self._file is None and len(self._memory) + len(pixels) > self.memory_limit:
            self._file = self.path.open("wb")
            self._write(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += pixels
        else:
            self._write(pixels)
        if decision_mask is not None:
            self._masks.append(np.asarray(decision_mask, "uint8"))
        self._count += len(clips)

    def close(self) -> None:
        """Ends the writing; `clips` and `decision_mask` can then be read."""
        shape = (self._count, *self.clip_shape)
        if self._file is not None:
            self._file.close()
            self.clips = np.memmap(self.path, "uint8", "r", shape=shape)
        else:
            self.clips = np.frombuffer(self._memory, "uint8").reshape(shape)
        if self._masks:
            self.decision_mask = np.concatenate(self._masks)

    def _write(self, pixels: Any) -> None:
        try:
            self._file.write(pixels)
        except OSError as error:
            raise OSError(
                error.errno,
                f"the transformed clips exceed memory_limit={self.memory_limit} bytes and could "
                f"not be written to {self.path.parent} ({error.strerror}). Free space there, "
                "name another folder (the environment variable TMPDIR; --out of a benchmark), or "
                "raise memory_limit.",
            ) from error
