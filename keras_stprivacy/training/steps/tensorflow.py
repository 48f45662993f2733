"""The adversarial step on TensorFlow: gradient tapes."""

# The methods used here are those of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

import contextlib
from typing import Any

import tensorflow as tf


class AdversarialStep:
    """Gives each player the gradient of its own loss; see `STPrivacy`."""

    no_gradient = staticmethod(contextlib.nullcontext)  # nothing is kept that no gradient needs

    def train_step(self, data: Any) -> dict[str, Any]:
        clip, labels = self.unpack(data)
        first = None
        for players in self.turns():
            with tf.GradientTape(persistent=self.num_objectives(players) > 1) as tape:
                objectives, outputs = self.objectives(players, clip, labels)
            variables = self.player_variables()
            gradients = {}
            for loss, whose in objectives:  # one backward pass for each objective
                wanted = {player: [v.value for v in variables[player]] for player in whose}
                gradients.update(tape.gradient(loss, wanted))
            del tape
            for player in players:
                self.optimizer.apply_player(player, gradients[player], variables[player])
            first = outputs if first is None else first
        self.optimizer.iterations.assign_add(1)
        return self.update_metrics(clip, labels, first)
