"""The adversarial step on PyTorch: torch.autograd.grad."""

# The methods used here are those of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

from typing import Any

import torch


class AdversarialStep:
    """Gives each player the gradient of its own loss; see `STPrivacy`."""

    no_gradient = staticmethod(torch.no_grad)

    def train_step(self, data: Any) -> dict[str, Any]:
        clip, labels = self.unpack(data)
        first = None
        for players in self.turns():
            objectives, outputs = self.objectives(players, clip, labels)
            variables = self.player_variables()
            gradients: dict[str, list] = {player: [] for player in players}
            # Of a player that is not trainable there is nothing to differentiate by.
            moving = [(loss, whose) for loss, whose in objectives if any(map(variables.get, whose))]
            for i, (loss, whose) in enumerate(moving):  # one backward pass for each objective
                wanted = [v.value for player in whose for v in variables[player]]
                found = list(torch.autograd.grad(loss, wanted, retain_graph=i + 1 < len(moving)))
                for player in whose:
                    count = len(variables[player])
                    gradients[player], found = found[:count], found[count:]
            with torch.no_grad():
                for player in players:
                    self.optimizer.apply_player(player, gradients[player], variables[player])
            first = outputs if first is None else first
        with torch.no_grad():
            self.optimizer.iterations.assign_add(1)
            return self.update_metrics(clip, labels, first)
