"""Feeding on TensorFlow: a dataset that nothing tunes and that holds nothing after `fit`."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf


class _Source:
    """Batches that can be let go of, however long something holds this object."""

    def __init__(self, batches: Iterator[tuple[Any, Any]]) -> None:
        self.batches = batches

    def __iter__(self) -> "_Source":
        return self

    def __next__(self) -> tuple[Any, Any]:
        return next(self.batches)


@contextlib.contextmanager
def fed(batches: Iterator[tuple[Any, Any]]) -> Iterator[Any]:
    """Gives what `keras.Model.fit` reads these batches from, without waiting at its end.

    Keras would make a dataset of a generator that tf.data tunes while it is read. When `fit` lets
    go of it, the thread that tunes is told to end, but goes back to sleep if it looks too early:
    then `fit` returns when it wakes up, after as much as a minute. So the dataset is made here,
    untuned. Order and values of the batches are the same.

    TensorFlow's default graph holds the function of such a dataset for ever, and with it the
    generator and all that it refers to, such as a model. So the batches are let go of at the end.

    Args:
        batches: a generator of `(inputs, targets)`, each array as the first but for the length of
            the first axis. `fit` needs `shuffle=False` beside them.

    Yields:
        A `tf.data.Dataset`, to be read once and inside of the context.
    """
    first = next(batches)
    source = _Source(itertools.chain([first], batches))

    def kind(array: Any) -> Any:
        return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

    dataset = tf.data.Dataset.from_generator(
        lambda: source, output_signature=keras.tree.map_structure(kind, first)
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    try:
        yield dataset.prefetch(1).with_options(options)
    finally:
        source.batches = iter(())
