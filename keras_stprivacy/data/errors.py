"""What can be wrong with videos, records and their lists, one error type each."""

import errno
import os


class DatasetNotFoundError(FileNotFoundError):
    """There is no converted dataset at the given place."""


class DatasetFormatError(ValueError):
    """A `dataset.json` is missing a field, holds a wrong one, or is of a newer format."""


class NewerFormatError(DatasetFormatError):
    """A `dataset.json` was written by a later version of the package."""


class UnknownSplitError(ValueError):
    """The dataset has no split of the given name."""


class EmptyDatasetError(ValueError):
    """A dataset or a split holds no clips."""


class LabelError(ValueError):
    """A label is outside the classes or attributes that the dataset declares."""


class LabelFileError(ValueError):
    """A list, table or label file cannot be read as what it should be."""


class ShardError(OSError):
    """A TFRecord file is missing, truncated or damaged.

    Args:
        path: the shard.
        record: 0-based index of the first record that cannot be read, or None where the whole
            file is the trouble.
        reason: what is wrong, and how to mend it.
    """

    def __init__(self, path: str | os.PathLike, record: int | None, reason: str):
        self.path = os.fspath(path)
        self.record = record
        self.reason = reason
        where = "" if record is None else f", record {record}"
        super().__init__(f"Shard {os.path.basename(self.path)}{where}: {reason} ({self.path})")

    def __reduce__(self) -> tuple:  # it must reach other processes
        return type(self), (self.path, self.record, self.reason)


class AddressError(OSError):
    """A file or folder behind an address cannot be reached, read or written.

    Args:
        place: the address.
        reason: what the file system said.
    """

    def __init__(self, place: str | os.PathLike, reason: str):
        self.reason = reason
        super().__init__(errno.EIO, reason, os.fspath(place))

    def __reduce__(self) -> tuple:
        return type(self), (self.filename, self.reason)

    def __str__(self) -> str:
        return f"{self.filename}: {self.reason}"


class VideoDecodeError(RuntimeError):
    """A video cannot be decoded, or not completely.

    Args:
        path: the video.
        reason: what is wrong with it.
    """

    def __init__(self, path: str | os.PathLike, reason: str):
        self.path = os.fspath(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")

    def __reduce__(self) -> tuple:
        return type(self), (self.path, self.reason)


class VideoLimitError(VideoDecodeError):
    """A video is larger or longer than the limits for decoding allow."""
