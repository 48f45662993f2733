"""What attackers are told of a system: the shape of its clips, never how large it is itself."""

from __future__ import annotations

import types
from typing import Any

from keras_stprivacy.baselines import System
from keras_stprivacy.evaluation.attackers.transformer_arguments import (
    layers_of,
    transformer_arguments,
)


def attacked_shape(system: System) -> Any:
    """A target for attackers, who get the same width, heads and depth whatever the system is.

    Args:
        system: that gives out the clips.

    Returns:
        An object with the system's `clip_shape` and, where it drops tubelets, its `grid_shape` and
        `num_kept`.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> shape = attacked_shape(build("stprivacy", preset="embedded", hidden_dim=24))
    >>> shape.grid_shape, transformer_arguments(None, shape)["hidden_dim"]
    ((4, 4, 4), 72)
    """
    names = ("clip_shape", "grid_shape", "num_kept")
    told = {name: getattr(system, name) for name in names if hasattr(system, name)}
    return types.SimpleNamespace(**told)


def of_another_size(system: System) -> bool:
    """Whether what a system says of its own size is not the size of its attackers.

    Args:
        system: that gives out the clips.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> of_another_size(build("stprivacy", preset="embedded"))
    False
    >>> of_another_size(build("stprivacy", preset="embedded", num_heads=2))
    True
    """
    names = ("hidden_dim", "num_heads", "mlp_ratio")
    own = {name: getattr(system, name) for name in names if hasattr(system, name)}
    try:
        attackers = transformer_arguments(None, attacked_shape(system))
    except ValueError:  # no video transformer reads such clips
        return False
    return any(attackers[name] != value for name, value in {**own, **layers_of(system)}.items())
