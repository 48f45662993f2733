"""Places behind an address such as `gs://bucket/folder`, used like paths."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator
from typing import IO, Any


class Address:
    """A folder or file behind an address, put together like a path.

    Whatever reaches for it fails with an `AddressError`, an OSError, where its file system does.

    Example:

    >>> str(Address("s3://bucket/records/") / "dataset.json")
    's3://bucket/records/dataset.json'
    """

    def __init__(self, text: str):
        self._text = text.rstrip("/")

    def __truediv__(self, name: str) -> "Address":
        return Address(f"{self._text}/{name}")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Address({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __fspath__(self) -> str:
        return self._text

    def is_file(self) -> bool:
        """Whether there is a file."""
        with self._files() as files:
            return files.exists(self._text) and not files.isdir(self._text)

    def is_dir(self) -> bool:
        """Whether there is a folder."""
        with self._files() as files:
            return files.isdir(self._text)

    def size(self) -> int:
        """Size of the file in bytes."""
        with self._files() as files:
            return files.stat(self._text).length

    def read_text(self, encoding: str = "utf-8") -> str:
        """The text of the file."""
        with self.open() as file:
            return file.read().decode(encoding)

    def open(self) -> "AddressFile":
        """The file, to read bytes from.

        Raises:
            FileNotFoundError: if there is none.
        """
        if not self.is_file():
            raise FileNotFoundError(errno.ENOENT, "No such file", self._text)
        with self._files() as files:
            return AddressFile(self, files.GFile(self._text, "rb"))

    @contextlib.contextmanager
    def _files(self) -> Iterator[Any]:
        """TensorFlow's file functions, whose errors are OSErrors within the block."""
        from keras_stprivacy.data.pipeline_file_errors import os_errors
        from keras_stprivacy.data.pipeline_files import require_file_system

        files = require_file_system(self)
        with os_errors(self):
            yield files

    @property
    def name(self) -> str:
        """The part behind the last slash."""
        return self._text.rsplit("/", 1)[-1]


class AddressFile:
    """A file behind an address, to read bytes from; fails with `AddressError`.

    Args:
        address: of the file.
        file: TensorFlow's, opened.
    """

    def __init__(self, address: Address, file: Any):
        self._address = address
        self._file = file

    def __enter__(self) -> "AddressFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or all that are left."""
        with self._errors():
            return self._file.read(size)

    def seek(self, position: int) -> None:
        """Goes to a place, in bytes from the beginning."""
        with self._errors():
            self._file.seek(position)

    def close(self) -> None:
        """Closes the file."""
        with self._errors():
            self._file.close()

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        from keras_stprivacy.data.pipeline_file_errors import os_errors

        return os_errors(self._address)


def is_address(place: str | os.PathLike) -> bool:
    """Whether a place is an address and not a path.

    Example:

    >>> is_address("gs://bucket/records"), is_address("/data/records")
    (True, False)
    """
    return not isinstance(place, pathlib.PurePath) and "://" in str(place)


def as_place(place: str | os.PathLike) -> pathlib.Path | Address:
    """A path, or an address where it is one."""
    return Address(str(place)) if is_address(place) else pathlib.Path(place)


def open_binary(place: str | os.PathLike) -> IO[bytes] | AddressFile:
    """A file at a path or an address, to read bytes from."""
    return Address(str(place)).open() if is_address(place) else open(place, "rb")


def size_of(place: str | os.PathLike) -> int:
    """Size in bytes of a file at a path or an address."""
    return Address(str(place)).size() if is_address(place) else os.stat(place).st_size
