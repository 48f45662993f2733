"""Digests of files: whether one is what another was made with."""

import functools
import hashlib
import os
import pathlib
from typing import Any

_READ_BYTES = 1 << 20


def digest(path: str | os.PathLike) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with pathlib.Path(path).open("rb") as file:
        return digest_of(file)


def digest_unless_known(path: str | os.PathLike) -> str:
    """SHA-256 of a file, read again only when its time or size has changed."""
    state = pathlib.Path(path).stat()
    return _digest_at(os.fspath(path), state.st_mtime_ns, state.st_size)


@functools.cache
def _digest_at(path: str, changed: int, size: int) -> str:
    return digest(path)[1]


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


def detector_as_json(preset: str | os.PathLike, person_class: int | None) -> dict[str, Any]:
    """A detector of persons by the content of its preset folder, not by its place.

    Args:
        preset: the folder.
        person_class: index of persons among its classes; None: as in COCO.

    Returns:
        The folder's name, its digest and the class.
    """
    return {
        "preset": pathlib.Path(preset).name,
        "sha256": folder_digest(os.fspath(preset)),
        "person_class": person_class,
    }
