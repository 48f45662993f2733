"""What systems that learn share: data, seeds, stages, and one network that transforms."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.baselines.system import Progress, System
from keras_stprivacy.baselines.training_data import Batch, TrainingData
from keras_stprivacy.training.release_graphs import release_graphs
from keras_stprivacy.training.seeding import seeded

NETWORK_FILE = "network.keras"
_POINTS = 20  # of the history of a stage that is counted in steps


@dataclasses.dataclass(kw_only=True, eq=False)
class LearningSystem(System):
    """A system whose transform is a network.

    Args:
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Attributes:
        network: what transforms, or None before `fit`: images (B, H, W, 3) to images, unless a
            system says otherwise.
        needs_privacy: whether `fit` needs private attributes.
    """

    learns = True
    needs_privacy = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network: keras.Model | None = None
        self._applied: keras.Model | None = None
        self._on_progress: Progress | None = None

    def fit(
        self,
        train: Any,
        validation: Any = None,
        num_actions: int | None = None,
        num_attributes: int | None = None,
        on_progress: Progress | None = None,
        multi_label: bool | None = None,
    ) -> dict[str, list[float]]:
        """Trains from scratch, whatever was trained before; see `System.fit`."""
        data = TrainingData(
            train,
            self.clip_shape,
            self.batch_size,
            self.seed,
            num_actions,
            num_attributes,
            self.needs_privacy,
            multi_label=multi_label,
        )
        held_out = None
        if validation is not None:
            held_out = TrainingData(
                validation,
                self.clip_shape,
                self.batch_size,
                self.seed + 1,
                data.num_actions,
                data.num_attributes,
                self.needs_privacy,
                name="validation",
                multi_label=data.multi_label,
            )
        self.history = {}
        self._on_progress = on_progress
        try:
            with seeded(self.seed):
                self.network = self._train(data, held_out)
        finally:
            release_graphs()
        self._applied = None
        return self.history

    @abc.abstractmethod
    def _train(self, data: TrainingData, validation: TrainingData | None) -> keras.Model:
        """Trains new networks; returns the one that transforms."""

    @staticmethod
    def _adam(rate: float) -> keras.optimizers.Optimizer:
        """Adam, which scales the loss where the networks that are made now are of float16."""
        adam = keras.optimizers.Adam(rate)
        half = keras.config.dtype_policy().compute_dtype == "float16"
        return keras.optimizers.LossScaleOptimizer(adam) if half else adam

    # Stages of training -------------------------------------------------------------------------

    def _steps(
        self,
        stage: str,
        count: int,
        batches: Iterator[Batch],
        update: Callable[[np.ndarray, dict[str, Any]], dict[str, float]],
    ) -> None:
        """Calls `update` on `count` batches and keeps the means of what it gives."""
        every = max(1, count // _POINTS)
        seen: list[dict[str, float]] = []
        for step in range(1, count + 1):
            seen.append(update(*next(batches)))
            if step % every == 0 or step == count:
                self._record(stage, seen)
                seen = []
                self._report_progress(stage, step / count)

    def _epochs(
        self,
        stage: str,
        count: int,
        data: TrainingData,
        update: Callable[[np.ndarray, dict[str, Any]], dict[str, float]],
    ) -> None:
        """Calls `update` on every batch of `count` epochs; the history has a value an epoch."""
        for epoch in range(1, count + 1):
            self._record(stage, [update(clips, labels) for clips, labels in data.epoch()])
            self._report_progress(stage, epoch / count)

    def _record(self, stage: str, logs: list[dict[str, float]]) -> None:
        for name in {name: None for log in logs for name in log}:
            values = [log[name] for log in logs if name in log]
            self.history.setdefault(f"{stage}/{name}", []).append(float(np.mean(values)))

    def _report_progress(self, stage: str, share: float) -> None:
        if self._on_progress is not None:
            self._on_progress(stage, share)

    # Transforming -------------------------------------------------------------------------------

    @property
    def trained_network(self) -> keras.Model:
        """`network`.

        Raises:
            RuntimeError: if there is none yet.
        """
        if self.network is None:
            raise RuntimeError(
                f"{self.name} was not trained. Call fit(train) first, or load one that was: "
                "System.load(folder)."
            )
        return self.network

    def _transform(self, clips: np.ndarray, boxes: Any, **options: Any) -> dict[str, np.ndarray]:
        network = self.trained_network
        if self._applied is None:
            self._applied = applied(
                lambda frames: {"clip": per_frame(network, frames, training=False)}, network
            )
        return run_in_batches(self._applied, clips, self.batch_size)

    def _save_weights(self, folder: Path) -> None:
        self.trained_network.save(folder / NETWORK_FILE)

    def _load_weights(self, folder: Path) -> None:
        import keras_stprivacy.baselines.transforming_networks  # noqa: F401  names the classes

        self.network = keras.saving.load_model(folder / NETWORK_FILE, compile=False)


def per_frame(network: Any, clips: Any, training: bool = False) -> Any:
    """Runs an image network on every frame.

    Args:
        network: from images (N, H, W, 3) to images.
        clips: tensor (B, T, H, W, 3).
        training: as in `call`.

    Returns:
        Tensor (B, T, H, W, 3), float32 in mixed precision too.

    Example:

    >>> clips = ops.zeros((2, 4, 8, 8, 3))
    >>> tuple(per_frame(lambda frames, training: frames + 1.0, clips).shape)
    (2, 4, 8, 8, 3)
    """
    frames = ops.reshape(clips, (-1, *clips.shape[2:]))
    made = ops.cast(network(frames, training=training), "float32")
    return ops.reshape(made, (-1, *clips.shape[1:]))


def run_in_batches(model: keras.Model, clips: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Runs a compiled model that returns a dict; batches are filled up to one size.

    Args:
        model: takes clips.
        clips: (B, T, H, W, 3).
        size: clips at a time.

    Returns:
        Arrays of B rows; `"clip"` is clipped to [0, 1].
    """
    parts = []
    for start in range(0, max(1, len(clips)), size):
        rows = np.minimum(np.arange(start, start + size), max(0, len(clips) - 1))
        given = clips[rows] if len(clips) else np.zeros((size, *clips.shape[1:]), "float32")
        output = model.predict_on_batch(given)
        count = min(size, len(clips) - start)
        parts.append({key: np.asarray(value)[:count] for key, value in output.items()})
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    joined["clip"] = np.clip(joined["clip"].astype("float32"), 0.0, 1.0)
    return joined


def applied(function: Callable[[Any], dict[str, Any]], network: keras.Model) -> keras.Model:
    """A function of clips as a compiled model.

    Args:
        function: from a tensor (B, T, H, W, 3) to a dict of tensors.
        network: whose weights it uses.
    """
    return _Applied(function, network)


class _Applied(keras.Model):
    def __init__(self, function: Callable[[Any], dict[str, Any]], network: keras.Model) -> None:
        super().__init__(name="applied")
        self.network = network  # tracked, so that JAX threads its state
        self.function = function
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, clips: Any) -> dict[str, Any]:
        return self.function(clips)
