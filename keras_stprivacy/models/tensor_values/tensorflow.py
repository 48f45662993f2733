"""TensorFlow: eager tensors have values, those of a graph have none."""

import math
from typing import Any

import tensorflow as tf


def lowest_and_highest(values: Any) -> tuple[float, float] | None:
    """The lowest and the highest value of a tensor.

    Args:
        values: anything; read are eager tensors of real numbers, outside of `tf.function`.

    Returns:
        Both, NaN if any value is NaN or infinite; None if there is nothing to read.
    """
    if not tf.executing_eagerly() or not isinstance(values, tf.Tensor) or not tf.size(values):
        return None
    values = tf.cast(values, tf.float32)
    if not tf.reduce_all(tf.math.is_finite(values)):  # the reductions below may pass NaN over
        return math.nan, math.nan
    return float(tf.reduce_min(values)), float(tf.reduce_max(values))
