"""Files that are there as a whole or not at all, and their digests."""

import functools
import hashlib
import os
import pathlib
from typing import Any

_READ_BYTES = 1 << 20


def partial_of(path: pathlib.Path) -> pathlib.Path:
    """The name under which a file is written before it is finished."""
    return path.with_name(f".{path.name}.partial")


def publish(path: pathlib.Path) -> None:
    """Makes what was written under `partial_of(path)` durable and gives it its name."""
    partial = partial_of(path)
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def digest(path: str | os.PathLike) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with pathlib.Path(path).open("rb") as file:
        return digest_of(file)


def digest_of(file: Any) -> tuple[int, str]:
    """Size and SHA-256 of an open binary file."""
    sha256, size = hashlib.sha256(), 0
    while block := file.read(_READ_BYTES):
        sha256.update(block)
        size += len(block)
    return size, sha256.hexdigest()


@functools.cache
def folder_digest(path: str) -> str:
    """SHA-256 of the names and contents of all files in a folder; asked for once a process."""
    sha256 = hashlib.sha256()
    root = pathlib.Path(path)
    for file in sorted(root.rglob("*")):
        if file.is_file():
            name = os.fsencode(file.relative_to(root).as_posix())
            sha256.update(b"%d %s %s" % (len(name), name, digest(file)[1].encode()))
    return sha256.hexdigest()


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
