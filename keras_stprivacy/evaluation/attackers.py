"""Attackers: fresh recognizers, trained on what an anonymizer gives out."""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import pad
from keras_stprivacy.metrics import ClassMeanAveragePrecision
from keras_stprivacy.models import Recognizer, load_weights_from

TASKS = ("action", "privacy")
_SHARED_ARGUMENTS = (
    "num_frames",
    "image_size",
    "tubelet_size",
    "hidden_dim",
    "num_heads",
    "mlp_ratio",
    "mean",
    "std",
)


class Attacker:
    """A fresh recognizer that learns one task from clips that it is given.

    Args:
        task: `"action"` (softmax cross-entropy) or `"privacy"` (sigmoid binary cross-entropy).
        num_classes: actions or attributes.
        anonymizer: whose output it reads; the attacker has its shape unless `attacker` says more.
        attacker: None: a `Recognizer` of the anonymizer's shape and depth; a preset's name; a dict
            of `Recognizer` arguments that replace the anonymizer's (with "preset": that preset's);
            or a callable `f(num_classes=, num_kept=, seed=)` that returns a Keras model from
            clips, or `{"clip", "decision_mask"}`, to logits (B, num_classes).
        weights: None, or the start weights: a tuple `(state, layout)` for
            `keras_stprivacy.models.load_weights_from`, or a callable that is given the model.
        num_kept: tubelets kept in every clip, if a decision mask comes with the clips.
        seed: of weights, dropout and order of the clips.
        batch_size: clips in a step.
        jit_compile: see `keras.Model.compile`.

    Raises:
        ValueError: if the recognizer does not fit the clips.
        TypeError: if `attacker` is none of these.
    """

    def __init__(
        self,
        task: str,
        num_classes: int,
        anonymizer: Any,
        attacker: Any = None,
        weights: Any = None,
        num_kept: int | None = None,
        seed: int = 0,
        batch_size: int = 32,
        jit_compile: bool | str = "auto",
    ) -> None:
        if task not in TASKS:
            raise ValueError(f"task must be one of {TASKS}. Received: task={task!r}")
        self.task = task
        self.num_classes = num_classes
        self.seed = seed
        self.batch_size = batch_size
        self.jit_compile = jit_compile
        with _seeded(seed):
            self.model = _build(attacker, anonymizer, num_classes, num_kept, seed)
            if callable(weights):
                weights(self.model)
            elif weights is not None:
                load_weights_from(self.model, *weights)
        _check_fit(self.model, anonymizer, num_kept)

    def fit(
        self,
        store: ClipStore,
        labels: np.ndarray,
        epochs: int,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.05,
        warmup: float = 0.05,
        on_epoch_end: Callable[[], None] | None = None,
    ) -> dict[str, list[float]]:
        """Trains with AdamW; the learning rate rises linearly, then falls as a cosine to 0.

        Args:
            store: the clips.
            labels: int (N,) for the action, 0/1 (N, P) for the attributes.
            epochs: passes over the clips; a pass leaves out what does not fill a batch.
            learning_rate: at its highest.
            weight_decay: of AdamW; none on biases, norms and position embeddings.
            warmup: share of the steps in which the learning rate rises.
            on_epoch_end: called after every epoch.

        Returns:
            The loss and a metric of every epoch, on the training clips.

        Raises:
            FloatingPointError: if the loss is no longer finite.
        """
        size = min(self.batch_size, len(store))
        steps = len(store) // size
        self._compile(epochs * steps, learning_rate, weight_decay, warmup)
        callbacks = []
        if on_epoch_end is not None:
            callbacks.append(
                keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: on_epoch_end())
            )
        with _seeded(self.seed):
            history = self.model.fit(
                self._batches(store, labels, size, steps),
                epochs=epochs,
                steps_per_epoch=steps,
                callbacks=callbacks,
                shuffle=False,  # the batches come shuffled
                verbose=0,
            ).history
        if not np.isfinite(history["loss"]).all():
            epoch = int(np.flatnonzero(~np.isfinite(history["loss"]))[0])
            raise FloatingPointError(
                f"the {self.task} attacker's loss is not finite after epoch {epoch + 1} of "
                f"{epochs}. Lower learning_rate (it was {learning_rate:g})."
            )
        return {name: [float(v) for v in values] for name, values in history.items()}

    def predict(self, clips: np.ndarray, decision_mask: np.ndarray | None = None) -> np.ndarray:
        """Returns probabilities: softmax over actions, sigmoid of every attribute.

        Args:
            clips: uint8 array (B, T, H, W, 3).
            decision_mask: None, or (B, L·N).

        Returns:
            A float64 array (B, num_classes).
        """
        parts = []
        for start in range(0, len(clips), self.batch_size):
            rows = slice(start, start + self.batch_size)
            mask = None if decision_mask is None else pad(decision_mask[rows], self.batch_size)
            inputs = _inputs(pad(clips[rows], self.batch_size), mask)
            logits = np.asarray(self.model.predict_on_batch(inputs), "float64")
            parts.append(logits[: len(clips[rows])])
        logits = np.concatenate(parts)
        if self.task == "privacy":
            return 0.5 * (1.0 + np.tanh(0.5 * logits))
        exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponential / exponential.sum(axis=1, keepdims=True)

    def _compile(
        self, steps: int, learning_rate: float, weight_decay: float, warmup: float
    ) -> None:
        rising = round(warmup * steps)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0 if rising else learning_rate,
            decay_steps=max(1, steps - rising),
            warmup_target=learning_rate if rising else None,
            warmup_steps=rising,
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=weight_decay, global_clipnorm=1.0)
        # Biases and norms are the variables with one axis.
        optimizer.exclude_from_weight_decay(
            var_list=[
                variable
                for variable in self.model.trainable_variables
                if len(variable.shape) < 2 or "position_embedding" in variable.path
            ]
        )
        loss: keras.losses.Loss
        if self.task == "action":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        else:
            loss = keras.losses.BinaryCrossentropy(from_logits=True)
            metrics = [ClassMeanAveragePrecision(self.num_classes, from_logits=True, name="cmap")]
        self.model.compile(optimizer, loss, metrics=metrics, jit_compile=self.jit_compile)

    def _batches(
        self, store: ClipStore, labels: np.ndarray, size: int, steps: int
    ) -> Iterator[tuple[Any, np.ndarray]]:
        labels = labels.astype("int32" if self.task == "action" else "float32")
        rng = np.random.default_rng(self.seed)
        while True:
            order = rng.permutation(len(store))
            for step in range(steps):
                rows = np.sort(order[step * size : (step + 1) * size])
                mask = None if store.decision_mask is None else store.decision_mask[rows]
                yield _inputs(store.clips[rows], mask), labels[rows]


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Makes the seeds that Keras draws for initializers and dropout the same in every run."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def _inputs(clips: np.ndarray, decision_mask: np.ndarray | None) -> Any:
    clip = clips.astype("float32") / np.float32(255.0)
    if decision_mask is None:
        return clip
    return {"clip": clip, "decision_mask": decision_mask.astype("float32")}


def _build(
    attacker: Any, anonymizer: Any, num_classes: int, num_kept: int | None, seed: int
) -> keras.Model:
    if isinstance(attacker, str):
        attacker = {"preset": attacker}
    if attacker is None or isinstance(attacker, dict):
        arguments = dict(attacker or {})
        common: dict[str, Any] = {"num_classes": num_classes, "num_kept": num_kept, "seed": seed}
        if "preset" in arguments:
            return Recognizer.from_preset(arguments.pop("preset"), **common, **arguments)
        return Recognizer(**{**_shape_of(anonymizer, arguments), **common, **arguments})
    if not callable(attacker):
        raise TypeError(
            "attacker must be None, the name of a preset, a dict of Recognizer arguments, or a "
            f"callable that builds a recognizer. Received: {type(attacker).__name__}"
        )
    model = attacker(num_classes=num_classes, num_kept=num_kept, seed=seed)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"attacker(...) must return a Keras model. Received: {type(model).__name__}"
        )
    return model


def _shape_of(anonymizer: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The anonymizer's arguments that a recognizer has too, unless they are given."""
    wanted = [name for name in _SHARED_ARGUMENTS if name not in given]
    shape = {name: getattr(anonymizer, name) for name in wanted if hasattr(anonymizer, name)}
    if "num_layers" not in given and hasattr(anonymizer, "layers_per_block"):
        blocks = anonymizer.num_sparsification_blocks + 1
        shape["num_layers"] = anonymizer.layers_per_block * blocks
    missing = [name for name in wanted if name not in shape]
    if missing and not given:
        raise ValueError(
            f"{type(anonymizer).__name__} has no {', '.join(missing)} for an attacker to take "
            "over. Pass attacker= a preset, a dict of Recognizer arguments, or a callable."
        )
    return shape


def _check_fit(model: Any, anonymizer: Any, num_kept: int | None) -> None:
    for name, needed in (("clip_shape", True), ("grid_shape", num_kept is not None)):
        ours, theirs = getattr(model, name, None), getattr(anonymizer, name, None)
        if needed and ours is not None and theirs is not None and tuple(ours) != tuple(theirs):
            what = "(frames, height, width, channels)" if name == "clip_shape" else "tubelets"
            raise ValueError(
                f"the attacker takes {what} {tuple(ours)}, but the anonymizer gives "
                f"{tuple(theirs)}. Pass attacker= arguments with the anonymizer's num_frames, "
                "image_size and tubelet_size."
            )
