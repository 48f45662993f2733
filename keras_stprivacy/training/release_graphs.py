"""Gives back what TensorFlow keeps of networks that are trained and no longer used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any


def release_graphs() -> None:
    """Lets the garbage collector have the graphs of finished trainings (TensorFlow; else nothing).

    A Keras optimizer sums gradients over replicas, of which there may be one. TensorFlow registers
    how to differentiate that sum under a name of its own, for ever, and with it the whole graph of
    the training: the network, its optimizer, whatever the data pipeline holds. Many trainings in
    one process, such as those of a benchmark, fill the memory so. Nobody differentiates an update
    of weights, so these names are removed here. Registered gradients of anything else stay.

    Example:

    >>> release_graphs()
    """
    ops = sys.modules.get("tensorflow.python.framework.ops")
    known = getattr(getattr(ops, "gradient_registry", None), "_registry", None)
    if not isinstance(known, dict):  # another backend, or a TensorFlow that keeps them elsewhere
        return
    for name in [name for name, entry in known.items() if _of_a_sum_over_replicas(name, entry)]:
        del known[name]


def _of_a_sum_over_replicas(name: str, entry: Any) -> bool:
    if not name.startswith("CustomGradient-"):
        return False
    found = [value for value in entry.values() if callable(value)]
    return any(
        "ReplicaContext" in inner.__qualname__ and "all_reduce" in inner.__qualname__
        for function in found
        for outer in _functions_in(function)
        for inner in _functions_in(outer)
    )


def _functions_in(function: Callable) -> Iterator[Callable]:
    """The functions that a function has from where it was made."""
    for cell in getattr(function, "__closure__", None) or ():
        if callable(cell.cell_contents) and hasattr(cell.cell_contents, "__qualname__"):
            yield cell.cell_contents
