"""Schedules that training from scratch needs: the keep ratio falls late, the rate warms up."""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras

from keras_stprivacy.models import Anonymizer


class _Schedule(keras.callbacks.Callback):
    """Calls `set_progress` with the share of training that is over, in [0, 1), before batches."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0
        self._steps: int | None = None
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Of data of unknown length, the first epoch says how long it is.
        self._steps = self.params.get("steps") or self._seen or None
        if self._steps is None:
            warnings.warn(
                "the length of the training data is not known, so learning rate and keep ratio "
                "stand still in the first epoch. Pass steps_per_epoch to fit, or data that knows "
                "its length (tf.data: dataset.apply(tf.data.experimental.assert_cardinality(n))).",
                stacklevel=2,
            )
        self._epoch, self._seen = epoch, 0
        self._update(0)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch and self._steps:
            self._update(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seen = batch + 1

    def _update(self, batch: int) -> None:
        within = min(1.0, batch / self._steps) if batch and self._steps else 0.0
        progress = (self._epoch + within) / self.params["epochs"]
        if hasattr(self.model, "jax_state_sync"):  # JAX keeps the values beside the variables
            self.model.jax_state_sync()
        self.set_progress(progress)

    def set_progress(self, progress: float) -> None:
        raise NotImplementedError


class KeepRatioSchedule(_Schedule):
    """Lets the training keep ratio of an anonymizer fall from 1 to its `keep_ratio`.

    An anonymizer trained from scratch learns nothing while random gates drop what shows the
    action. The ratio is 1 until `start`, falls linearly until `end`, and then is `keep_ratio`. So
    it is when `fit` of a training phase ends, be it by an error or an interruption.

    Args:
        anonymizer: whose ratio it is.
        start: share of all epochs after which the ratio begins to fall.
        end: share of all epochs after which it is `keep_ratio`.

    Raises:
        ValueError: unless `0 <= start < end <= 1`.

    Example:

    >>> anonymizer = Anonymizer.from_preset("motion_digits_8x32", keep_ratio=0.6)
    >>> round(KeepRatioSchedule(anonymizer, start=0.5, end=1.0).ratio_at(0.75), 6)
    0.8
    """

    def __init__(self, anonymizer: Anonymizer, start: float = 0.4, end: float = 0.8) -> None:
        super().__init__()
        if not 0.0 <= start < end <= 1.0:
            raise ValueError(
                f"0 <= start < end <= 1 is needed, shares of all epochs. Received: start={start}, "
                f"end={end}"
            )
        self.anonymizer = anonymizer
        self.start = start
        self.end = end

    def ratio_at(self, progress: float) -> float:
        """The ratio when the share `progress` of training is over."""
        fallen = min(1.0, max(0.0, (progress - self.start) / (self.end - self.start)))
        return 1.0 + fallen * (self.anonymizer.keep_ratio - 1.0)

    def set_progress(self, progress: float) -> None:
        self.anonymizer.training_keep_ratio.assign(self.ratio_at(progress))

    def on_train_end(self, logs: Any = None) -> None:
        self.anonymizer.training_keep_ratio.assign(self.anonymizer.keep_ratio)


class _RisingWeight(_Schedule):
    """Lets a weight of `STPrivacy` rise from 0 to what it is, and be that when training ends.

    Args:
        end: share of all epochs after which the weight is full.

    Raises:
        ValueError: unless `0 < end <= 1`.
    """

    _scale = ""  # name of the model's variable that holds the factor of the weight

    def __init__(self, end: float = 0.4) -> None:
        super().__init__()
        if not 0.0 < end <= 1.0:
            raise ValueError(f"end must be in (0, 1], a share of all epochs. Received: end={end}")
        self.end = end

    def on_train_begin(self, logs: Any = None) -> None:
        if not hasattr(self.model, self._scale):
            raise ValueError(
                f"{type(self).__name__} is for keras_stprivacy.training.STPrivacy, which has the "
                f"weights that it moves. Received: {type(self.model).__name__}"
            )

    def factor_at(self, progress: float) -> float:
        """The factor of the weight when the share `progress` of training is over."""
        return min(1.0, progress / self.end)

    def set_progress(self, progress: float) -> None:
        getattr(self.model, self._scale).assign(self.factor_at(progress))

    def on_train_end(self, logs: Any = None) -> None:
        getattr(self.model, self._scale).assign(1.0)


class InformationSchedule(_RisingWeight):
    """Lets the weights of information of `STPrivacy` rise from 0 to what they are.

    At full weight from the start, the anonymizer says nothing at all before it has found out what
    the recognizer of actions can use.

    Args:
        end: share of all epochs after which the weights are full.

    Raises:
        ValueError: unless `0 < end <= 1`.

    Example:

    >>> InformationSchedule(end=0.5).factor_at(0.25)
    0.5
    """

    _scale = "information_scale"


class PrivacySchedule(_RisingWeight):
    """Lets the weights of the opponents of `STPrivacy` rise from 0 to what they are.

    Privacy recognizers and reconstructor learn from the first step on, and meet the anonymizer
    when they can read. As the rising weight of Ganin and Lempitsky (ICML 2015), linear.

    Args:
        end: share of all epochs after which the weights are full.

    Raises:
        ValueError: unless `0 < end <= 1`.

    Example:

    >>> PrivacySchedule(end=0.5).factor_at(0.25)
    0.5
    """

    _scale = "privacy_scale"


class WarmupCosine(_Schedule):
    """Learning rate: linear warm-up from 0 to the compiled rate, then a half cosine to `floor`.

    Args:
        warmup: share of all epochs.
        floor: last rate over the compiled rate.

    Raises:
        ValueError: for a share outside [0, 1).

    Example:

    >>> WarmupCosine(warmup=0.1).factor_at(0.05)
    0.5
    """

    def __init__(self, warmup: float = 0.1, floor: float = 0.01) -> None:
        super().__init__()
        if not 0.0 <= warmup < 1.0:
            raise ValueError(
                f"warmup must be in [0, 1), a share of all epochs. Received: warmup={warmup}"
            )
        self.warmup = warmup
        self.floor = floor
        self._rates: list[tuple[Any, float]] | None = None

    def factor_at(self, progress: float) -> float:
        """The factor of the compiled rates when the share `progress` of training is over."""
        if progress < self.warmup:
            return progress / self.warmup
        over = (progress - self.warmup) / (1.0 - self.warmup)
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * over))

    def on_train_begin(self, logs: Any = None) -> None:
        self._rates = compiled_rates(self.model)
        self.model.scheduled_rates = tuple(rate for _, rate in self._rates)
        self.model.moved_rates = tuple(_rate_now(part) for part, _ in self._rates)

    def set_progress(self, progress: float) -> None:
        # A step at rate 0 would be lost.
        factor = max(self.factor_at(progress), 1e-3)
        for part, rate in self._rates or ():
            part.learning_rate.assign(rate * factor)
        self.model.moved_rates = tuple(rate * factor for _, rate in self._rates or ())

    def on_train_end(self, logs: Any = None) -> None:
        for part, rate in self._rates or ():
            part.learning_rate.assign(rate)
        self.model.scheduled_rates = self.model.moved_rates = None


def compiled_rates(model: Any) -> list[tuple[Any, float]]:
    """The optimizers of a model whose rate is a number, each with the rate that it was given.

    Where a training with `WarmupCosine` was broken off, that is not the rate to which the schedule
    had moved it, unless somebody has set another one since.

    Args:
        model: compiled. It may hold `scheduled_rates`, those before the schedule, and
            `moved_rates`, those that the schedule set last (None in files that know of none).
    """
    parts = getattr(model.optimizer, "parts", {"": model.optimizer}).values()
    inner = [getattr(part, "inner_optimizer", part) for part in parts]
    # A schedule is left to itself.
    inner = [part for part in inner if isinstance(part._learning_rate, keras.Variable)]
    now = [_rate_now(part) for part in inner]
    given = getattr(model, "scheduled_rates", None)
    if given is None:
        return list(zip(inner, now, strict=True))
    moved = getattr(model, "moved_rates", None) or now
    return [
        (part, before if math.isclose(at, last, rel_tol=1e-6) else at)
        for part, at, before, last in zip(inner, now, given, moved, strict=True)
    ]


def _rate_now(part: Any) -> float:
    return float(keras.ops.convert_to_numpy(part.learning_rate))
