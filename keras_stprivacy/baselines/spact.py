"""SPAct: a UNet against a self-supervised privacy branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.baselines.action_network import accuracy, action_network
from keras_stprivacy.baselines.clip_augment import ClipAugment
from keras_stprivacy.baselines.downloaded import downloaded
from keras_stprivacy.baselines.learning_system import LearningSystem, per_frame
from keras_stprivacy.baselines.losses import nt_xent, reconstruction_loss
from keras_stprivacy.baselines.networks.contrastive_branch import ContrastiveBranch
from keras_stprivacy.baselines.networks.unet import UNet
from keras_stprivacy.baselines.training_data import TrainingData
from keras_stprivacy.baselines.turn import Turn
from keras_stprivacy.training.players import action_loss

ANONYMIZER, ACTION, PRIVACY = "anonymizer", "action", "privacy"


@dataclasses.dataclass(kw_only=True, eq=False)
class SPAct(LearningSystem):
    """Dave et al., "SPAct: Self-supervised Privacy Preservation" (CVPR 2022).

    A UNet per frame, an action network, and a privacy branch that tells by NT-Xent which two
    frames are of one clip. The UNet first learns to give back what it sees, then the other two
    learn through it. Then, batch by batch in turn: the UNet minimises `L_action - NT-Xent` while
    the others stand still; the others minimise their own losses while the UNet stands still. It
    knows no private attribute, and looks at no validation data.

    Args:
        width: of the UNet.
        action_network: which, see `keras_stprivacy.baselines.action_network`.
        action_width: its width.
        privacy_network: image network of the privacy branch, see `image_backbone`.
        privacy_width: its width.
        privacy_weights: None: from scratch; `"imagenet"`: as Keras downloads them.
        hidden_dim: of the branch's MLP.
        output_dim: length of its vectors.
        temperature: τ of NT-Xent.
        privacy_weight: of NT-Xent in the UNet's loss.
        warmup_epochs: of the reconstruction.
        warmup_learning_rate: Adam's, in the reconstruction.
        opponent_epochs: of the other two before the minimax (reading).
        epochs: of the minimax (reading).
        learning_rate: Adam's, of all three, without a schedule.
        crop_scale: see `ClipAugment`, as the four that follow.
        jitter: of the colours.
        grey: probability.
        flip: probability; 0 where the action is a direction.
        erase: shortest and longest side in pixels, or None.
        clip_shape: see `System`; height and width are multiples of 16.
        batch_size: see `System`.
        seed: see `System`.

    Raises:
        ValueError: for an augmentation or networks that there are not; by `fit`, for weights that
            are not to be had.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> system = build("spact", preset="embedded", epochs=5)
    >>> system.privacy_network, system.temperature
    ('small_resnet', 0.1)
    """

    width: float = 1.0
    action_network: str = "r3d18_dilated"
    action_width: float = 1.0
    privacy_network: str = "resnet50"
    privacy_width: float = 1.0
    privacy_weights: str | None = None
    hidden_dim: int = 2048
    output_dim: int = 128
    temperature: float = 0.1
    privacy_weight: float = 1.0
    warmup_epochs: int = 5
    warmup_learning_rate: float = 1e-3
    opponent_epochs: int = 10
    epochs: int = 50
    learning_rate: float = 1e-4
    crop_scale: tuple[float, float] | None = (0.6, 1.0)
    jitter: float = 0.2
    grey: float = 0.1
    flip: float = 0.5
    erase: tuple[int, int] | None = (9, 18)

    name = "spact"
    needs_privacy = False
    augments = True
    embedded = {
        "width": 0.125,
        "action_width": 0.25,
        "privacy_network": "small_resnet",
        "hidden_dim": 128,
        "output_dim": 64,
        "warmup_epochs": 1,
        "opponent_epochs": 1,
        "epochs": 2,
        "learning_rate": 1e-3,
        # The actions of the embedded dataset are directions, its attributes colours and places.
        "crop_scale": None,
        "flip": 0.0,
        "grey": 0.0,
        "erase": (3, 6),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        self._augment()

    def _augment(self) -> ClipAugment:
        return ClipAugment(self.crop_scale, self.jitter, self.grey, self.flip, self.erase)

    def _train(self, data: TrainingData, validation: TrainingData | None) -> keras.Model:
        unet = UNet(self.image_size, self.width)
        action = action_network(
            self.action_network, data.num_actions, self.clip_shape, self.action_width, self.seed
        )
        with downloaded("privacy_weights", self.privacy_weights):
            privacy = ContrastiveBranch(
                self.image_size,
                self.privacy_network,
                self.privacy_width,
                self.privacy_weights,
                self.hidden_dim,
                self.output_dim,
            )
        networks = {ANONYMIZER: unet, ACTION: action, PRIVACY: privacy}
        draw = self._draws(data.rng)
        self._epochs("warmup", self.warmup_epochs, data, draw(self._reconstruction(unet).update))
        others = self._others(networks)
        self._epochs("opponents", self.opponent_epochs, data, draw(others.update))
        anonymizer = self._against(networks)
        turns = [anonymizer.update, others.update]

        def alternate(clips: np.ndarray, labels: dict[str, Any]) -> dict[str, float]:
            turns.reverse()
            return turns[-1](clips, labels)

        self._epochs("minimax", self.epochs, data, draw(alternate))
        return unet

    def _draws(self, rng: np.random.Generator) -> Callable:
        """Augments a batch and draws the two frames of every clip before an update."""
        augment, frames = self._augment(), self.clip_shape[0]

        def before(update: Callable) -> Callable:
            def drawn(clips: np.ndarray, labels: dict[str, Any]) -> dict[str, float]:
                pair = np.argsort(rng.random((len(clips), frames)), axis=1)[:, :2]
                return update(augment(clips, rng), {**labels, "pair": pair.astype("int32")})

            return drawn

        return before

    def _reconstruction(self, unet: keras.Model) -> Turn:
        def losses(clips: Any, labels: Any) -> tuple[list, dict]:
            loss = reconstruction_loss(per_frame(unet, clips, training=True), clips)
            return [loss], {"reconstruction_loss": loss}

        adam = self._adam(self.warmup_learning_rate)
        return Turn({ANONYMIZER: unet}, [(ANONYMIZER,)], losses, {ANONYMIZER: adam})

    def _against(self, networks: dict[str, keras.Model]) -> Turn:
        """The UNet's update; the others stand still."""

        def losses(clips: Any, labels: Any) -> tuple[list, dict]:
            made = per_frame(networks[ANONYMIZER], clips, training=True)
            of_action = action_loss(labels["action"], networks[ACTION](made, training=False))
            of_privacy = self._contrast(networks[PRIVACY], made, labels["pair"], training=False)
            loss = of_action - self.privacy_weight * of_privacy
            return [loss], {"anonymizer_loss": loss}

        adam = self._adam(self.learning_rate)
        return Turn(networks, [(ANONYMIZER,)], losses, {ANONYMIZER: adam})

    def _others(self, networks: dict[str, keras.Model]) -> Turn:
        """The update of action network and privacy branch; the UNet stands still."""

        def losses(clips: Any, labels: Any) -> tuple[list, dict]:
            made = ops.stop_gradient(per_frame(networks[ANONYMIZER], clips, training=False))
            logits = networks[ACTION](made, training=True)
            of_action = action_loss(labels["action"], logits)
            of_privacy = self._contrast(networks[PRIVACY], made, labels["pair"], training=True)
            return [of_action, of_privacy], {
                "action_loss": of_action,
                "accuracy": accuracy(labels["action"], logits),
                "nt_xent": of_privacy,
            }

        adam = {name: self._adam(self.learning_rate) for name in (ACTION, PRIVACY)}
        return Turn(networks, [(ACTION,), (PRIVACY,)], losses, adam)

    def _contrast(self, branch: keras.Model, made: Any, pair: Any, training: bool) -> Any:
        chosen = ops.one_hot(pair, self.clip_shape[0], dtype=made.dtype)  # (B, 2, T)
        first, second = (ops.einsum("bt,bthwc->bhwc", chosen[:, i], made) for i in (0, 1))
        vectors = branch(ops.concatenate([first, second], axis=0), training=training)
        count = ops.shape(first)[0]
        return nt_xent(vectors[:count], vectors[count:], self.temperature)
