"""What every attacker that reads labels has in common."""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np

from keras_stprivacy.evaluation.attackers.training import (
    Training,
    check_finite,
    fit_on_store,
    make_optimizer,
    steps_of,
)
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import pad
from keras_stprivacy.metrics import ClassMeanAveragePrecision
from keras_stprivacy.training.seeding import seeded

# The loss of an attacker: one class of many, or any number of labels at once.
TASKS = ("action", "actions", "privacy")


def probability_of(logits: np.ndarray, one_class: bool) -> np.ndarray:
    """Softmax over the last axis where a clip has one class, else the sigmoid.

    Example:

    >>> probability_of(np.zeros((1, 4)), one_class=True).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    if not one_class:
        return 0.5 * (1.0 + np.tanh(0.5 * logits))
    exponential = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponential / exponential.sum(axis=-1, keepdims=True)


class Attacker:
    """A fresh network that learns one task from clips that it is given.

    A subclass says in `build_model` what network it is and in `inputs` what it is shown.

    Args:
        task: `"action"` (one of many: softmax cross-entropy), `"actions"` (several at once) or
            `"privacy"` (attributes): sigmoid binary cross-entropy.
        num_classes: actions or attributes.
        target: whose clips it reads: an anonymizer, or any object with a `clip_shape`
            `(T, H, W, 3)` and, where there is a decision mask, a `grid_shape`.
        num_kept: tubelets kept in every clip, if a decision mask comes with the clips and keeps
            the same number of each.
        seed: of weights, dropout and order of the clips.
        batch_size: clips in a step.
        jit_compile: see `keras.Model.compile`.

    Attributes:
        name: of the class, for `attackers=` and for tables.
        needs_mask: whether it can read nothing without a decision mask.
        model: the network, from `inputs` to logits.

    Raises:
        ValueError: for an unknown task.
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    needs_mask: ClassVar[bool] = False

    def __init__(
        self,
        task: str,
        num_classes: int,
        target: Any,
        num_kept: int | None = None,
        seed: int = 0,
        batch_size: int = 32,
        jit_compile: bool | str = "auto",
    ) -> None:
        if task not in TASKS:
            raise ValueError(f"task must be one of {TASKS}. Received: task={task!r}")
        self.task = task
        self.num_classes = num_classes
        self.target = target
        self.num_kept = num_kept
        self.seed = seed
        self.batch_size = batch_size
        self.jit_compile = jit_compile
        with seeded(seed):
            self.model = self.build_model()

    def build_model(self) -> keras.Model:
        """The network, from what `inputs` gives to logits (B, classes)."""
        raise NotImplementedError

    def inputs(self, clips: np.ndarray, decision_mask: np.ndarray | None) -> Any:
        """What the network is shown of uint8 clips (B, T, H, W, 3) and masks (B, L·N)."""
        return as_floats(clips)

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """The labels of some clips as the loss takes them."""
        return labels.astype("int32" if self.task == "action" else "float32")

    def fit(
        self,
        store: ClipStore,
        labels: np.ndarray,
        training: Training,
        rows: np.ndarray | None = None,
        on_epoch_end: Callable[[], None] | None = None,
    ) -> dict[str, list[float]]:
        """Trains with AdamW; the learning rate rises linearly, then falls as a cosine to 0.

        Args:
            store: the clips.
            labels: int (N,) for the action, 0/1 (N, P) otherwise.
            training: epochs, learning rate and the like.
            rows: which clips to learn from; None: all.
            on_epoch_end: called after every epoch.

        Returns:
            The loss and a metric of every epoch, on the training clips.

        Raises:
            FloatingPointError: if the loss is no longer finite.
        """
        count = len(store) if rows is None else len(rows)
        self.compile(steps_of(count, self.batch_size, training.epochs), training)

        def make_batch(places: np.ndarray) -> tuple[Any, np.ndarray]:
            mask = None if store.decision_mask is None else store.decision_mask[places]
            return self.inputs(store.clips[places], mask), self.targets(labels[places])

        history = fit_on_store(
            self.model,
            store,
            make_batch,
            rows,
            self.batch_size,
            training.epochs,
            self.seed,
            on_epoch_end,
        )
        check_finite(history, self.task, training)
        return history

    def predict(self, clips: np.ndarray, decision_mask: np.ndarray | None = None) -> np.ndarray:
        """Returns probabilities: softmax over actions, sigmoid of every attribute.

        Args:
            clips: uint8 array (B, T, H, W, 3).
            decision_mask: None, or (B, L·N).

        Returns:
            A float64 array (B, num_classes).

        Raises:
            FloatingPointError: if the network says NaN or infinity.
        """
        return self.probability(self.logits(clips, decision_mask))

    def logits(self, clips: np.ndarray, decision_mask: np.ndarray | None) -> np.ndarray:
        """What the network says, float64 (B, ...).

        Raises:
            FloatingPointError: if it says NaN or infinity.
        """
        parts = []
        for start in range(0, len(clips), self.batch_size):
            rows = slice(start, start + self.batch_size)
            mask = None if decision_mask is None else pad(decision_mask[rows], self.batch_size)
            inputs = self.inputs(pad(clips[rows], self.batch_size), mask)
            logits = np.asarray(self.model.predict_on_batch(inputs), "float64")
            parts.append(logits[: len(clips[rows])])
        joined = np.concatenate(parts)
        if not np.isfinite(joined).all():
            raise FloatingPointError(
                f"the {self.task} attacker says NaN or infinity of "
                f"{int((~np.isfinite(joined.reshape(len(joined), -1))).any(axis=1).sum())} of "
                f"{len(joined)} clips, after a training that stayed finite. Give it a wider "
                "number format (float32), or lower learning_rate."
            )
        return joined

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """Softmax or sigmoid of logits, over the last axis."""
        return probability_of(logits, one_class=self.task == "action")

    def compile(self, steps: int, training: Training) -> None:
        """Sets optimizer, loss and metric for a training of so many steps."""
        loss: keras.losses.Loss
        if self.task == "action":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        else:
            loss = keras.losses.BinaryCrossentropy(from_logits=True)
            metrics = [ClassMeanAveragePrecision(self.num_classes, from_logits=True, name="cmap")]
        optimizer = make_optimizer(self.model, steps, training)
        self.model.compile(optimizer, loss, metrics=metrics, jit_compile=self.jit_compile)


def as_floats(clips: np.ndarray) -> np.ndarray:
    """uint8 pixels as float32 in [0, 1].

    Example:

    >>> as_floats(np.array([0, 255], "uint8")).tolist()
    [0.0, 1.0]
    """
    return clips.astype("float32") / np.float32(255.0)
