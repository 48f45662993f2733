"""Files that are there as a whole or not at all."""

import os
import pathlib


def partial_of(path: pathlib.Path) -> pathlib.Path:
    """The name under which a file is written before it is finished."""
    return path.with_name(f".{path.name}.partial")


def publish(path: pathlib.Path) -> None:
    """Makes what was written under `partial_of(path)` durable and gives it its name."""
    partial = partial_of(path)
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
