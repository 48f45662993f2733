"""What must hold of a record, checked where tf.data reads it."""

from typing import Any

import tensorflow as tf


def record_check(condition: tf.Tensor, template: str, values: tuple[Any, ...]) -> tf.Operation:
    """An assertion whose message is filled in only when it fails.

    Args:
        condition: bool, what must hold.
        template: the message, with `{}` for every value.
        values: of the message: name of the shard, index of the record, and more.

    Returns:
        What to depend on. Fails with `tf.errors.InvalidArgumentError`.
    """
    return tf.debugging.Assert(condition, [tf.strings.format(template, values)])
