"""Storage behind an address: gs:// with TensorFlow, s3:// and hdfs:// with tensorflow-io."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import BinaryIO

from keras_stprivacy.data.digests import digest_of
from keras_stprivacy.data.pipeline_file_errors import os_errors
from keras_stprivacy.data.pipeline_files import require_file_system
from tfrecords_tools.storage import uploading


class RemoteStorage:
    """A folder behind an address, through TensorFlow's file systems.

    A file is written here first and uploaded when it is complete: object stores show it only as a
    whole. Elsewhere a killed upload may leave a part of it, which a later run finds by its digest
    and makes anew.

    Args:
        address: such as `s3://bucket/folder`.

    Raises:
        ValueError: if TensorFlow has no file system for such addresses; says which versions have.
    """

    def __init__(self, address: str):
        self.address = address.rstrip("/")
        self._gfile = require_file_system(self.address)

    def prepare(self) -> None:
        with os_errors(self.address):
            self._gfile.makedirs(self.address)

    def alone(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()  # object stores have no locks

    def clear(self) -> None:
        """Nothing: what is half-written is on the machine that writes."""

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        def put(path: str) -> None:
            target = self._of(name)
            self._gfile.makedirs(target.rsplit("/", 1)[0])
            with open(path, "rb") as source, self._gfile.GFile(target, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)

        with os_errors(self.address), uploading(put) as file:
            yield file

    def read_text(self, name: str) -> str | None:
        if self.size(name) is None:
            return None
        with os_errors(self.address), self._gfile.GFile(self._of(name), "rb") as file:
            return file.read().decode("utf-8", "replace")

    def digest(self, name: str) -> tuple[int, str] | None:
        if self.size(name) is None:
            return None
        with os_errors(self.address), self._gfile.GFile(self._of(name), "rb") as file:
            return digest_of(file)

    def size(self, name: str) -> int | None:
        with os_errors(self.address):
            path = self._of(name)
            if not self._gfile.exists(path) or self._gfile.isdir(path):
                return None
            return self._gfile.stat(path).length

    def names(self, folder: str) -> list[str]:
        with os_errors(self.address):
            path = self._of(folder)
            if not self._gfile.isdir(path):
                return []
            return sorted(name.rstrip("/") for name in self._gfile.listdir(path))

    def remove(self, name: str) -> None:
        with os_errors(self.address):
            path = self._of(name)
            if self._gfile.isdir(path):
                if not self._gfile.listdir(path):
                    self._gfile.rmtree(path)
            elif self._gfile.exists(path):
                self._gfile.remove(path)

    def scratch(self) -> str | None:
        return None

    def _of(self, name: str) -> str:
        return f"{self.address}/{name}"
