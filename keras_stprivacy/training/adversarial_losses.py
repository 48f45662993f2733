"""The losses of the adversarial phase, and which player has which of them."""

# The methods used here are those of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import contextlib
from typing import Any

import keras
from keras import ops

from keras_stprivacy.layers.tubelets import mask_to_pixels
from keras_stprivacy.losses import sparsification_loss, worst_negative_entropy
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
            now = self._now(self.privacy_scale)
            outputs = self._forward(
                clip,
                True,
                self.action_weight,
                -self.privacy_weight / len(self.privacy_recognizers) * now,
                -self.reconstruction_weight * now,
            )
            losses = self.phase_losses(labels, outputs, training=True, update=True)
            scalar = (
                self.sparsification_weight * losses["sparsification_loss"]
                + losses["action_loss"]
                + sum(losses["privacy_losses"])
                + losses.get("reconstruction_loss", 0.0)
                + self._information_term(losses)
                + self._word_term(losses)
            )
            return [(scalar, self.players)], outputs
        outputs = self._forward(clip, training=True, frozen=ANONYMIZER not in players)
        update = ANONYMIZER in players
        losses = self.phase_losses(labels, outputs, training=True, update=update)
        of_opponents = [losses["action_loss"], *losses["privacy_losses"]]
        if self.reconstructor is not None:
            of_opponents.append(losses["reconstruction_loss"])
        own = dict(zip(self.players[1:], of_opponents, strict=True))
        if ANONYMIZER in players:
            own[ANONYMIZER] = self.anonymizer_loss(losses, labels, outputs, training=True)
        scale = self.optimizer.scale_player_loss
        return [(scale(player, own[player]), (player,)) for player in players], outputs

    def _forward(
        self,
        clip: Any,
        training: bool | None,
        action_scale: Any = None,
        privacy_scale: Any = None,
        reconstruction_scale: Any = None,
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

        def seen(scale: Any) -> dict[str, Any]:
            if scale is None:
                return {"clip": shown, "decision_mask": mask}
            return {
                "clip": scale_gradient(shown, scale),
                "decision_mask": scale_gradient(mask, scale),
            }

        options = {"training": training, "num_kept": num_kept}
        to_privacy = seen(privacy_scale)
        if self.word_reader is not None and not frozen:  # it learns with the anonymizer
            drawn["word_logits"] = self.word_reader(output["decision_mask"], output.get("bits"))
        if self.reconstructor is not None:
            given = seen(reconstruction_scale)
            drawn["reconstruction_error"] = self._reconstruction_error(clip, given)
        return {
            **output,
            **drawn,
            "action_logits": self.action_recognizer(seen(action_scale), **options),
            "privacy_logits": [r(to_privacy, **options) for r in self.privacy_recognizers],
        }

    def _reconstruction_error(self, clip: Any, given: dict[str, Any]) -> Any:
        """Squared error of the rebuilt clip, mean over its pixels, `(B,)`."""
        sizes = (self.anonymizer.grid_shape, self.anonymizer.tubelet_size)
        mask = mask_to_pixels(given["decision_mask"], *sizes)
        mask = ops.cast(mask, given["clip"].dtype)
        filled = mask * given["clip"] + (1.0 - mask) * self.anonymizer.fill_value
        # Where nothing is dropped nothing is drawn; in training pixels outside [0, 1] are taken.
        rebuilt = self.reconstructor(filled, training=True)["clip"]
        error = ops.cast(rebuilt, "float32") - ops.cast(clip, "float32")
        return ops.mean(ops.square(error), axis=(1, 2, 3, 4))

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
            Scalars by name; `"privacy_losses"` has one for each privacy recognizer, and with a
            reconstructor there is `"reconstruction_loss"`.
        """
        masks = [stage["decision_mask"] for stage in outputs["sparsification"]]
        ratio = outputs.get("keep_ratio", self.anonymizer.target_keep_ratio(training))
        each = [privacy_loss(labels["privacy"], logits) for logits in outputs["privacy_logits"]]
        of_action = action_loss(labels["action"], outputs["action_logits"], self.multi_label)
        others = {}
        if "word_logits" in outputs:
            read = outputs["word_logits"]
            others["word_loss"] = action_loss(labels["action"], read, self.multi_label)
        if "reconstruction_error" in outputs:
            others["reconstruction_loss"] = ops.mean(outputs["reconstruction_error"])
        return {
            "sparsification_loss": sparsification_loss(masks, ratio, self.anonymizer.num_rows),
            "action_loss": of_action,
            "privacy_loss": sum(each) / len(each),
            "privacy_losses": each,
            **others,
            **self._information(labels, outputs, update),
        }

    def anonymizer_loss(self, losses: dict, labels: Any, outputs: Any, training: bool) -> Any:
        """What the anonymizer minimises, of the `phase_losses` of these outputs."""
        privacy_term = self.privacy_weight * self._privacy_term(losses, labels, outputs, training)
        if self.reconstructor is not None:
            error = losses["reconstruction_loss"]
            privacy_term = privacy_term - self.reconstruction_weight * error
        return (
            self.sparsification_weight * losses["sparsification_loss"]
            + self.action_weight * losses["action_loss"]
            + self._now(self.privacy_scale) * privacy_term
            + self._information_term(losses)
            + self._word_term(losses)
        )

    def _privacy_term(self, losses: dict, labels: Any, outputs: Any, training: bool) -> Any:
        """What the anonymizer minimises of the privacy recognizers, unweighted."""
        logits = outputs["privacy_logits"]
        if self.privacy_objective == "negated":
            return -losses["privacy_loss"]
        if self.privacy_objective == "entropy":
            return worst_negative_entropy(logits) / self.num_attributes
        if self.privacy_objective == "uniform":
            target = ops.full_like(logits[0], 0.5)
        else:
            rates = self._updated_base_rates(labels["privacy"], training)
            target = ops.broadcast_to(rates, ops.shape(logits[0]))
        return ops.max(ops.stack([privacy_loss(target, each) for each in logits]))

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
        return self._now(self.information_scale) * losses["paid_information"]

    @staticmethod
    def _now(scale: Any) -> Any:
        """The value of a variable that a schedule moves."""
        return ops.stop_gradient(ops.convert_to_tensor(scale))

    def _updated_base_rates(self, labels: Any, training: bool) -> Any:
        if training:
            batch = ops.mean(ops.cast(labels, "float32"), axis=0)
            seen = self.batches_seen + 1.0
            self.base_rates.assign(self.base_rates + (batch - self.base_rates) / seen)
            self.batches_seen.assign(seen)
        return ops.stop_gradient(ops.convert_to_tensor(self.base_rates))
