"""Where a conversion puts its files: a folder of this machine, or an address."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator
from types import ModuleType
from typing import Any, BinaryIO, Protocol

from keras_stprivacy.data.address import is_address
from keras_stprivacy.data.digests import digest
from tfrecords_tools.files import PARTIAL, new_partial, publish

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class Storage(Protocol):
    """What a conversion needs of the place that it writes to. Names may have one folder in them."""

    def prepare(self) -> None:
        """Makes the folder."""

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """While the block runs, no other conversion of this machine writes here.

        Raises:
            FileExistsError: if one does already.
        """

    def clear(self) -> None:
        """Clears away what a killed run left half-written."""

    def writing(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A file to write to, which has its name when the block ends well, and else is gone."""

    def read_text(self, name: str) -> str | None:
        """The text of a file; None where there is none."""

    def digest(self, name: str) -> tuple[int, str] | None:
        """Size and SHA-256 of a file; None where there is none."""

    def size(self, name: str) -> int | None:
        """Size of a file in bytes; None where there is none."""

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; none where there is no such folder."""

    def remove(self, name: str) -> None:
        """Removes a file, or a folder that nothing is in, if it is there."""

    def scratch(self) -> str | None:
        """The folder for temporary files; None: where the system puts them."""


def open_storage(place: str | os.PathLike) -> Storage:
    """The storage at a path or an address such as `gs://bucket/folder`.

    Raises:
        ValueError: if addresses of that kind cannot be written to with what is installed.
    """
    if is_address(place):
        from tfrecords_tools.remote import RemoteStorage

        return RemoteStorage(str(place))
    return LocalStorage(place)


def write_text(storage: Storage, name: str, text: str) -> None:
    """Writes a text file, as a whole or not at all."""
    with storage.writing(name) as file:
        file.write(text.encode())


class LocalStorage:
    """A folder. What has its name was written to its end and is on the disk.

    Two conversions at a time are told apart where the file system has locks, `flock`.
    """

    def __init__(self, directory: str | os.PathLike):
        self.directory = pathlib.Path(directory)

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        if fcntl is None:  # Windows
            yield
            return
        folder = os.open(self.directory, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FileExistsError(
                    f"another conversion is writing to {self.directory}. Wait until it has ended, "
                    "or choose another directory."
                ) from error
            except OSError:  # a file system without locks
                pass
            yield
        finally:
            os.close(folder)

    def clear(self) -> None:
        for folder in ("", "*/"):
            for partial in self.directory.glob(folder + PARTIAL):
                partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = new_partial(path)
        try:
            with partial.open("wb") as file:
                yield file
            publish(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def read_text(self, name: str) -> str | None:
        try:
            return (self.directory / name).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest(self, name: str) -> tuple[int, str] | None:
        path = self.directory / name
        return digest(path) if path.is_file() else None

    def size(self, name: str) -> int | None:
        path = self.directory / name
        return path.stat().st_size if path.is_file() else None

    def names(self, folder: str) -> list[str]:
        path = self.directory / folder
        return sorted(entry.name for entry in os.scandir(path)) if path.is_dir() else []

    def remove(self, name: str) -> None:
        path = self.directory / name
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # there is something in it
                path.rmdir()
        else:
            path.unlink(missing_ok=True)

    def scratch(self) -> str | None:
        return str(self.directory)


@contextlib.contextmanager
def uploading(put: Any) -> Iterator[BinaryIO]:
    """A temporary file to write to; `put(path)` is called with it when the block ends well."""
    with tempfile.NamedTemporaryFile() as file:
        yield file  # type: ignore[misc]
        file.flush()
        put(file.name)
