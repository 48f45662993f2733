"""Datasets that are opened again, from their beginning or with other options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any


class Reopened:
    """A dataset that can be opened anew, so that its draws begin again.

    Every pass over a shuffled dataset has draws of its own. A cell must get the same ones whether
    or not others were measured before it in the same process, and in another process too: what is
    sent there is how to open it.

    Args:
        make: opens the dataset.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.dataset = make()

    def restart(self) -> None:
        """Opens the dataset anew."""
        self.dataset = self.make()

    def with_options(self, **options: Any) -> Reopened:
        """The same dataset, opened with other options."""
        return Reopened(functools.partial(self.make, **options))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.dataset)

    def __reduce__(self) -> tuple[Any, ...]:
        return Reopened, (self.make,)


def restart(split: Any) -> None:
    """Lets the draws of a split begin again, where it has any."""
    if hasattr(split, "restart"):
        split.restart()


def with_options(split: Any, **options: Any) -> Any:
    """A split whose dataset is opened with other options; of one in memory, the same."""
    return split.with_options(**options) if hasattr(split, "with_options") else split


class MappedBatches:
    """Batches that are changed as they are read; can be read again and again.

    Args:
        batches: an iterable of `(clips, labels)`.
        change: from clips and labels to both, or to None where nothing of a batch is left.

    Example:

    >>> twice = MappedBatches([(1, {})], lambda clips, labels: (2 * clips, labels))
    >>> list(twice), list(twice)
    ([(2, {})], [(2, {})])
    """

    def __init__(self, batches: Any, change: Any) -> None:
        self.batches = batches
        self.change = change

    def restart(self) -> None:
        """Lets the draws of what is changed begin again."""
        restart(self.batches)

    def with_options(self, **options: Any) -> MappedBatches:
        """The same changes of a dataset that is opened with other options."""
        return MappedBatches(with_options(self.batches, **options), self.change)

    def __iter__(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        for clips, labels in self.batches:
            changed = self.change(clips, labels)
            if changed is not None:
                yield changed
