"""Feeding on TensorFlow: a dataset that nothing tunes."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf


def fed(batches: Iterator[tuple[Any, Any]]) -> Any:
    """What `keras.Model.fit` reads these batches from, without waiting at its end.

    Keras would make a dataset of a generator that tf.data tunes while it is read. When `fit` lets
    go of it, the thread that tunes is told to end, but goes back to sleep if it looks too early:
    then `fit` returns when it wakes up, after as much as a minute. So the dataset is made here,
    untuned. Order and values of the batches are the same.

    Args:
        batches: a generator of `(inputs, targets)`, each array as the first but for the length of
            the first axis. `fit` needs `shuffle=False` beside them.

    Returns:
        A `tf.data.Dataset`.
    """
    first = next(batches)

    def one_by_one() -> Iterator[tuple[Any, Any]]:
        return itertools.chain([first], batches)

    def kind(array: Any) -> Any:
        return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

    dataset = tf.data.Dataset.from_generator(
        one_by_one, output_signature=keras.tree.map_structure(kind, first)
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)
