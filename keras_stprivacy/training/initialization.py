"""Phase 1: the anonymizer learns which tubelets an action needs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_stprivacy.losses import sparsification_loss
from keras_stprivacy.models import Anonymizer
from keras_stprivacy.training.optimizer import leave_undecayed, loss_scaled
from keras_stprivacy.training.phase import TrainingPhase
from keras_stprivacy.training.players import action_loss, action_metric
from keras_stprivacy.training.schedules import KeepRatioSchedule, WarmupCosine


@keras.saving.register_keras_serializable("keras_stprivacy")
class Initialization(TrainingPhase):
    """Trains an anonymizer as an action classifier on its own kept tokens (STPrivacy, eq. 12).

    Minimises sparsification loss + cross-entropy of an action head (mean over the kept tokens,
    layer normalization, dense), which is dropped afterwards. The head that writes pixels plays no
    part. `fit` takes batches `(clip, {"action": (B,)})`; other labels are ignored. Where clips show
    several actions, the labels are (B, actions) of 0 and 1, and the loss is the binary
    cross-entropy, mean over the actions.

    Args:
        anonymizer: `Anonymizer`, trained in place.
        num_actions: classes.
        sparsification_weight: factor of the sparsification loss.
        schedule: `"auto"`: `WarmupCosine` for the learning rate and, if no weights were loaded,
            `KeepRatioSchedule`; or a list of callbacks, which are not saved; or None.
        multi_label: whether a clip may show several actions.

    Call arguments:
        clip: float tensor `(B, T, H, W, 3)`, pixels in [0, 1].

    Raises:
        ValueError: from `fit`, for NaN pixels, clips that do not fit, labels outside the classes.

    Example:

    >>> import numpy as np
    >>> anonymizer = Anonymizer.from_preset("motion_digits_8x32")
    >>> warmup = Initialization(anonymizer, num_actions=8)
    >>> warmup.compile(optimizer=keras.optimizers.AdamW(1e-3, weight_decay=0.05))
    >>> clips, labels = np.zeros((2, 8, 32, 32, 3), "float32"), {"action": np.array([0, 1])}
    >>> sorted(warmup.fit(clips, labels, verbose=0).history)[:2]
    ['action_accuracy', 'action_loss']
    """

    def __init__(
        self,
        anonymizer: Anonymizer,
        num_actions: int,
        sparsification_weight: float = 1.0,
        schedule: Any = "auto",
        multi_label: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)  # the anonymizer casts for itself, as when deployed
        super().__init__(**kwargs)
        self.anonymizer = anonymizer
        self.num_actions = num_actions
        self.sparsification_weight = sparsification_weight
        self.schedule = schedule
        self.multi_label = multi_label
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")
        self.classifier = keras.layers.Dense(num_actions, name="classifier")
        self.norm.build((None, anonymizer.hidden_dim))
        self.classifier.build((None, anonymizer.hidden_dim))
        self.sparsification_tracker = keras.metrics.Mean(name="sparsification_loss")
        self.action_tracker = keras.metrics.Mean(name="action_loss")
        self.accuracy_tracker = action_metric(num_actions, multi_label)
        self.retained_trackers = [
            keras.metrics.Mean(name=f"retained_ratio_{m + 1}")
            for m in range(anonymizer.num_sparsification_blocks)
        ]
        self.built = True

    def default_schedules(self) -> list[keras.callbacks.Callback]:
        schedules: list[keras.callbacks.Callback] = [WarmupCosine()]
        if self.anonymizer.weights_source is None and self.anonymizer.num_sparsification_blocks:
            schedules.append(KeepRatioSchedule(self.anonymizer))
        return schedules

    # Phase 1 has no loss on pixels, so what writes them is not its to train.

    def _written_by(self) -> list:
        layers = (self.anonymizer.bottleneck, self.anonymizer.head)
        return [v for layer in layers if layer is not None for v in layer.trainable_variables]

    def _head_ids(self) -> set[int]:
        return {id(v) for v in self._written_by()}

    @property
    def trainable_variables(self) -> list:
        head = self._head_ids()
        return [v for v in super().trainable_variables if id(v) not in head]

    @property
    def trainable_weights(self) -> list:
        head = self._head_ids()
        return [v for v in super().trainable_weights if id(v) not in head]

    @property
    def non_trainable_variables(self) -> list:
        return [*super().non_trainable_variables, *self._written_by()]

    def compile(
        self, optimizer: Any = "adamw", auto_scale_loss: bool = True, **kwargs: Any
    ) -> None:
        """As `keras.Model.compile`; losses and metrics are this phase's own.

        AdamW leaves biases, norms and position embeddings undecayed, unless its
        `exclude_from_weight_decay` was called before: then that alone holds.

        Args:
            optimizer: of the anonymizer and of the action head.
            auto_scale_loss: whether to wrap the optimizer in a `LossScaleOptimizer` where this
                phase or its anonymizer computes in float16.
            **kwargs: `jit_compile`, `run_eagerly`, `steps_per_execution` of `keras.Model.compile`.
                On PyTorch `jit_compile=True` is `torch.compile`, which takes many minutes before
                the first step; `"auto"` does without.
        """
        optimizer = keras.optimizers.get(optimizer)
        leave_undecayed(optimizer)
        if auto_scale_loss:
            optimizer = loss_scaled(optimizer, (self, self.anonymizer))
        super().compile(optimizer=optimizer, auto_scale_loss=False, **kwargs)
        # Building it now lets saved moments be restored before the first step.
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        self._auto_scale_loss = auto_scale_loss

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        return {**config, "auto_scale_loss": self._auto_scale_loss} if config else config

    def call(self, clip: Any, training: bool | None = None) -> dict[str, Any]:
        tokens, mask, stages = self.anonymizer.encode(clip, training=training)
        tokens = ops.cast(tokens, "float32")
        if tokens.shape[1] == mask.shape[1]:
            keep = mask[..., None]
            count = ops.sum(keep, axis=1)
            count = ops.where(count > 0.5, count, ops.ones_like(count))
            pooled = ops.sum(tokens * keep, axis=1) / count
        else:  # the dropped tokens have left
            pooled = ops.mean(tokens, axis=1)
        logits = ops.cast(self.classifier(self.norm(pooled)), "float32")
        return {"action_logits": logits, "sparsification": stages}

    def phase_losses(self, y: Any, y_pred: Any, training: bool) -> tuple[Any, Any]:
        masks = [stage["decision_mask"] for stage in y_pred["sparsification"]]
        ratio = self.anonymizer.target_keep_ratio(training)
        sparsification = sparsification_loss(masks, ratio, self.anonymizer.num_rows)
        return sparsification, action_loss(y["action"], y_pred["action_logits"], self.multi_label)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        _, y = self.unpack((x, y, sample_weight))
        sparsification, action = self.phase_losses(y, y_pred, training)
        num_clips = ops.shape(y_pred["action_logits"])[0]  # means over clips, as `loss` is
        self.sparsification_tracker.update_state(sparsification, sample_weight=num_clips)
        self.action_tracker.update_state(action, sample_weight=num_clips)
        return self.sparsification_weight * sparsification + action

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        _, y = self.unpack((x, y, sample_weight))
        self.accuracy_tracker.update_state(y["action"], y_pred["action_logits"])
        for tracker, stage in zip(self.retained_trackers, y_pred["sparsification"], strict=True):
            tracker.update_state(stage["decision_mask"])
        return self.get_metrics_result()

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "anonymizer": keras.saving.serialize_keras_object(self.anonymizer),
            "num_actions": self.num_actions,
            "sparsification_weight": self.sparsification_weight,
            "schedule": self._config_of_schedule,
            "multi_label": self.multi_label,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Initialization:
        config = dict(config)
        config["anonymizer"] = keras.saving.deserialize_keras_object(
            config["anonymizer"], custom_objects=custom_objects
        )
        return cls(**config)
