"""JAX's side of it: a gradient that no kernel computes again."""

from typing import Any

import jax
import jax.numpy as jnp


@jax.custom_vjp
def with_stored_gradient(tokens: Any) -> Any:
    """Tokens as they are; on CPUs their gradient is stored."""
    return tokens


def _forward(tokens: Any) -> tuple[Any, None]:
    return tokens, None


def _backward(_: None, gradient: Any) -> tuple[Any]:
    return (jax.lax.platform_dependent(gradient, cpu=_stored, default=lambda array: array),)


def _stored(array: Any) -> Any:
    # No kernel reaches across a condition. Here both ways lead to the same: a gradient with a
    # NaN makes every weight NaN.
    broken = jnp.isnan(jnp.ravel(array)[:1]).any()
    return jax.lax.cond(broken, lambda a: a * jnp.nan, lambda a: a, array)


with_stored_gradient.defvjp(_forward, _backward)
