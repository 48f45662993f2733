"""Numbers that a training keeps beside its weights."""

from typing import Any


def add_state(layer: Any, initializer: Any, name: str, shape: tuple[int, ...] = ()) -> Any:
    """Adds a variable that no gradient moves, in float32 under every dtype policy.

    Half precision cannot count to 257, and an average that moves by less than it holds stands
    still.

    Args:
        layer: layer or model that it is added to.
        initializer: of its values.
        name: of the variable.
        shape: of the variable.

    Returns:
        The `keras.Variable`.
    """
    return layer.add_weight(
        shape=shape,
        initializer=initializer,
        trainable=False,
        autocast=False,
        dtype="float32",
        name=name,
    )
