"""How attackers learn: AdamW, a learning rate that rises and falls, batches from a store."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.training.feeding import fed
from keras_stprivacy.training.seeding import seeded


@dataclasses.dataclass(frozen=True)
class Training:
    """Settings of an attacker's training.

    Attributes:
        epochs: passes over the clips; a pass leaves out what does not fill a batch.
        learning_rate: of AdamW, at its highest; it rises linearly, then falls as a cosine to 0.
        weight_decay: of AdamW; none on biases, norms and position embeddings.
        warmup: share of the steps in which the learning rate rises.
    """

    epochs: int
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.05


def make_optimizer(model: keras.Model, steps: int, training: Training) -> keras.Optimizer:
    """AdamW with the schedule of `Training`, for the trainable variables of a model."""
    rising = round(training.warmup * steps)
    rate = training.learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if rising else rate,
        decay_steps=max(1, steps - rising),
        warmup_target=rate if rising else None,
        warmup_steps=rising,
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=training.weight_decay, global_clipnorm=1.0
    )
    # Biases and norms are the variables with one axis.
    optimizer.exclude_from_weight_decay(
        var_list=[
            variable
            for variable in model.trainable_variables
            if len(variable.shape) < 2 or "position_embedding" in variable.path
        ]
    )
    if model.built:  # or TensorFlow traces the first step twice, once to make the moments
        optimizer.build(model.trainable_variables)
    return optimizer


def fit_on_store(
    model: keras.Model,
    store: ClipStore,
    make_batch: Callable[[np.ndarray], tuple[Any, Any]],
    rows: np.ndarray | None,
    batch_size: int,
    epochs: int,
    seed: int,
    on_epoch_end: Callable[[], None] | None = None,
) -> dict[str, list[float]]:
    """Trains a compiled model on clips of a store, in an order drawn from the seed.

    Args:
        model: compiled.
        store: the clips.
        make_batch: from sorted places in the store to `(inputs, targets)`.
        rows: places to train on; None: all.
        batch_size: clips in a step, at most as many as there are.
        epochs: passes.
        seed: of the order and of dropout.
        on_epoch_end: called after every epoch.

    Returns:
        Loss and metrics of every epoch.
    """
    rows = np.arange(len(store)) if rows is None else rows
    size = min(batch_size, len(rows))
    steps = len(rows) // size

    def batches() -> Iterator[tuple[Any, Any]]:
        rng = np.random.default_rng(seed)
        while True:
            order = rows[rng.permutation(len(rows))]
            for step in range(steps):
                yield make_batch(np.sort(order[step * size : (step + 1) * size]))

    callbacks = []
    if on_epoch_end is not None:
        callbacks.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: on_epoch_end())
        )
    with seeded(seed), fed(batches()) as fed_batches:
        history = model.fit(
            fed_batches,
            epochs=epochs,
            steps_per_epoch=steps,
            callbacks=callbacks,
            shuffle=False,  # the batches come shuffled
            verbose=0,
        ).history
    return {name: [float(v) for v in values] for name, values in history.items()}


def steps_of(count: int, batch_size: int, epochs: int) -> int:
    """Steps of a training on `count` clips.

    Example:

    >>> steps_of(10, 4, 3)
    6
    """
    return epochs * (count // min(batch_size, count))


def check_finite(history: dict[str, list[float]], who: str, training: Training) -> None:
    """Checks that a training stayed finite.

    Raises:
        FloatingPointError: if its loss did not.
    """
    if not np.isfinite(history["loss"]).all():
        epoch = int(np.flatnonzero(~np.isfinite(history["loss"]))[0])
        raise FloatingPointError(
            f"the {who} attacker's loss is not finite after epoch {epoch + 1} of "
            f"{training.epochs}. Lower learning_rate (it was {training.learning_rate:g})."
        )
