"""One kind of update in an adversarial loop: which players move, on which losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_stprivacy.training.optimizer import PlayerOptimizer
from keras_stprivacy.training.steps import AdversarialStep

Losses = Callable[[Any, dict[str, Any]], tuple[Sequence[Any], dict[str, Any]]]


class Turn(AdversarialStep, keras.Model):
    """Updates some players on a batch; the others stay bit for bit.

    A loop of several kinds of update is several turns over the same networks. A player that moves
    in more than one of them has one optimizer, which both hold. Where such an optimizer scales the
    loss (float16), each player has a backward pass of its own, at its own scale.

    Args:
        networks: all networks that the losses run, by the name of the player; those that are not
            in `optimizers` stand still.
        groups: players that share a loss, one group for each loss.
        losses: from clips and labels to a sequence with a scalar for each group, and a dict of
            scalars to log.
        optimizers: by the name of the player; each for the variables of its network alone.

    Example:

    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> losses = lambda x, labels: ([ops.mean(network(x) ** 2)], {})
    >>> turn = Turn({"network": network}, [("network",)], losses,
    ...             {"network": keras.optimizers.SGD(0.1)})
    >>> turn.update(np.ones((2, 1), "float32"), {"action": np.zeros(2, "int32")})
    {}
    """

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        groups: Sequence[Sequence[str]],
        losses: Losses,
        optimizers: Mapping[str, keras.optimizers.Optimizer],
    ) -> None:
        super().__init__(name="turn")
        self.names = tuple(networks)
        self.networks = list(networks.values())  # tracked, so that JAX threads their state
        self.groups = tuple(tuple(group) for group in groups)
        self.losses_of = losses
        players = tuple(player for group in self.groups for player in group)
        optimizer = PlayerOptimizer({player: optimizers[player] for player in players})
        optimizer.build_parts(self.player_variables())
        self.built = True
        # XLA compiles longer than it saves here; JAX is nothing without it.
        jit = keras.backend.backend() == "jax"
        self.compile(optimizer=optimizer, jit_compile=jit, auto_scale_loss=False)

    def update(self, clips: Any, labels: dict[str, Any]) -> dict[str, float]:
        """One update of all players of this turn on one batch.

        Args:
            clips: (B, T, H, W, 3).
            labels: arrays of B rows.

        Returns:
            What `losses` logged.

        Raises:
            FloatingPointError: if one of it is not finite.
        """
        logs = self.train_on_batch(clips, labels, return_dict=True)
        values = {name: float(value) for name, value in logs.items()}
        bad = [name for name, value in values.items() if not abs(value) < float("inf")]
        if bad:
            raise FloatingPointError(
                f"training has values that are not finite: {', '.join(bad)}. The usual causes: a "
                "learning rate that is too high, or a label outside the classes."
            )
        return values

    # What the step of each backend asks for -------------------------------------------------------

    def turns(self) -> list[tuple[str, ...]]:
        return [tuple(player for group in self.groups for player in group)]

    def num_objectives(self, players: tuple[str, ...]) -> int:
        return len(players) if self._scaled() else len(self.groups)

    def player_variables(self) -> dict[str, list]:
        return {
            name: network.trainable_variables
            for name, network in zip(self.names, self.networks, strict=True)
        }

    def objectives(
        self, players: tuple[str, ...], clip: Any, labels: dict[str, Any]
    ) -> tuple[list[tuple[Any, tuple[str, ...]]], dict[str, Any]]:
        scalars, logs = self.losses_of(clip, labels)
        wanted = list(zip(scalars, self.groups, strict=True))
        if self._scaled():
            scale = self.optimizer.scale_player_loss
            wanted = [(scale(one, loss), (one,)) for loss, group in wanted for one in group]
        return wanted, logs

    def _scaled(self) -> bool:
        parts = self.optimizer.parts.values()
        return any(isinstance(part, keras.optimizers.LossScaleOptimizer) for part in parts)

    def update_metrics(self, clip: Any, labels: Any, outputs: Any) -> dict[str, Any]:
        return {name: ops.stop_gradient(value) for name, value in outputs.items()}

    def unpack(self, data: Any) -> tuple[Any, dict[str, Any]]:
        clip, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return keras.tree.map_structure(ops.convert_to_tensor, (clip, labels))  # arrays on PyTorch

    def build(self, input_shape: Any = None) -> None:
        """The networks were built before."""
