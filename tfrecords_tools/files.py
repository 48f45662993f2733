"""Files that are there as a whole or not at all."""

import os
import pathlib
import uuid

PARTIAL = f".*.{'[0-9a-f]' * 32}.partial"  # as a pattern of names


def new_partial(path: pathlib.Path) -> pathlib.Path:
    """A name, nobody else's, under which a file is written before it is finished."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")


def publish(partial: pathlib.Path, path: pathlib.Path) -> None:
    """Makes what was written under `partial` durable and gives it its name."""
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
