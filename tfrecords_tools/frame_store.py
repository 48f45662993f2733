"""The encoded frames of one video, in a file without a name."""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import BinaryIO


class StoreError(OSError):
    """Frames cannot be stored, as when the disk is full: no fault of the video."""


class FrameStore:
    """Encoded frames, one behind the other in a file, so that a long video takes no memory.

    The file has no name and is gone when it is closed, also if the process is killed.

    Args:
        file: where the frames are.
        sizes: bytes of each frame.
    """

    def __init__(self, file: BinaryIO, sizes: Sequence[int] = ()):
        self.file = file
        self.sizes = list(sizes)
        weakref.finalize(self, file.close)

    @classmethod
    def empty(cls, directory: str | None = None) -> "FrameStore":
        """A store without frames, in the directory; None: where temporary files are."""
        return cls(tempfile.TemporaryFile(dir=directory))

    def add(self, frame: bytes) -> None:
        """Adds a frame at the end.

        Raises:
            StoreError: if it cannot be stored.
        """
        try:
            self.file.write(frame)
        except OSError as error:
            raise StoreError(error.errno, error.strerror) from error
        self.sizes.append(len(frame))

    def flush(self) -> None:
        """Hands over to the operating system what is still in this process.

        Raises:
            StoreError: if it cannot be stored.
        """
        try:
            self.file.flush()
        except OSError as error:
            raise StoreError(error.errno, error.strerror) from error

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(0)
        for size in self.sizes:
            frame = self.file.read(size)
            if len(frame) < size:
                raise OSError("a temporary file is shorter than what was written to it")
            yield frame

    def close(self) -> None:
        """Lets go of the frames."""
        self.file.close()
