"""Real leakage while an anonymizer learns: a fresh attacker every few epochs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.attackers import ATTACKERS, check_attackers
from keras_stprivacy.evaluation.attackers.training import Training
from keras_stprivacy.evaluation.best_probe import BestProbe
from keras_stprivacy.evaluation.eight_bit import EightBitTransform
from keras_stprivacy.evaluation.labels import TrainLabels, named
from keras_stprivacy.evaluation.leakage import leakage
from keras_stprivacy.evaluation.probe_attack import ActionReading, ProbeAttack, give
from keras_stprivacy.evaluation.probe_clips import ProbeClips, read_probe_clips
from keras_stprivacy.evaluation.random_state import random_state_kept
from keras_stprivacy.floors import chance
from keras_stprivacy.scores import average_precision

_MONITORS = ("probe_leakage", "probe_worst_leakage")
_NO_SAMPLES = (np.zeros(0),) * 3


class PrivacyProbe(keras.callbacks.Callback):
    """Shows in `fit` what a fresh attacker reads, which the opponents in the loop do not tell.

    After the first epoch, after every `every`-th and after the last, the anonymizer as it is
    transforms clips as a deployment does (nothing drawn, 8-bit pixels, the decision mask beside
    them). New attackers learn the private attributes from transformed training clips and read
    transformed validation clips. When training begins they do so with raw clips, once. A probe
    draws nothing from the random numbers of the training and changes none of its weights.

    Logs, with the last values repeated in epochs without a probe:
        probe_leakage: mean over attributes of `(AP - chance) / (raw AP - chance)`, 0 for nothing
            beyond chance, 1 for as much as raw clips. Attributes whose raw AP is not clearly above
            chance are left out.
        probe_worst_leakage: the largest of these.
        probe_ap_<name>: average precision of each attribute.
        probe_action_accuracy: of the action recognizer in training, on the transformed validation
            clips (`probe_action_average_precision` where a clip may show several actions).
        probe_epoch: the epoch, counted from 1, that the values were measured after.

    Callbacks that read these logs (`EarlyStopping(monitor="probe_leakage", mode="min")`,
    `CSVLogger`, `TrainingCurves`) come after the probe in the list of callbacks.

    Args:
        train: clips for the attackers to learn from, in any form that `evaluate` takes. Training
            clips; a `tf.data` dataset of its own, since reading one that `fit` reads too would
            change its order.
        validation: clips for them to read, which the attackers do not learn from. Several views of
            a clip are averaged.
        every: epochs between two probes.
        attackers: name or names, see `evaluate`. Of several, the strongest on the validation clips
            counts, attribute by attribute, which is a little too good for the attackers.
        attacker: network of the video transformers, see `evaluate`.
        epochs: of each attacker.
        train_clips: how many clips attackers learn from; None: all.
        validation_clips: how many they read; None: all.
        attribute_names: of the logs; None: those of the model or the data, or numbers.
        batch_size: clips in a step of an attacker.
        learning_rate: of the attackers' AdamW, at its highest.
        patience: probes without a lower `monitor` after which training stops; None: never.
        monitor: `"probe_leakage"` or `"probe_worst_leakage"`.
        min_action_accuracy: a probe whose action accuracy is lower is never the best one: a black
            picture leaks nothing either. Until one is, patience does not count.
        restore_best_weights: whether the model ends with the weights of its best probe.
        seed: of the attackers and of the draw of clips.
        jit_compile: see `keras.Model.compile`; None: as the model in training.

    Attributes:
        history: for each probe a dict of its values, its `"seconds"`, and `"leakage"` of each
            attribute.
        raw_ap: attribute -> average precision on raw clips.
        chance_ap: attribute -> average precision of who sees nothing.
        best_epoch: the epoch of the best probe of the last `fit`, counted from 1, or None.
        stopped_epoch: the epoch that the probe stopped training after; None if it did not.

    Raises:
        ValueError: for arguments outside what is said above; from `fit`, for clips or labels that
            do not fit, and if raw clips do not lie clearly above chance in any attribute.
        TypeError: from `fit`, if the model has no anonymizer.
        FloatingPointError: from `fit`, if the anonymizer or an attacker returns NaN.

    Example:

    >>> import keras_stprivacy as stp
    >>> data = stp.data.motion_digits("train", num_clips=64, cache=False)
    >>> probe = PrivacyProbe(data, data, every=5, attackers="frame", patience=3)
    >>> probe.probed_after(1), probe.probed_after(2), probe.probed_after(5)
    (True, False, True)
    """

    def __init__(
        self,
        train: Any,
        validation: Any,
        every: int = 5,
        attackers: str | Sequence[str] = ("video_transformer",),
        attacker: Any = None,
        epochs: int = 15,
        train_clips: int | None = 1024,
        validation_clips: int | None = 512,
        attribute_names: Sequence[str] | None = None,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        patience: int | None = None,
        monitor: str = "probe_leakage",
        min_action_accuracy: float | None = None,
        restore_best_weights: bool = False,
        seed: int = 0,
        jit_compile: bool | str | None = None,
    ) -> None:
        super().__init__()
        for name, value in (
            ("every", every),
            ("epochs", epochs),
            ("train_clips", train_clips),
            ("validation_clips", validation_clips),
            ("batch_size", batch_size),
            ("patience", patience),
        ):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {name}={value}")
        if monitor not in _MONITORS:
            raise ValueError(f"monitor must be one of {_MONITORS}. Received: monitor={monitor!r}")
        self.train = train
        self.validation = validation
        self.every = every
        self.attackers = check_attackers(attackers)
        unknown = [name for name in self.attackers if name not in ATTACKERS]
        if unknown:
            raise ValueError(
                f"a probe's attackers read attributes; {unknown[0]!r} does not. Use "
                "keras_stprivacy.evaluation.evaluate for it."
            )
        self.attacker = attacker
        self.training = Training(epochs, learning_rate)
        self.train_clips = train_clips
        self.validation_clips = validation_clips
        self.attribute_names = attribute_names
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.min_action_accuracy = min_action_accuracy
        self.restore_best_weights = restore_best_weights
        self.seed = seed
        self.jit_compile = jit_compile
        self.history: list[dict[str, Any]] = []
        self.raw_ap: dict[str, float | None] = {}
        self.chance_ap: dict[str, float | None] = {}
        self.stopped_epoch: int | None = None
        self._clips: tuple[ProbeClips, ProbeClips] | None = None
        self._best = BestProbe(patience, min_action_accuracy)

    @property
    def best_epoch(self) -> int | None:
        return self._best.epoch

    def probed_after(self, epoch: int) -> bool:
        """Whether there is a probe after this epoch, counted from 1."""
        last = (self.params or {}).get("epochs")
        return epoch == 1 or epoch % self.every == 0 or epoch == last

    # What Keras calls ---------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        self._best = BestProbe(self.patience, self.min_action_accuracy)
        self.stopped_epoch = None
        self._last: dict[str, float] = {}
        model = self.model
        anonymizer = getattr(model, "anonymizer", None)
        if anonymizer is None:
            raise TypeError(
                "PrivacyProbe needs a model with an anonymizer, such as "
                f"keras_stprivacy.training.STPrivacy. Received: {type(model).__name__}"
            )
        asked = getattr(model, "_asked_jit_compile", "auto")
        jit = asked if self.jit_compile is None else self.jit_compile
        with random_state_kept():
            kind = (self.attackers, self.attacker, self.training)
            self._attack = ProbeAttack(anonymizer, *kind, self.batch_size, self.seed, jit)
            self._transform = EightBitTransform(
                anonymizer, getattr(anonymizer, "keep_ratio", None), self.batch_size, jit
            )
            recognizer = getattr(model, "action_recognizer", None)
            self._action = (
                None if recognizer is None else ActionReading(recognizer, self.batch_size, jit)
            )
            if self._action is None and self.min_action_accuracy is not None:
                raise ValueError(
                    "min_action_accuracy needs a model with an action_recognizer. Received: "
                    f"{type(model).__name__}"
                )
            if self._clips is None:
                self._clips = self._read(anonymizer.clip_shape, model)
                self._measure_raw()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._last or self.probed_after(epoch + 1):
            with random_state_kept():
                self._last = self._probe(epoch + 1)
            self._judge(epoch + 1)
        if logs is not None:
            logs.update(self._last)

    def on_train_end(self, logs: Any = None) -> None:
        if self._best.weights is None:
            return
        # What a schedule moves is no part of what was learned: it stays as it is at the end.
        moved = (
            getattr(self.model, "information_scale", None),
            getattr(self.model.anonymizer, "training_keep_ratio", None),
        )
        ends = [(v, keras.ops.convert_to_numpy(v)) for v in moved if v is not None]
        self.model.set_weights(self._best.weights)
        for variable, value in ends:
            variable.assign(value)
        self._best.weights = None

    # The work -----------------------------------------------------------------------------------

    def _read(self, clip_shape: tuple, model: Any) -> tuple[ProbeClips, ProbeClips]:
        train, validation = (
            read_probe_clips(data, name, clip_shape, most, self.batch_size, self.seed)
            for data, name, most in (
                (self.train, "train", self.train_clips),
                (self.validation, "validation", self.validation_clips),
            )
        )
        count = train.privacy.shape[1]
        names = self.attribute_names or getattr(model, "attribute_names", None)
        names = names or train.attribute_names or [f"attribute_{i}" for i in range(count)]
        labels = named(TrainLabels(train.action, train.privacy, (), ()), None, names)
        if validation.privacy.shape[1] != count:
            raise ValueError(
                f'"privacy" of validation must have the {count} attributes of train. Received: '
                f"{validation.privacy.shape[1]}"
            )
        self._names = labels.attribute_names
        return train, validation

    def _measure_raw(self) -> None:
        assert self._clips is not None  # read just before
        privacy = self._clips[1].privacy
        values = average_precision(privacy, chance(privacy)).values
        self.chance_ap = dict(zip(self._names, values, strict=True))
        self.raw_ap = self._reached(None)[0]
        if not self._leakages(self.raw_ap):
            raise ValueError(
                "there is nothing to measure: attackers of raw clips do not lie clearly above "
                f"chance in any attribute. Raw AP: {_shown(self.raw_ap)}; chance: "
                f"{_shown(self.chance_ap)}. Raise epochs (now {self.training.epochs}), "
                f"train_clips (now {self.train_clips}), or name another of attackers."
            )

    def _reached(self, transform: Any) -> tuple[dict[str, float | None], Any]:
        """AP of each attribute on transformed clips, and the validation clips as given out."""
        assert self._clips is not None
        train, validation = self._clips
        learn, read = (give(clips, transform, self.batch_size) for clips in (train, validation))
        values = self._attack.average_precision(learn, train.privacy, read, validation.privacy)
        return dict(zip(self._names, values, strict=True)), read

    def _leakages(self, reached: dict[str, float | None]) -> dict[str, float]:
        values = {
            name: leakage(ap, self.chance_ap[name], self.raw_ap[name], _NO_SAMPLES)[0].value
            for name, ap in reached.items()
        }
        return {name: value for name, value in values.items() if value is not None}

    def _probe(self, epoch: int) -> dict[str, float]:
        started = time.perf_counter()
        assert self._clips is not None
        reached, read = self._reached(self._transform)
        leaks = self._leakages(reached)
        values = {
            "probe_leakage": float(np.mean(list(leaks.values()))),
            "probe_worst_leakage": max(leaks.values()),
            **{f"probe_ap_{name}": ap for name, ap in reached.items() if ap is not None},
        }
        if self._action is not None:
            action = self._clips[1].action
            kind = "average_precision" if action.ndim == 2 else "accuracy"
            values[f"probe_action_{kind}"] = self._action(read, action)
        values["probe_epoch"] = epoch
        seconds = time.perf_counter() - started
        self.history.append({**values, "leakage": leaks, "seconds": seconds})
        return values

    def _judge(self, epoch: int) -> None:
        read = next((v for k, v in self._last.items() if k.startswith("probe_action_")), None)
        if self._best.judge(epoch, self._last[self.monitor], read):
            if self.restore_best_weights:
                self._best.weights = self.model.get_weights()
        elif self._best.over:
            self.stopped_epoch = epoch
            self.model.stop_training = True


def _shown(values: dict[str, float | None]) -> str:
    return ", ".join(f"{k} {'-' if v is None else format(v, '.3f')}" for k, v in values.items())
