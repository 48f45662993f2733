"""What both training phases share: `fit` with checks and the schedules of training from scratch."""

from __future__ import annotations

import operator
import pathlib
import traceback
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_stprivacy.training.checks import (
    NO_BATCH,
    StopAtBadEpoch,
    as_class_numbers,
    check_action_rank,
    check_arrays,
    check_label_keys,
)
from keras_stprivacy.training.optimizer import set_undecayed, undecayed
from keras_stprivacy.training.schedules import WarmupCosine, compiled_rates

_NOT_SAVED = "callbacks that were not saved"


class TrainingPhase(keras.Model):
    """Base of `Initialization` and `STPrivacy`."""

    num_actions: int
    num_attributes: int | None = None
    multi_label: bool = False
    schedule: Any = "auto"
    # Compiled learning rates while a schedule is at work, and those that it set last, so that a
    # checkpoint made meanwhile can be trained on at the right rates. What is drawn at random then
    # is another matter: the state of seed generators is in no checkpoint.
    scheduled_rates: tuple[float, ...] | None = None
    moved_rates: tuple[float, ...] | None = None
    _traced_keep_ratios: tuple[tuple[str, float], ...] = ()
    _asked_jit_compile: Any = "auto"

    def build(self, input_shape: Any = None) -> None:
        """Everything inside was built by its own constructor."""

    def default_schedules(self) -> list[keras.callbacks.Callback]:
        """The callbacks of `schedule="auto"`."""
        raise NotImplementedError

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains; as `keras.Model.fit`, after a check of arrays and with the schedules.

        Raises:
            ValueError: for NaN pixels, clips that do not fit, labels outside the classes, no data,
                where a loaded model lacks the callbacks of its schedule, and under a strategy of
                `tf.distribute` with several replicas.
        """
        self._check_replicas()
        self._check(x, y, "fit")
        validation = kwargs.get("validation_data")
        if isinstance(validation, (list, tuple)) and len(validation) > 1:
            self._check(validation[0], validation[1], "validation_data")
        if y is None and not isinstance(x, keras.utils.PyDataset):
            kwargs.setdefault("shuffle", False)  # a dataset shuffles itself; Keras warns of True
        # A user's callback comes last: it sees and may change what the schedules set.
        given = _listed(kwargs.pop("callbacks", None))
        callbacks = [*self._schedules(), StopAtBadEpoch(), *given]
        self._initial_epoch = None  # BackupAndRestore sets it, and Keras keeps it for the next fit
        self.anonymizer.training_keep_ratio.assign(self.anonymizer.keep_ratio)  # schedules move it
        self._forget_what_was_broken_off(callbacks)
        try:
            return super().fit(x, y, *args, callbacks=callbacks, **kwargs)
        except UnboundLocalError as error:
            where = traceback.extract_tb(error.__traceback__)[-1].filename
            if pathlib.Path(where).parts[-3:] != ("backend", "jax", "trainer.py"):
                raise  # of a callback, or of the user's data
            raise ValueError(NO_BATCH) from error  # Keras on JAX, before any callback can tell
        finally:
            if hasattr(self, "jax_state_sync"):  # where it was broken off, variables are empty
                self.jax_state_sync()
            self.anonymizer.training_keep_ratio.assign(self.anonymizer.keep_ratio)

    def _check_replicas(self) -> None:
        strategy = getattr(self, "distribute_strategy", None)  # TensorFlow alone
        if strategy is not None and strategy.num_replicas_in_sync > 1:
            raise ValueError(
                "this training runs on one device: its losses are means over the clips of a "
                "replica, and gradients would be summed over replicas. Train outside the "
                "strategy's scope, or on JAX under keras.distribution.DataParallel. Received: a "
                f"{type(strategy).__name__} of {strategy.num_replicas_in_sync} replicas"
            )

    def _forget_what_was_broken_off(self, callbacks: list) -> None:
        """Sets what the schedules of an earlier `fit` left behind, and none of now will set."""
        for name in ("information_scale", "privacy_scale"):
            if hasattr(self, name):
                getattr(self, name).assign(1.0)
        scheduled = any(isinstance(c, WarmupCosine) for c in keras.tree.flatten(callbacks))
        if self.scheduled_rates is not None and not scheduled:
            for part, rate in compiled_rates(self):
                part.learning_rate.assign(rate)
            self.scheduled_rates = self.moved_rates = None

    def _schedules(self) -> list[keras.callbacks.Callback]:
        if self.schedule == "auto":
            return self.default_schedules()
        if self.schedule == _NOT_SAVED:
            raise ValueError(
                "this model was saved with callbacks as its schedule, and callbacks are not saved. "
                'Set `schedule` of the model to them, to "auto" or to None before `fit`.'
            )
        if isinstance(self.schedule, str):
            raise ValueError(
                'schedule must be "auto", a list of callbacks or None. Received: '
                f"schedule={self.schedule!r}"
            )
        return list(self.schedule or ())

    @property
    def _config_of_schedule(self) -> str | None:
        """`schedule` as a config holds it: callbacks cannot be saved, but not forgotten either."""
        if not self.schedule:
            return None
        return self.schedule if isinstance(self.schedule, str) else _NOT_SAVED

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.evaluate`, after a check of arrays."""
        self._check(x, y, "evaluate")
        return super().evaluate(x, y, *args, **kwargs)

    def _check(self, x: Any, y: Any, taker: str) -> None:
        if operator.length_hint(x, 1) == 0:
            raise ValueError(f"there are no clips. Received in {taker}: {type(x).__name__} of 0")
        if isinstance(x, np.ndarray):
            shape = self.anonymizer.clip_shape
            counts = (self.num_actions, self.num_attributes)
            check_arrays(x, y, shape, *counts, taker, self.multi_label)

    def unpack(self, data: Any) -> tuple[Any, dict[str, Any]]:
        """Clip and labels of a batch as `fit` hands it over.

        Raises:
            ValueError: for sample weights, missing labels, or actions of another rank.
        """
        clip, labels, weight = keras.utils.unpack_x_y_sample_weight(data)
        if weight is not None:
            raise ValueError("sample weights are not used here; leave sample_weight out.")
        check_label_keys(labels, self.num_attributes is not None)
        check_action_rank(labels["action"], self.num_actions, self.multi_label)
        action = as_class_numbers(labels["action"], self.multi_label)
        return clip, {**labels, "action": action}

    # Compiling ----------------------------------------------------------------------------------

    def compile(self, *, jit_compile: Any = "auto", **kwargs: Any) -> None:
        super().compile(jit_compile=jit_compile, **kwargs)
        self._asked_jit_compile = jit_compile
        self.scheduled_rates = self.moved_rates = None

    def get_compile_config(self) -> dict[str, Any]:
        if not self.compiled:
            return {}
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "jit_compile": self._asked_jit_compile,  # "auto" may mean something else elsewhere
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
            "scheduled_rates": self.scheduled_rates,
            "moved_rates": self.moved_rates,
            "undecayed": [undecayed(part) for part, _ in self._parts(self.optimizer)],
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        config = dict(config)
        rates = {name: config.pop(name, None) for name in ("scheduled_rates", "moved_rates")}
        config["optimizer"] = keras.saving.deserialize_keras_object(config["optimizer"])
        parts = self._parts(config["optimizer"])
        for (part, variables), places in zip(parts, config.pop("undecayed", ()), strict=False):
            set_undecayed(part, variables, places)
        self.compile(**config)
        for name, values in rates.items():
            setattr(self, name, None if values is None else tuple(values))

    def _parts(self, optimizer: Any) -> list[tuple[Any, list]]:
        """The optimizers in `optimizer`, each with the variables that it is for."""
        return [(optimizer, self.trainable_variables)]

    def _refresh(self, kind: str, make: Callable, force: bool) -> Any:
        # A compiled function holds the keep ratio as a constant.
        traced = dict(self._traced_keep_ratios)
        changed = traced.get(kind) != self.anonymizer.keep_ratio
        traced[kind] = self.anonymizer.keep_ratio
        self._traced_keep_ratios = tuple(traced.items())
        return make(force=force or changed)

    def make_train_function(self, force: bool = False) -> Any:
        return self._refresh("train", super().make_train_function, force)

    def make_test_function(self, force: bool = False) -> Any:
        return self._refresh("test", super().make_test_function, force)

    def make_predict_function(self, force: bool = False) -> Any:
        return self._refresh("predict", super().make_predict_function, force)


def _listed(callbacks: Any) -> list:
    """The callbacks given to `fit`; those of a `CallbackList` one by one, since `fit` makes another
    that knows the model and how long it trains."""
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
