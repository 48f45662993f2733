"""The adversarial step on JAX: a pure function of the state, differentiated by jax.vjp."""

# The methods used here are those of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

import contextlib
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import keras


class AdversarialStep:
    """Gives each player the gradient of its own loss; see `STPrivacy`."""

    no_gradient = staticmethod(contextlib.nullcontext)  # nothing is kept that no gradient needs

    def train_step(self, state: tuple, data: Any) -> tuple[dict[str, Any], tuple]:
        trainable, non_trainable, optimizer, metrics = state
        clip, labels = self.unpack(data)
        first = None
        for players in self.turns():
            order: list[tuple[str, ...]] = []

            def losses(trainable, players=players, order=order, rest=(non_trainable, optimizer)):
                with self._scope(
                    trainable=trainable, non_trainable=rest[0], optimizer=rest[1]
                ) as s:
                    objectives, outputs = self.objectives(players, clip, labels)
                order[:] = [whose for _, whose in objectives]
                return [loss for loss, _ in objectives], (
                    outputs,
                    _current(s, self.non_trainable_variables),
                )

            values, backward, (outputs, non_trainable) = jax.vjp(losses, trainable, has_aux=True)
            place = {id(v): i for i, v in enumerate(self.trainable_variables)}
            variables = self.player_variables()
            with self._scope(trainable=trainable, optimizer=optimizer) as scope:
                for i, whose in enumerate(order):  # one backward pass for each objective
                    seeds = [jnp.full_like(v, float(i == j)) for j, v in enumerate(values)]
                    (gradients,) = backward(seeds)
                    for player in whose:
                        own = [gradients[place[id(v)]] for v in variables[player]]
                        self._apply(player, own, variables[player])
                if first is None:
                    first = outputs
                    self.optimizer.iterations.assign_add(1)
            trainable = _current(scope, self.trainable_variables)
            optimizer = _current(scope, self.optimizer.variables)
        with self._scope(non_trainable=non_trainable, metrics=metrics) as scope:
            logs = self.update_metrics(clip, labels, first)
        metrics = _current(scope, self.metrics_variables)
        return logs, (trainable, non_trainable, optimizer, metrics)

    def _apply(self, player: str, gradients: list, variables: list) -> None:
        """As `PlayerOptimizer.apply_player`, for optimizers that assign under a condition too."""
        part = self.optimizer.parts[player]
        values = [v.value for v in variables]
        state = [v.value for v in part.variables]
        values, state = part.stateless_apply(state, gradients, values)
        for variable, value in zip([*variables, *part.variables], [*values, *state], strict=True):
            variable.assign(value)

    def _scope(self, **values: Iterable) -> keras.StatelessScope:
        """A scope in which the variables of the named kinds have these values."""
        of_kind = {
            "trainable": self.trainable_variables,
            "non_trainable": self.non_trainable_variables,
            "optimizer": self.optimizer.variables,
            "metrics": self.metrics_variables,
        }
        mapping = [
            pair for kind, new in values.items() for pair in zip(of_kind[kind], new, strict=True)
        ]
        return keras.StatelessScope(state_mapping=mapping)


def _current(scope: keras.StatelessScope, variables: Iterable) -> list:
    values = ((v, scope.get_current_value(v)) for v in variables)
    return [v.value if value is None else value for v, value in values]
