"""Collective: frames restyled as noise, as far as a frozen action network lets it."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.baselines.action_network import accuracy, action_network
from keras_stprivacy.baselines.learning_system import LearningSystem, per_frame
from keras_stprivacy.baselines.losses import content_loss, gram_matrix, style_loss
from keras_stprivacy.baselines.networks.collective_network import CollectiveNetwork
from keras_stprivacy.baselines.training_data import TrainingData
from keras_stprivacy.baselines.turn import Turn
from keras_stprivacy.training.players import action_loss


@dataclasses.dataclass(kw_only=True, eq=False)
class Collective(LearningSystem):
    """Zhang et al., "Preventing Sensitive Information Leakage from Mobile Sensor Signals" (2019).

    Style transfer on sensor data, ported to frames (reading). An action network is trained on raw
    clips and frozen. A small network per frame then minimises 0.35 content (mean squared distance
    at the action network's 2nd block) + 0.55 style (mean squared difference of Gram matrices to
    those of a fixed sample of uniform noise, 1st and 2nd block; the mean is a reading: summed, it
    outweighs all else and the action is lost) + 0.1 cross-entropy of the action. It knows no
    private attribute, and looks at no validation data.

    Args:
        width: of the transform network.
        content_weight: of the content loss.
        style_weight: of the style loss.
        task_weight: of the cross-entropy.
        epochs: of the transform network.
        learning_rate: Adam's, of the transform network.
        action_network: which, see `keras_stprivacy.baselines.action_network` (reading).
        action_width: its width.
        action_epochs: how long it is trained on raw clips (reading).
        action_learning_rate: Adam's, of the action network (reading).
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> system = build("collective", preset="embedded", epochs=1)
    >>> system.needs_privacy, system.style_weight
    (False, 0.55)
    """

    width: float = 1.0
    content_weight: float = 0.35
    style_weight: float = 0.55
    task_weight: float = 0.1
    epochs: int = 10
    learning_rate: float = 1e-3
    action_network: str = "r3d18"
    action_width: float = 1.0
    action_epochs: int = 30
    action_learning_rate: float = 1e-3

    name = "collective"
    needs_privacy = False
    embedded = {"action_width": 0.25, "action_epochs": 2, "epochs": 2}

    def _train(self, data: TrainingData, validation: TrainingData | None) -> keras.Model:
        action = action_network(
            self.action_network, data.num_actions, self.clip_shape, self.action_width, self.seed
        )
        self._epochs("action", self.action_epochs, data, self._action_turn(action).update)
        transform = CollectiveNetwork(self.image_size, self.width)
        self._epochs("transform", self.epochs, data, self._turn(transform, action).update)
        return transform

    def _action_turn(self, action: keras.Model) -> Turn:
        def losses(clips: Any, labels: Any) -> tuple[list, dict]:
            logits = action(clips, training=True)
            loss = action_loss(labels["action"], logits)
            return [loss], {"loss": loss, "accuracy": accuracy(labels["action"], logits)}

        adam = self._adam(self.action_learning_rate)
        return Turn({"action": action}, [("action",)], losses, {"action": adam})

    def _turn(self, transform: keras.Model, action: keras.Model) -> Turn:
        seen = keras.Model(
            action.input,
            [action.get_layer(f"stage_{i}").output for i in (1, 2)] + [action.output],
        )
        noise = np.random.default_rng(self.seed).random((1, *self.clip_shape)).astype("float32")
        targets = [
            ops.convert_to_numpy(gram_matrix(_frames(x))) for x in seen(noise, training=False)[:2]
        ]

        def losses(clips: Any, labels: Any) -> tuple[list, dict]:
            made = per_frame(transform, clips, training=True)
            *blocks, logits = seen(made, training=False)
            # The noise is a clip: frame t is compared with its frame t.
            style = style_loss(
                [_frames(block) for block in blocks],
                [ops.tile(target, (ops.shape(clips)[0], 1, 1)) for target in targets],
            )
            content = content_loss(blocks[1], ops.stop_gradient(seen(clips, training=False)[1]))
            task = action_loss(labels["action"], logits)
            total = (
                self.content_weight * content + self.style_weight * style + self.task_weight * task
            )
            return [total], {
                "loss": total,
                "content_loss": content,
                "style_loss": style,
                "task_loss": task,
                "accuracy": accuracy(labels["action"], logits),
            }

        networks = {"transform": transform, "action": action}
        adam = self._adam(self.learning_rate)
        return Turn(networks, [("transform",)], losses, {"transform": adam})


def _frames(features: Any) -> Any:
    """Features (B, T, H, W, C) as (B·T, H, W, C)."""
    return ops.reshape(features, (-1, *features.shape[2:]))
