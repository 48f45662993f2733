"""The losses of the adversarial phase, and which player has which of them."""

# The methods used here are those of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import contextlib
from typing import Any

import keras
from keras import ops

from keras_stprivacy.losses import sparsification_loss
from keras_stprivacy.training.players import ANONYMIZER, action_loss, privacy_loss, scale_gradient


class AdversarialLosses:
    """Eq. 13, split among the players; see `STPrivacy`."""

    def _shared_pass(self, players: tuple[str, ...]) -> bool:
        """Whether one scalar has every player's gradient: each loss enters with one sign."""
        scaled = any(
            isinstance(part, keras.optimizers.LossScaleOptimizer) or part.loss_scale_factor
            for part in self.optimizer.parts.values()
        )
        return players == self.players and self.privacy_objective == "negated" and not scaled

    def turns(self) -> list[tuple[str, ...]]:
        """Which players are updated together, turn after turn, on one batch."""
        recognizers = self.players[1:]
        if self.update_rule == "simultaneous":
            return [self.players, *[recognizers] * (self.recognizer_updates - 1)]
        return [(ANONYMIZER,), *[recognizers] * self.recognizer_updates]

    def num_objectives(self, players: tuple[str, ...]) -> int:
        """How many backward passes a turn of these players takes."""
        return 1 if self._shared_pass(players) else len(players)

    def objectives(
        self, players: tuple[str, ...], clip: Any, labels: dict[str, Any]
    ) -> tuple[list[tuple[Any, tuple[str, ...]]], dict[str, Any]]:
        """One forward pass in training mode.

        Args:
            players: whose turn it is.
            clip: `(B, T, H, W, 3)`.
            labels: `"action"` `(B,)`, or `(B, actions)` of several, and `"privacy"` `(B, P)`.

        Returns:
            A list of `(scalar, players)`: the scalar's gradient with respect to the variables of
            those players is that of their own loss; and the outputs, as of `call`.
        """
        if self._shared_pass(players):
            scales = (self.action_weight, -self.privacy_weight / len(self.privacy_recognizers))
            outputs = self._forward(clip, True, *scales)
            losses = self.phase_losses(labels, outputs, training=True, update=True)
            scalar = (
                self.sparsification_weight * losses["sparsification_loss"]
                + losses["action_loss"]
                + sum(losses["privacy_losses"])
                + self._information_term(losses)
                + self._word_term(losses)
            )
            return [(scalar, self.players)], outputs
        outputs = self._forward(clip, training=True, frozen=ANONYMIZER not in players)
        update = ANONYMIZER in players
        losses = self.phase_losses(labels, outputs, training=True, update=update)
        of_recognizers = (losses["action_loss"], *losses["privacy_losses"])
        own = dict(zip(self.players[1:], of_recognizers, strict=True))
        if ANONYMIZER in players:
            own[ANONYMIZER] = self.anonymizer_loss(losses, labels, outputs, training=True)
        scale = self.optimizer.scale_player_loss
        return [(scale(player, own[player]), (player,)) for player in players], outputs

    def _forward(
        self,
        clip: Any,
        training: bool | None,
        action_scale: float = 1.0,
        privacy_scale: float = 1.0,
        frozen: bool = False,
    ) -> dict[str, Any]:
        removed = bool(training) and self.remove_dropped
        drawn = self._drawn_ratios(clip) if training else {}
        with self.no_gradient() if frozen else contextlib.nullcontext():
            output = self.anonymizer(
                clip,
                training=training,
                keep_ratio=drawn.get("keep_ratio"),
                fill_dropped=removed or not training,
                remove_dropped=removed,
                draw=not self.deterministic,
            )
        num_kept = self.anonymizer.num_kept(training=True) if removed else None
        shown, mask = output["clip"], output["decision_mask"]
        if self.eight_bit:
            rounded = ops.round(ops.clip(shown, 0.0, 1.0) * 255.0) / 255.0
            shown = shown + ops.stop_gradient(rounded - shown)
        if frozen:
            shown, mask = ops.stop_gradient(shown), ops.stop_gradient(mask)

        def seen(scale: float) -> dict[str, Any]:
            if scale == 1.0:
                return {"clip": shown, "decision_mask": mask}
            return {
                "clip": scale_gradient(shown, scale),
                "decision_mask": scale_gradient(mask, scale),
            }

        options = {"training": training, "num_kept": num_kept}
        to_privacy = seen(privacy_scale)
        if self.word_reader is not None and not frozen:  # it learns with the anonymizer
            drawn["word_logits"] = self.word_reader(output["decision_mask"], output.get("bits"))
        return {
            **output,
            **drawn,
            "action_logits": self.action_recognizer(seen(action_scale), **options),
            "privacy_logits": [r(to_privacy, **options) for r in self.privacy_recognizers],
        }

    def _drawn_ratios(self, clip: Any) -> dict[str, Any]:
        """A ratio for each clip and its place in `keep_ratios`; empty where there is but one."""
        if self.keep_ratios is None:
            return {}
        place = keras.random.randint(
            ops.shape(clip)[:1], 0, len(self.keep_ratios), seed=self.ratio_generator
        )
        ratios = ops.convert_to_tensor(self.keep_ratios, dtype="float32")
        return {"keep_ratio": ops.take(ratios, place), "keep_ratio_place": place}

    def phase_losses(
        self, labels: Any, outputs: Any, training: bool, update: bool = False
    ) -> dict[str, Any]:
        """The three losses of eq. 13, and the nats of mask and bits where they have a weight.

        Args:
            labels: `"action"` and `"privacy"`.
            outputs: of `call`.
            training: which keep ratio is pursued.
            update: True updates the code of the words.

        Returns:
            Scalars by name; `"privacy_losses"` has one for each privacy recognizer.
        """
        masks = [stage["decision_mask"] for stage in outputs["sparsification"]]
        ratio = outputs.get("keep_ratio", self.anonymizer.target_keep_ratio(training))
        each = [privacy_loss(labels["privacy"], logits) for logits in outputs["privacy_logits"]]
        of_action = action_loss(labels["action"], outputs["action_logits"], self.multi_label)
        of_word = {}
        if "word_logits" in outputs:
            read = outputs["word_logits"]
            of_word["word_loss"] = action_loss(labels["action"], read, self.multi_label)
        return {
            "sparsification_loss": sparsification_loss(masks, ratio, self.anonymizer.num_rows),
            "action_loss": of_action,
            "privacy_loss": sum(each) / len(each),
            "privacy_losses": each,
            **of_word,
            **self._information(labels, outputs, update),
        }

    def anonymizer_loss(self, losses: dict, labels: Any, outputs: Any, training: bool) -> Any:
        """What the anonymizer minimises, of the `phase_losses` of these outputs."""
        if self.privacy_objective == "negated":
            privacy_term = -losses["privacy_loss"]
        else:
            rates = self._updated_base_rates(labels["privacy"], training)
            rates = ops.broadcast_to(rates, ops.shape(outputs["privacy_logits"][0]))
            each = [privacy_loss(rates, logits) for logits in outputs["privacy_logits"]]
            privacy_term = ops.max(ops.stack(each))
        return (
            self.sparsification_weight * losses["sparsification_loss"]
            + self.action_weight * losses["action_loss"]
            + self.privacy_weight * privacy_term
            + self._information_term(losses)
            + self._word_term(losses)
        )

    def _word_term(self, losses: dict[str, Any]) -> Any:
        return self.word_weight * losses["word_loss"] if self.word_reader is not None else 0.0

    def _information(self, labels: Any, outputs: Any, update: bool) -> dict[str, Any]:
        """Nats a clip that mask and bits say beyond the action, and what the anonymizer pays.

        Empty where nothing weighs them.
        """
        if self.code is None:
            return {}
        if "information" in outputs:
            return outputs["information"]
        place = outputs.get("keep_ratio_place")
        if place is None and self.keep_ratios is not None:  # in validation there is one ratio
            far = [abs(ratio - self.anonymizer.keep_ratio) for ratio in self.keep_ratios]
            place = ops.full(ops.shape(outputs["decision_mask"])[:1], far.index(min(far)), "int32")
        word = outputs["decision_mask"], outputs.get("bits"), labels["action"], place
        of_mask, of_bits = self.code(*word, training=update)
        paid = self.mask_information_weight * of_mask + self.bits_information_weight * of_bits
        if self.ratio_prices is not None:
            prices = ops.convert_to_tensor(self.ratio_prices, dtype="float32")
            paid = ops.take(prices, place) * paid
        return {
            "mask_information": ops.mean(of_mask),
            "bits_information": ops.mean(of_bits),
            "paid_information": ops.mean(paid),
        }

    def _information_term(self, losses: dict[str, Any]) -> Any:
        if self.code is None:
            return 0.0
        scale = ops.stop_gradient(ops.convert_to_tensor(self.information_scale))
        return scale * losses["paid_information"]

    def _updated_base_rates(self, labels: Any, training: bool) -> Any:
        if training:
            batch = ops.mean(ops.cast(labels, "float32"), axis=0)
            seen = self.batches_seen + 1.0
            self.base_rates.assign(self.base_rates + (batch - self.base_rates) / seen)
            self.batches_seen.assign(seen)
        return ops.stop_gradient(ops.convert_to_tensor(self.base_rates))
