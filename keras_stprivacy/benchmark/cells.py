"""Finished cells of a benchmark: one JSON file each, complete or not there."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.arrays import pack, unpack
from keras_stprivacy.data.parts import whole_file

# 1: the decoder of the reconstruction made as many passes as the others.
# 2: who reads rebuilt clips was never chosen as the strongest attacker.
# 3: a frame counted once for each view that holds it.
# 4: which test videos were cut from one source video was not told.
CELL_VERSION = 5

# Folders of a benchmark: finished cells, recognizers of raw clips, trained systems.
CELLS, RECOGNIZERS, SYSTEMS = "cells", "recognizers", "systems"


class CellStore:
    """A folder of finished cells.

    A cell is one system with one seed, under settings that a fingerprint stands for: the same
    system under others is another cell, in another file. Its file appears at once, under its name,
    when it is finished; a run that was broken off, whenever that was, finds the finished ones
    again.

    Args:
        folder: made if there is none.

    Raises:
        OSError: if it cannot be made.

    Example:

    >>> store = CellStore("cells")
    >>> store.write("raw", 0, "f00", {"values": np.zeros(2, "float32")})
    >>> store.read("raw", 0, "f00")["values"].tolist(), store.read("raw", 1, "f00")
    ([0.0, 0.0], None)
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, variant: str, seed: int, fingerprint: str) -> pathlib.Path:
        """Where a cell stands when it is finished."""
        return self.folder / f"{variant}-{fingerprint}-seed{seed}.json"

    def read(self, variant: str, seed: int, fingerprint: str) -> dict[str, Any] | None:
        """A finished cell, or None.

        Args:
            variant: the id.
            seed: the seed.
            fingerprint: of all that its numbers depend on; a cell with another one is not it.

        Returns:
            What was written; None if it is missing, damaged, or of other settings.
        """
        try:
            path = self.path(variant, seed, fingerprint)
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["cell_version"] != CELL_VERSION or content["fingerprint"] != fingerprint:
                return None
            return _decoded(content["cell"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None  # half a file of another program, or another format: measured again

    def write(self, variant: str, seed: int, fingerprint: str, cell: dict[str, Any]) -> None:
        """Writes a finished cell: beside its place first, then moved there.

        Args:
            variant: the id.
            seed: the seed.
            fingerprint: of all that its numbers depend on.
            cell: dicts, lists, numbers, strings and arrays.

        Raises:
            OSError: if it cannot be written.
        """
        content = {
            "cell_version": CELL_VERSION,
            "fingerprint": fingerprint,
            "cell": _encoded(cell),
        }
        target = self.path(variant, seed, fingerprint)
        with whole_file(target) as path, path.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, allow_nan=False)


def _encoded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": pack(value)}
    if isinstance(value, dict):
        return {str(key): _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if isinstance(value, np.generic):
        return _encoded(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"array"}:
            return unpack(value["array"])
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value
