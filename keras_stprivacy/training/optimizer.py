"""One optimizer for the trainer, made of one for each player."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras

# AdamW decays none of these: biases, scales and offsets of norms, position embeddings.
NO_DECAY = ("bias", "gamma", "beta", "position_embedding")


@keras.saving.register_keras_serializable("keras_stprivacy")
class PlayerOptimizer(keras.optimizers.Optimizer):
    """Holds an optimizer for each player and applies each to that player's variables alone.

    The trainers of Keras thread `optimizer.variables` through a step: here those of all parts. A
    player whose turn it is not keeps its variables and its moments bit for bit.

    Args:
        parts: optimizers by the name of the player.

    Example:

    >>> optimizer = PlayerOptimizer({"anonymizer": keras.optimizers.AdamW(1e-4)})
    >>> round(float(optimizer.learning_rate), 6)
    0.0001
    """

    def __init__(
        self, parts: Mapping[str, keras.optimizers.Optimizer], name: str = "player_optimizer"
    ) -> None:
        super().__init__(learning_rate=0.0, name=name)
        self.parts = dict(parts)

    def build_parts(self, variables: Mapping[str, list]) -> None:
        """Builds every part for its player's variables; see `leave_undecayed`."""
        for player, part in self.parts.items():
            leave_undecayed(part)
            if not part.built:
                part.build(variables[player])
        self.built = True

    def build(self, variables: list) -> None:
        if not self.built:
            raise ValueError(
                "a PlayerOptimizer is built for each player apart: call build_parts, as "
                "STPrivacy.compile does."
            )

    @property
    def variables(self) -> list:
        return [*self._variables, *(v for part in self.parts.values() for v in part.variables)]

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the first part; setting it scales all parts by the same factor."""
        return next(iter(self.parts.values())).learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        before = float(keras.ops.convert_to_numpy(self.learning_rate))
        if before == 0:
            raise ValueError(
                "the learning rates of the players cannot be scaled from 0. Set them one by one: "
                "optimizer.parts[player].learning_rate = value"
            )
        for part in self.parts.values():
            part.learning_rate = part.learning_rate * (float(value) / before)

    def apply_player(self, player: str, gradients: list, variables: list) -> None:
        """Applies gradients to the variables of one player.

        Args:
            player: a key of `parts`.
            gradients: one for each variable.
            variables: the player's trainable variables, as in `build_parts`.
        """
        self.parts[player].apply(gradients, variables)

    def finalize_variable_values(self, var_list: list) -> None:
        """At the end of training, parts with moving averages write them into their variables."""
        for part in self.parts.values():
            part.finalize_variable_values(
                getattr(part, "inner_optimizer", part)._trainable_variables
            )

    def restart(self, player: str) -> None:
        """Forgets the moments of one player, and its steps, which correct them.

        A learning rate that is a number stays; a `LearningRateSchedule` counts these steps, and
        begins anew.
        """
        part = self.parts[player]
        inner = getattr(part, "inner_optimizer", part)
        for variable in inner.variables:
            if variable is not inner._learning_rate:
                variable.assign(keras.ops.zeros(variable.shape, variable.dtype))

    def scale_player_loss(self, player: str, loss: Any) -> Any:
        """The loss as this player's optimizer wants it differentiated (float16 scales it)."""
        return self.parts[player].scale_loss(loss)

    def get_config(self) -> dict[str, Any]:
        parts = {
            player: keras.saving.serialize_keras_object(part) for player, part in self.parts.items()
        }
        return {"name": self.name, "parts": parts}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> PlayerOptimizer:
        parts = {
            player: keras.saving.deserialize_keras_object(part, custom_objects=custom_objects)
            for player, part in config["parts"].items()
        }
        return cls(parts, name=config["name"])


def leave_undecayed(optimizer: keras.optimizers.Optimizer) -> None:
    """Excludes norms, biases and position embeddings from the decay of a new optimizer.

    Where its user has called `exclude_from_weight_decay`, it stays as it is.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.weight_decay and not inner.built and not _exclusions(inner):
        inner.exclude_from_weight_decay(var_names=list(NO_DECAY))


def undecayed(optimizer: keras.optimizers.Optimizer) -> list[int] | None:
    """Places, among its variables, of those that a built optimizer leaves undecayed.

    None: it decays nothing. Keras keeps neither names nor variables in an optimizer's config.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not inner.weight_decay:
        return None
    variables = inner._trainable_variables
    return [i for i, variable in enumerate(variables) if not inner._use_weight_decay(variable)]


def set_undecayed(
    optimizer: keras.optimizers.Optimizer, variables: list, places: list[int] | None
) -> None:
    """Gives a new optimizer for `variables` what `undecayed` has said of another."""
    if places is not None:
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        inner.exclude_from_weight_decay(var_list=[variables[place] for place in places])


def copy_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """A new optimizer of the same configuration, which decays the same variables."""
    copy = type(optimizer).from_config(optimizer.get_config())
    inner, of_copy = (getattr(each, "inner_optimizer", each) for each in (optimizer, copy))
    for name, value in _exclusions(inner).items():
        setattr(of_copy, name, value)
    return copy


def _exclusions(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """What `exclude_from_weight_decay` has left in an optimizer: nothing before it is called."""
    names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    return {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}


def loss_scaled(
    optimizer: keras.optimizers.Optimizer, networks: Iterable[keras.Model]
) -> keras.optimizers.Optimizer:
    """The optimizer as the networks need it: with a scale of the loss where one is of float16.

    Keras itself looks at the policy of the model that is compiled alone.
    """
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if scales or not any(network.compute_dtype == "float16" for network in networks):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)
