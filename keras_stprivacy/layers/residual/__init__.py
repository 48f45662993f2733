"""The sum at the end of a residual branch, with a gradient that is computed once."""

from typing import Any

import keras

if keras.backend.backend() == "jax":
    from keras_stprivacy.layers.residual.jax import with_stored_gradient
else:  # TensorFlow and PyTorch store it

    def with_stored_gradient(tokens: Any) -> Any:  # type: ignore[misc]
        """Tokens as they are."""
        return tokens


def add_residual(tokens: Any, branch: Any) -> Any:
    """`tokens + branch`.

    On JAX and CPUs alone, the gradient of the sum is stored. XLA would compute it again, from all
    layers above, in each kernel that reads it, and a step of twelve layers takes twice as long
    (measured with JAX 0.10; an optimization barrier is taken out before kernels are made). Its
    gradient is a custom one, so `jax.jvp` through it is refused.

    Args:
        tokens: float tensor `(B, n, D)`.
        branch: float tensor `(B, n, D)`.

    Returns:
        `(B, n, D)`.

    Example:

    >>> float(add_residual(keras.ops.ones((1, 1, 1)), keras.ops.ones((1, 1, 1)))[0, 0, 0])
    2.0
    """
    return with_stored_gradient(tokens + branch)


__all__ = ["add_residual"]
