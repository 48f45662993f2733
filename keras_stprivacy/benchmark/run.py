"""Runs a plan: cells that are finished are read, the others measured."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import keras

from keras_stprivacy.benchmark.cell_run import measure
from keras_stprivacy.benchmark.cells import CellStore
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.summary import Cells, summarize
from keras_stprivacy.benchmark.variant import Variant, fingerprint
from keras_stprivacy.data.parts import remove_parts

# What one system may fail with, while the others can still be measured.
_OF_A_SYSTEM = (ValueError, RuntimeError, FloatingPointError, OSError, ImportError)


def run(
    plan: Plan,
    out: str | os.PathLike,
    progress: Callable[[str], None] | None = None,
    verbose: int = 0,
) -> BenchmarkReport:
    """Measures what is not measured yet, and reports on all cells.

    Cells stand in `out/cells`, a file each. A run that was broken off goes on where it was when it
    is started again with the same arguments; other settings or data make other cells. Files that a
    killed run had not finished are removed.

    Args:
        plan: of the benchmark.
        out: folder for cells and trained systems.
        progress: called with a line about every cell.
        verbose: 1 shows the progress of each cell on standard error.

    Returns:
        The report. A system that cannot be measured stands in its `failures`, with the reason.

    Raises:
        ValueError: if raw clips cannot be measured, against which all others are.
        OSError: if `out` cannot be written.
    """
    folder = pathlib.Path(out)
    store = CellStore(folder / "cells")
    remove_parts(folder)
    tell = progress or (lambda line: None)
    cells: Cells = {}
    failures: dict[str, str] = {}
    total = len(plan.variants) * plan.settings.seeds
    number = 0
    # Seed by seed, so that a run that is stopped early has compared all systems.
    for seed in range(plan.settings.seeds):
        for variant in plan.variants:
            number += 1
            name = f"{variant.label}, seed {seed} ({number} of {total})"
            known = _fingerprint(plan, variant)
            cell = store.read(variant.id, seed, known)
            if cell is not None:
                tell(f"{name}: finished before")
            elif variant.id in failures:
                continue
            else:
                tell(f"{name}: running")
                try:
                    cell = measure(plan, variant, seed, folder, verbose)
                except _OF_A_SYSTEM as error:
                    if variant.id == "raw" or isinstance(error, OSError):
                        raise
                    failures[variant.id] = f"{type(error).__name__}: {error}"
                    tell(f"{name}: failed: {failures[variant.id]}")
                    continue
                store.write(variant.id, seed, known, cell)
                cell = store.read(variant.id, seed, known)
                tell(f"{name}: {_seconds(cell):.0f} s")
            cells[variant.id, seed] = cell or {}
    return summarize(plan, cells, failures)


def _fingerprint(plan: Plan, variant: Variant) -> str:
    return fingerprint({**plan.of_cell(variant), "backend": keras.backend.backend()})


def _seconds(cell: dict[str, Any] | None) -> float:
    return sum((cell or {}).get("seconds", {}).values())
