"""JAX: arrays have values, tracers have none."""

import math
from typing import Any

import jax
import jax.numpy as jnp


def lowest_and_highest(values: Any) -> tuple[float, float] | None:
    """The lowest and the highest value of a tensor.

    Args:
        values: anything; read are arrays of real numbers that stand in this process, which no
            transformation traces.

    Returns:
        Both, NaN if any value is NaN or infinite; None if there is nothing to read.
    """
    if isinstance(values, jax.core.Tracer) or not isinstance(values, jax.Array):
        return None
    if not values.size or not values.is_fully_addressable:
        return None
    with jax.ensure_compile_time_eval():  # the call may stand in a function that is traced
        ends = (jnp.isfinite(values).all(), jnp.min(values), jnp.max(values))
        finite, low, high = jax.device_get(ends)
    if not finite:  # on CPUs, minimum and maximum of long arrays pass NaN over
        return math.nan, math.nan
    return float(low), float(high)
