"""Phase 2: the anonymizer against an action recognizer and privacy recognizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_stprivacy.models import Anonymizer, Recognizer
from keras_stprivacy.training.adversarial_logs import AdversarialLogs
from keras_stprivacy.training.adversarial_losses import AdversarialLosses
from keras_stprivacy.training.adversarial_options import check_options, check_ratio_prices
from keras_stprivacy.training.adversarial_players import AdversarialPlayers
from keras_stprivacy.training.checks import check_players_fit, check_reconstructor_fits
from keras_stprivacy.training.conditional_code import ConditionalCode
from keras_stprivacy.training.phase import TrainingPhase
from keras_stprivacy.training.schedules import InformationSchedule, WarmupCosine
from keras_stprivacy.training.state import add_state
from keras_stprivacy.training.steps import AdversarialStep
from keras_stprivacy.training.word_reader import WordReader


@keras.saving.register_keras_serializable("keras_stprivacy")
class STPrivacy(
    AdversarialStep, AdversarialPlayers, AdversarialLosses, AdversarialLogs, TrainingPhase
):
    """Adversarial training of an anonymizer: "STPrivacy" (ICCV 2023), eq. 13.

    The anonymizer minimises `L_sparsification + λ_a L_action − λ_p L_privacy`, the action
    recognizer `L_action` (cross-entropy), the privacy recognizer `L_privacy` (binary
    cross-entropy, mean over attributes), all on the same batch. `"simultaneous"` serves all three
    with one forward and one backward pass; `"alternating"` updates the anonymizer first and then
    the recognizers on what it makes now. Both give every player the gradient of its own loss.

    Beyond the paper: several privacy recognizers (a sequence), `recognizer_updates` of the
    recognizers for each of the anonymizer, bounded objectives in place of the negated loss
    (`privacy_objective`), a `reconstructor`, which learns to give the raw clip back and whose
    error the anonymizer maximises, `eight_bit`, which shows the opponents the 8-bit pixels that
    leave in deployment, and the conditional entropy bottleneck: with
    `mask_information_weight` and `bits_information_weight` the anonymizer also minimises what its
    output says beyond the action, a bound that holds for every reader (see `ConditionalCode`).
    With `keep_ratios` one anonymizer is trained for all of these, to be chosen from in deployment:
    at a ratio that it was not trained at, it says more than it has paid for.

    Args:
        anonymizer: `Anonymizer`.
        action_recognizer: `Recognizer` of the same clips.
        privacy_recognizer: `Recognizer`, or a sequence of them, of the same clips.
        action_weight: λ_a.
        privacy_weight: λ_p.
        sparsification_weight: factor of the sparsification loss.
        update_rule: `"simultaneous"` or `"alternating"`.
        privacy_objective: what the anonymizer does about the privacy recognizers: `"negated"`
            maximises `L_privacy` (the paper); the others are bounded. `"base_rate"` pulls the
            strongest of them towards the base rates of the attributes, `"uniform"` towards one
            half; `"entropy"` maximises, for each clip, the entropy of the surest (VITA, Wu et al.,
            TPAMI 2020), mean over attributes.
        recognizer_updates: updates of the recognizers for each of the anonymizer.
        eight_bit: round what the recognizers see to 8 bits, with a straight-through gradient.
        remove_dropped: let dropped tokens leave the sequences in training too, which makes steps
            several times cheaper; needs an anonymizer with `gate="gumbel_top_k"`.
        deterministic: let gates and bottleneck decide without noise, with the same gradients. An
            opponent that trains on noisy clips is blind to what a deployed anonymizer, which draws
            nothing, gives out.
        mask_information_weight: weight of each nat that the decision mask says about a clip beyond
            its action. `fit` logs the nats as `mask_information`.
        bits_information_weight: the same for the bits of the kept tubelets, `bits_information`;
            needs an anonymizer with `bottleneck_bits`.
        keep_ratios: None: the anonymizer's own; or ratios in (0, 1] of which every clip draws one
            in every step, each as likely. All tokens stay in the sequences then, under masks, so
            `remove_dropped` must be False; needs an anonymizer with `gate="gumbel_top_k"`.
            Validation is at the anonymizer's own ratio, its nats by the code of the nearest.
        ratio_prices: None, or for each of `keep_ratios` the factor of the weights of information.
            Where high ratios are cheap, the keep ratio is a dial in deployment: the higher, the
            more may be said, and leak.
        word_weight: weight of the loss of a small reader of actions that sees the decision mask
            and the bits themselves and learns with the anonymizer, see `WordReader`. `fit` logs it
            as `word_loss`.
        reconstructor: None, or an `Anonymizer` of the same clips without sparsification blocks:
            it sees what leaves, with dropped tubelets filled, and minimises the squared error of
            the raw clip it writes, mean over pixels. `fit` logs it as `reconstruction_loss`. With
            `output_activation="sigmoid"` it is at most 1.
        reconstruction_weight: of that error, which the anonymizer maximises.
        schedule: `"auto"`: `WarmupCosine`, `InformationSchedule`; or a list of callbacks, which are
            not saved; or None.
        multi_label: whether a clip may show several actions. Action labels are then `(B, actions)`
            of 0 and 1, and `L_action` is the binary cross-entropy, mean over actions.
        attribute_names: of the private attributes. With them `fit` logs the average precision of
            the privacy recognizers on each, `privacy_ap_<name>`, beside their mean; of several
            recognizers, that of the best.

    Call arguments:
        clip: float tensor `(B, T, H, W, 3)`, pixels in [0, 1].

    Returns:
        The anonymizer's output with `"action_logits"` `(B, actions)` and `"privacy_logits"`, a
        list with `(B, P)` for each privacy recognizer; with a reconstructor
        `"reconstruction_error"` `(B,)`.

    Raises:
        ValueError: for models that do not fit each other, unknown rules; from `fit`, for NaN
            pixels, clips that do not fit, labels outside the classes.

    Example:

    >>> import numpy as np
    >>> recognizers = [Recognizer.from_preset("motion_digits_8x32", num_classes=n) for n in (8, 5)]
    >>> model = STPrivacy(Anonymizer.from_preset("motion_digits_8x32"), *recognizers)
    >>> model.compile(
    ...     anonymizer_optimizer=keras.optimizers.AdamW(1e-4),
    ...     recognizer_optimizer=keras.optimizers.AdamW(1e-3),
    ... )
    >>> clips = np.zeros((2, 8, 32, 32, 3), "float32")
    >>> labels = {"action": np.array([0, 1]), "privacy": np.zeros((2, 5), "float32")}
    >>> "privacy_loss" in model.fit(clips, labels, verbose=0).history
    True
    """

    def __init__(
        self,
        anonymizer: Anonymizer,
        action_recognizer: Recognizer,
        privacy_recognizer: Recognizer | Sequence[Recognizer],
        action_weight: float = 0.5,
        privacy_weight: float = 0.5,
        sparsification_weight: float = 1.0,
        update_rule: str = "simultaneous",
        privacy_objective: str = "negated",
        recognizer_updates: int = 1,
        eight_bit: bool = False,
        remove_dropped: bool = False,
        deterministic: bool = False,
        mask_information_weight: float = 0.0,
        bits_information_weight: float = 0.0,
        keep_ratios: Sequence[float] | None = None,
        ratio_prices: Sequence[float] | None = None,
        word_weight: float = 0.0,
        reconstructor: Anonymizer | None = None,
        reconstruction_weight: float = 1.0,
        schedule: Any = "auto",
        multi_label: bool = False,
        attribute_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)  # networks cast for themselves, as when deployed
        super().__init__(**kwargs)
        many = isinstance(privacy_recognizer, (list, tuple))
        self.privacy_recognizers: list[Any] = (
            list(privacy_recognizer) if many else [privacy_recognizer]
        )
        self.keep_ratios = check_options(
            anonymizer,
            update_rule,
            privacy_objective,
            recognizer_updates,
            remove_dropped,
            (mask_information_weight, bits_information_weight),
            keep_ratios,
            word_weight,
        )
        self.ratio_prices = check_ratio_prices(
            ratio_prices, self.keep_ratios, mask_information_weight or bits_information_weight
        )
        check_players_fit(anonymizer, action_recognizer, self.privacy_recognizers)
        check_reconstructor_fits(anonymizer, reconstructor)
        self.anonymizer = anonymizer
        self.action_recognizer = action_recognizer
        self.action_weight = action_weight
        self.privacy_weight = privacy_weight
        self.sparsification_weight = sparsification_weight
        self.update_rule = update_rule
        self.privacy_objective = privacy_objective
        self.recognizer_updates = recognizer_updates
        self.eight_bit = eight_bit
        self.remove_dropped = remove_dropped
        self.deterministic = deterministic
        self.mask_information_weight = mask_information_weight
        self.bits_information_weight = bits_information_weight
        self.word_weight = word_weight
        self.reconstructor = reconstructor
        self.reconstruction_weight = reconstruction_weight
        self.schedule = schedule
        self.multi_label = multi_label
        self.num_actions = action_recognizer.num_classes
        self.num_attributes = self.privacy_recognizers[0].num_classes
        # Running mean of the privacy labels seen in training, and how many batches it is of.
        self.base_rates = add_state(self, _half, "base_rates", (self.num_attributes,))
        self.batches_seen = add_state(self, "zeros", "batches_seen")
        # Schedules move these.
        self.privacy_scale = add_state(self, "ones", "privacy_scale")
        self.information_scale = add_state(self, "ones", "information_scale")
        self.code = None
        if mask_information_weight or bits_information_weight:
            self.code = ConditionalCode(
                self.num_actions,
                anonymizer.num_rows * anonymizer.tubelets_per_row,
                anonymizer.bottleneck_bits,
                num_settings=len(self.keep_ratios or (1,)),
            )
        self.word_reader = None
        if word_weight:
            self.word_reader = WordReader(
                self.num_actions,
                anonymizer.num_rows * anonymizer.tubelets_per_row,
                anonymizer.bottleneck_bits,
                name="word_reader",
            )
        self.ratio_generator = None
        if self.keep_ratios is not None:
            self.ratio_generator = keras.random.SeedGenerator(anonymizer.seed)
        self._make_trackers(attribute_names)
        self.built = True

    def default_schedules(self) -> list[keras.callbacks.Callback]:
        return [WarmupCosine(), *([InformationSchedule()] if self.code is not None else [])]

    # The contract of keras.Model ----------------------------------------------------------------

    def call(self, clip: Any, training: bool | None = None) -> dict[str, Any]:
        return self._forward(clip, training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        _, y = self.unpack((x, y, sample_weight))
        y_pred.pop("information", None)  # of other labels
        losses = self.phase_losses(y, y_pred, training=False)
        # On JAX metrics are computed where nothing but their own variables has a value.
        y_pred["information"] = {k: losses[k] for k in losses if k.endswith("_information")}
        return self.anonymizer_loss(losses, y, y_pred, training=False)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        _, y = self.unpack((x, y, sample_weight))
        return self._log(y, y_pred, self.phase_losses(y, y_pred, training=False))

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "anonymizer": serialize(self.anonymizer),
            "action_recognizer": serialize(self.action_recognizer),
            "privacy_recognizer": [serialize(r) for r in self.privacy_recognizers],
            "action_weight": self.action_weight,
            "privacy_weight": self.privacy_weight,
            "sparsification_weight": self.sparsification_weight,
            "update_rule": self.update_rule,
            "privacy_objective": self.privacy_objective,
            "recognizer_updates": self.recognizer_updates,
            "eight_bit": self.eight_bit,
            "remove_dropped": self.remove_dropped,
            "deterministic": self.deterministic,
            "mask_information_weight": self.mask_information_weight,
            "bits_information_weight": self.bits_information_weight,
            "keep_ratios": self.keep_ratios,
            "ratio_prices": self.ratio_prices,
            "word_weight": self.word_weight,
            "reconstructor": serialize(self.reconstructor),
            "reconstruction_weight": self.reconstruction_weight,
            "schedule": self._config_of_schedule,
            "attribute_names": self.attribute_names,
            "multi_label": self.multi_label,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> STPrivacy:
        def deserialize(part: Any) -> Any:
            return keras.saving.deserialize_keras_object(part, custom_objects=custom_objects)

        config = dict(config)
        for name in ("anonymizer", "action_recognizer", "reconstructor"):
            config[name] = deserialize(config[name])
        config["privacy_recognizer"] = [deserialize(r) for r in config["privacy_recognizer"]]
        return cls(**config)


def _half(shape: tuple, dtype: Any = None) -> Any:
    return ops.full(shape, 0.5, dtype=dtype)
