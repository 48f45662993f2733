"""VITA: a transform network against an ensemble of privacy models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.baselines.action_network import accuracy, action_network
from keras_stprivacy.baselines.downloaded import downloaded
from keras_stprivacy.baselines.learning_system import LearningSystem, per_frame
from keras_stprivacy.baselines.networks.frame_classifier import FrameClassifier
from keras_stprivacy.baselines.networks.transform_network import TransformNetwork
from keras_stprivacy.baselines.training_data import Batch, TrainingData
from keras_stprivacy.baselines.turn import Turn
from keras_stprivacy.baselines.vita_pretraining import pretraining_turn
from keras_stprivacy.losses import worst_negative_entropy
from keras_stprivacy.training.players import action_loss, privacy_loss

OBJECTIVES = ("entropy", "reversal")
PRETRAININGS = ("auto", "vgg19", "l1")
TRANSFORM, ACTION = "transform", "action"


@dataclasses.dataclass(kw_only=True, eq=False)
class VITA(LearningSystem):
    """Wu et al., "Privacy-Preserving Deep Action Recognition" (TPAMI 2020).

    A transform network per frame, an action network, and an ensemble of image networks that read
    the private attributes of every frame. The transform network is pretrained to give back what it
    sees, the others on what it makes. Then, `steps` times: one update of the transform network on
    `L_action + privacy_weight · (worst of the ensemble's negative entropies)`; while the accuracy
    is below `accuracy_floor`, updates of action and transform network on `L_action`;
    `privacy_updates` of the ensemble. Every `restart_every` steps the ensemble starts anew.

    Readings: the entropy of several attributes is the sum of the binary ones; the logits of a clip
    are the mean of its frames'; accuracy is that of `monitor_batches` validation batches (training
    batches where no validation data is given), and where clips show several actions the share whose
    likeliest action is one of theirs; the floor is left alone after `monitor_updates`.

    Args:
        objective: `"entropy"`, or `"reversal"`: the transform network minimises
            `L_action - reversal_weight · mean L_privacy`.
        width: of the transform network.
        num_blocks: residual blocks of the transform network.
        action_network: which, see `keras_stprivacy.baselines.action_network`.
        action_width: its width.
        privacy_networks: kind and width of each model of the ensemble, see `image_backbone`.
        privacy_weights: None: from scratch; `"imagenet"`: as Keras downloads them.
        pretraining: `"vgg19"`: content loss at relu4_2 (x 7.5) + total variation (x 200); `"l1"`:
            the mean absolute distance (reading); `"auto"`: VGG19 where Keras has its weights or
            can download them, else L1, which is logged and stands in `notes`.
        vgg_weights: `"imagenet"`, or a file of VGG19 weights without the top, as Keras has them.
        pretraining_steps: of the transform network (reading).
        pretraining_learning_rate: Adam's, of the transform network.
        action_pretraining_steps: of the action network.
        privacy_pretraining_steps: of the ensemble.
        opponent_learning_rate: Adam's, in these two (reading).
        steps: of the loop.
        privacy_weight: of the negative entropy.
        reversal_weight: λ of the gradient reversal.
        accuracy_floor: see above.
        monitor_batches: see above (reading).
        monitor_updates: at most so many in a step of the loop (reading).
        privacy_updates: of the ensemble, in a step of the loop.
        restart_every: steps between two restarts of the ensemble, or None.
        restart_steps: updates of a fresh ensemble before the loop goes on.
        learning_rate: Adam's, of the transform network in the loop.
        action_learning_rate: Adam's, of the action network in the loop.
        privacy_learning_rate: Adam's, of the ensemble in the loop.
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Attributes:
        pretrained_by: `"vgg19"` or `"l1"`; None before `fit`, and without a pretraining.
        notes: what a reader of its numbers must know, in plain words.

    Raises:
        ValueError: for unknown objectives, pretrainings or networks, an empty ensemble; by `fit`,
            for weights that are not to be had.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> system = build("vita", preset="embedded", steps=50, restart_every=None)
    >>> system.action_network, len(system.privacy_networks)
    ('r3d18', 2)
    """

    objective: str = "entropy"
    width: float = 1.0
    num_blocks: int = 5
    action_network: str = "c3d"
    action_width: float = 1.0
    privacy_networks: tuple[tuple[str, float], ...] = (
        ("resnet50", 1.0),
        ("resnet50_v2", 1.0),
        ("mobilenet", 1.0),
        ("mobilenet", 0.75),
    )
    privacy_weights: str | None = None
    pretraining: str = "auto"
    vgg_weights: str = "imagenet"
    pretraining_steps: int = 500
    pretraining_learning_rate: float = 1e-3
    action_pretraining_steps: int = 500
    privacy_pretraining_steps: int = 1000
    opponent_learning_rate: float = 1e-4
    steps: int = 800
    privacy_weight: float = 0.5
    reversal_weight: float = 1.0
    accuracy_floor: float = 0.7
    monitor_batches: int = 1
    monitor_updates: int = 10
    privacy_updates: int = 5
    restart_every: int | None = 200
    restart_steps: int = 200
    learning_rate: float = 1e-4
    action_learning_rate: float = 1e-5
    privacy_learning_rate: float = 1e-4

    name = "vita"
    uses_validation = True
    embedded = {
        "batch_size": 16,
        "width": 0.25,
        "num_blocks": 2,
        "action_network": "r3d18",
        "action_width": 0.25,
        "privacy_networks": (("small_resnet", 0.5), ("small_resnet_v2", 0.5)),
        "pretraining": "l1",
        "pretraining_steps": 150,
        "action_pretraining_steps": 300,
        "privacy_pretraining_steps": 150,
        "opponent_learning_rate": 1e-3,
        "steps": 240,
        "restart_every": 80,
        "restart_steps": 40,
        "privacy_updates": 2,
        "monitor_updates": 1,
        "learning_rate": 1e-3,
        "action_learning_rate": 5e-4,
        "privacy_learning_rate": 1e-3,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for setting, known in (("objective", OBJECTIVES), ("pretraining", PRETRAININGS)):
            if getattr(self, setting) not in known:
                raise ValueError(
                    f"{setting} must be one of {known}. Received: "
                    f"{setting}={getattr(self, setting)!r}"
                )
        self.privacy_networks = tuple((kind, float(width)) for kind, width in self.privacy_networks)
        if not self.privacy_networks:
            raise ValueError(
                "privacy_networks needs at least one (kind, width). Received: an empty ensemble"
            )
        if self.monitor_batches < 1:
            raise ValueError(
                f"monitor_batches must be at least 1. Received: {self.monitor_batches}"
            )

    @property
    def pretrained_by(self) -> str | None:
        """By what the transform network was pretrained; a file of the system knows it too."""
        by = {"pretraining/content_loss": "vgg19", "pretraining/reconstruction_loss": "l1"}
        return next((kind for measured, kind in by.items() if measured in self.history), None)

    @property
    def notes(self) -> list[str]:
        """What a reader of its numbers must know, in plain words."""
        if self.pretraining != "auto" or self.pretrained_by != "l1":
            return []
        return [
            "the weights of VGG19 could not be had, so that the transform network "
            "was pretrained by L1 reconstruction in place of the perceptual loss"
        ]

    def _train(self, data: TrainingData, validation: TrainingData | None) -> keras.Model:
        if validation is not None:
            next(validation.epoch(shuffle=False))  # says what does not fit before hours of training
        transform = TransformNetwork(self.image_size, self.width, self.num_blocks)
        action = action_network(
            self.action_network, data.num_actions, self.clip_shape, self.action_width, self.seed
        )
        ensemble = self._new_ensemble(data)
        batches = data.endless()
        if self.pretraining_steps:
            pretraining = pretraining_turn(
                transform,
                self.pretraining,
                self.vgg_weights,
                self._adam(self.pretraining_learning_rate),
            )
            self._steps("pretraining", self.pretraining_steps, batches, pretraining.update)
        networks = {TRANSFORM: transform, ACTION: action, **ensemble}
        rate = self.opponent_learning_rate
        alone = self._turn(networks, (ACTION,), {ACTION: self._adam(rate)})
        self._steps("action", self.action_pretraining_steps, batches, alone.update)
        readers = self._turn(
            networks, tuple(ensemble), {name: self._adam(rate) for name in ensemble}
        )
        self._steps("privacy", self.privacy_pretraining_steps, batches, readers.update)
        self._loop(networks, data, batches, (validation or data).endless())
        return transform

    def _new_ensemble(self, data: TrainingData) -> dict[str, keras.Model]:
        with downloaded("privacy_weights", self.privacy_weights):
            return {
                f"privacy_{i + 1}": FrameClassifier(
                    data.num_attributes or 0, self.clip_shape, kind, width, self.privacy_weights
                )
                for i, (kind, width) in enumerate(self.privacy_networks)
            }

    def _loop(
        self,
        networks: dict[str, keras.Model],
        data: TrainingData,
        batches: Iterator[Batch],
        held_out: Iterator[Batch],
    ) -> None:
        names = tuple(name for name in networks if name not in (TRANSFORM, ACTION))
        adam = {
            TRANSFORM: self._adam(self.learning_rate),
            ACTION: self._adam(self.action_learning_rate),
            **{name: self._adam(self.privacy_learning_rate) for name in names},
        }
        adversarial = self._turn(networks, (TRANSFORM,), adam)
        monitor = self._turn(networks, (TRANSFORM, ACTION), adam)
        readers = self._turn(networks, names, adam)
        measured = _Accuracy(networks[TRANSFORM], networks[ACTION])

        def mean_accuracy() -> float:
            each = [measured.of(*next(held_out)) for _ in range(self.monitor_batches)]
            return float(np.mean(each))

        done = 0

        def step(clips: np.ndarray, labels: dict[str, Any]) -> dict[str, float]:
            nonlocal done
            logs = adversarial.update(clips, labels)
            logs["accuracy"] = mean_accuracy()
            logs["monitor_updates"] = 0.0
            while (
                logs["accuracy"] < self.accuracy_floor
                and logs["monitor_updates"] < self.monitor_updates
            ):
                monitor.update(*next(batches))
                logs["monitor_updates"] += 1.0
                logs["accuracy"] = mean_accuracy()
            for _ in range(self.privacy_updates):
                logs.update(readers.update(*next(batches)))
            done += 1
            if self.restart_every and done % self.restart_every == 0 and done < self.steps:
                fresh = self._new_ensemble(data)
                for name in names:
                    networks[name].set_weights(fresh[name].get_weights())
                    readers.optimizer.restart(name)
                self._steps("restart", self.restart_steps, batches, readers.update)
            return logs

        self._steps("loop", self.steps, batches, step)

    def _turn(
        self, networks: dict[str, keras.Model], players: tuple[str, ...], optimizers: dict
    ) -> Turn:
        """An update of the transform network (adversarial), of it and the action network or of the
        action network alone (on the action), or of the ensemble (on the private attributes)."""
        ensemble = {n: m for n, m in networks.items() if n not in (TRANSFORM, ACTION)}
        of_ensemble = players[0] in ensemble
        needed = {
            name: network
            for name, network in networks.items()
            if name == TRANSFORM
            or (name == ACTION and not of_ensemble)
            or (name in ensemble and (of_ensemble or players == (TRANSFORM,)))
        }

        def losses(clips: Any, labels: Any) -> tuple[list, dict]:
            made = per_frame(networks[TRANSFORM], clips, training=TRANSFORM in players)
            if TRANSFORM not in players:
                made = ops.stop_gradient(made)
            if of_ensemble:
                each = [
                    privacy_loss(labels["privacy"], network(made, training=True))
                    for network in ensemble.values()
                ]
                return each, {"privacy_loss": sum(each) / len(each)}
            logits = networks[ACTION](made, training=ACTION in players)
            of_action = action_loss(labels["action"], logits)
            logs = {"action_loss": of_action, "batch_accuracy": accuracy(labels["action"], logits)}
            if ACTION in players:
                return [of_action], logs
            read = [network(made, training=False) for network in ensemble.values()]
            if self.objective == "entropy":
                logs["negative_entropy"] = worst_negative_entropy(read)
                return [of_action + self.privacy_weight * logs["negative_entropy"]], logs
            lost = [privacy_loss(labels["privacy"], one) for one in read]
            logs["reversed_loss"] = sum(lost) / len(lost)
            return [of_action - self.reversal_weight * logs["reversed_loss"]], logs

        groups = [(player,) for player in players] if of_ensemble else [players]
        return Turn(needed, groups, losses, {player: optimizers[player] for player in players})


class _Accuracy(keras.Model):
    """How often the action network is right about what the transform network makes."""

    def __init__(self, transform: keras.Model, action: keras.Model) -> None:
        super().__init__(name="accuracy")
        self.transform_network = transform
        self.action_network = action
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, clips: Any) -> Any:
        return self.action_network(per_frame(self.transform_network, clips), training=False)

    def of(self, clips: np.ndarray, labels: dict[str, Any]) -> float:
        logits = np.asarray(self.predict_on_batch(clips))
        return float(accuracy(labels["action"], logits))
