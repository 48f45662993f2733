"""What the adversarial phase logs."""

# The methods used here are those of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_stprivacy.training.attribute_average_precision import AttributeAveragePrecision
from keras_stprivacy.training.players import action_metric


class AdversarialLogs:
    """Losses, nats, retained ratios, and how well the recognizers do; see `STPrivacy`."""

    def _make_trackers(self, attribute_names: Sequence[str] | None) -> None:
        logged = ["sparsification_loss", "action_loss", "privacy_loss"]
        if self.code is not None:
            logged += ["mask_information", "bits_information"]
        if self.word_reader is not None:
            logged.append("word_loss")
        if self.reconstructor is not None:
            logged.append("reconstruction_loss")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in logged}
        self.accuracy_tracker = action_metric(self.num_actions, self.multi_label)
        self.privacy_tracker = AttributeAveragePrecision(
            self.num_attributes, attribute_names, num_recognizers=len(self.privacy_recognizers)
        )
        self.attribute_names = self.privacy_tracker.attribute_names
        self.retained_trackers = [
            keras.metrics.Mean(name=f"retained_ratio_{m + 1}")
            for m in range(self.anonymizer.num_sparsification_blocks)
        ]

    def _log(self, y: Any, y_pred: Any, losses: dict[str, Any]) -> dict[str, Any]:
        num_clips = ops.shape(y["privacy"])[0]
        for name, tracker in self.trackers.items():  # means over clips, as `loss` is
            tracker.update_state(losses[name], sample_weight=num_clips)
        self.accuracy_tracker.update_state(y["action"], y_pred["action_logits"])
        self.privacy_tracker.update_state(y["privacy"], y_pred["privacy_logits"])
        for tracker, stage in zip(self.retained_trackers, y_pred["sparsification"], strict=True):
            tracker.update_state(stage["decision_mask"])
        return self.get_metrics_result()

    def update_metrics(self, clip: Any, labels: Any, outputs: Any) -> dict[str, Any]:
        """Adds a training batch to what is logged."""
        outputs = keras.tree.map_structure(ops.stop_gradient, outputs)
        losses = self.phase_losses(labels, outputs, training=True)
        loss = self.anonymizer_loss(losses, labels, outputs, training=False)  # rates are updated
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(clip)[0])
        return self._log(labels, outputs, losses)
