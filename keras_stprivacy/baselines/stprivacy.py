"""STPrivacy itself, as a system beside the others."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_stprivacy.baselines.learning_system import LearningSystem, applied, run_in_batches
from keras_stprivacy.baselines.training_data import TrainingData
from keras_stprivacy.keep_ratio import check_keep_ratio
from keras_stprivacy.layers.tubelets import check_tubelet_size
from keras_stprivacy.models import Anonymizer, Recognizer, load_weights_from
from keras_stprivacy.models.keep_counts import tubelets_kept
from keras_stprivacy.training import (
    Initialization,
    RestartPrivacyRecognizers,
)
from keras_stprivacy.training import STPrivacy as AdversarialPhase
from keras_stprivacy.training.adversarial_options import check_options, check_ratio_prices
from keras_stprivacy.training.feeding import fed

# Of a nat, where one anonymizer is trained for many ratios; at the lowest ratio it is 1.
_PRICE_AT_THE_HIGHEST = 0.01


@dataclasses.dataclass(kw_only=True, eq=False)
class STPrivacy(LearningSystem):
    """Li et al., "STPrivacy" (ICCV 2023): initialization, then adversarial training.

    Both phases are those of `keras_stprivacy.training`, with their schedules. It can be evaluated
    at several keep ratios without training again: `transform(clips, keep_ratio=0.5)`.

    Sizes, epochs and keep ratio are by default the publication's. How it learns to hide is not: its
    own recipe, eq. 13, leaves most of what raw clips leak on the embedded dataset, with every seed
    (docs/evaluation.md), and this one next to nothing. Measured there alone, it is the default at
    every size. `STPrivacyPaper` is the publication's recipe.

    Args:
        tubelet_size: see `Anonymizer`, as those that follow.
        hidden_dim: of the anonymizer and the recognizers.
        num_heads: of the anonymizer and the recognizers.
        mlp_ratio: of the anonymizer and the recognizers.
        layers_per_block: of the anonymizer; recognizers have as many layers as it has in all.
        num_sparsification_blocks: of the anonymizer.
        keep_ratio: α.
        keep_rule: `"row"` or `"clip"`.
        gate: `"gumbel_top_k"` or `"gumbel_softmax"` (the paper's).
        noise_scale: of the gate.
        keep_bias: of the gate.
        output_activation: `"sigmoid"` or None (the paper).
        bottleneck_bits: bits of a kept token that reach the head; None: all (the paper).
        weights: None: from scratch; or a file for `load_weights_from`, for anonymizer and
            recognizers alike.
        weights_layout: of that file.
        action_weight: λ_a, see `keras_stprivacy.training.STPrivacy`, as those that follow.
        privacy_weight: λ_p.
        privacy_objective: `"negated"` (the paper), `"base_rate"`, `"uniform"` or `"entropy"`.
        update_rule: `"simultaneous"` or `"alternating"`.
        num_privacy_recognizers: opponents in training.
        recognizer_updates: of the recognizers for each of the anonymizer.
        eight_bit: whether the recognizers see 8-bit pixels.
        remove_dropped: whether dropped tokens leave in training too.
        deterministic: whether gates and bottleneck decide without noise in phase 2.
        mask_information_weight: of each nat that the mask says beyond the action; 0: the paper.
        bits_information_weight: the same for the bits of kept tokens.
        keep_ratios: None, or ratios to train one anonymizer for, see `for_ratios`.
        word_weight: of a reader of actions from mask and bits, in phase 2; 0: the paper.
        restart_every: epochs between restarts of a privacy recognizer, or None.
        initialization_epochs: of phase 1.
        adversarial_epochs: of phase 2.
        initialization_learning_rate: AdamW's; None: 0.001 · batch_size / 512, as all three. Data in
            batches of its own is meant to come in batches of that size.
        anonymizer_learning_rate: AdamW's, of the anonymizer in phase 2.
        recognizer_learning_rate: AdamW's, of the recognizers.
        weight_decay: of AdamW.
        clip_norm: of all gradients of a player, or None.
        anonymizer_options: further arguments of `Anonymizer`, by name.
        phase_options: further arguments of `keras_stprivacy.training.STPrivacy`, by name.
        clip_shape: see `System`.
        batch_size: see `System`.
        seed: see `System`.

    Raises:
        ValueError: as `keras_stprivacy.training.STPrivacy`, and as `Anonymizer` when it is trained.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> system = build("stprivacy", preset="embedded", keep_ratio=0.5)
    >>> system.grid_shape, system.privacy_objective
    ((4, 4, 4), 'base_rate')
    """

    tubelet_size: tuple[int, ...] = (2, 16, 16)
    hidden_dim: int = 384
    num_heads: int = 6
    mlp_ratio: float = 4.0
    layers_per_block: int = 3
    num_sparsification_blocks: int = 3
    keep_ratio: float = 0.7
    keep_rule: str = "row"
    gate: str = "gumbel_top_k"
    noise_scale: float = 0.2
    keep_bias: float = 2.0
    output_activation: str | None = "sigmoid"
    bottleneck_bits: int | None = 4
    weights: str | None = None
    weights_layout: str = "timm"
    action_weight: float = 1.0
    privacy_weight: float = 0.5
    privacy_objective: str = "base_rate"
    update_rule: str = "simultaneous"
    num_privacy_recognizers: int = 1
    recognizer_updates: int = 1
    eight_bit: bool = True
    remove_dropped: bool = True
    deterministic: bool = True
    mask_information_weight: float = 0.1
    bits_information_weight: float = 0.02
    keep_ratios: tuple[float, ...] | None = None
    word_weight: float = 0.0
    restart_every: int | None = None
    initialization_epochs: int = 80
    adversarial_epochs: int = 40
    initialization_learning_rate: float | None = None
    anonymizer_learning_rate: float | None = None
    recognizer_learning_rate: float | None = None
    weight_decay: float = 0.05
    clip_norm: float | None = 1.0
    anonymizer_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    phase_options: dict[str, Any] = dataclasses.field(default_factory=dict)

    name = "stprivacy"
    has_keep_ratio = True
    embedded = {
        "batch_size": 32,
        "tubelet_size": (2, 8, 8),
        "hidden_dim": 72,
        "num_heads": 4,
        "layers_per_block": 1,
        "initialization_epochs": 6,
        "adversarial_epochs": 6,
        "initialization_learning_rate": 1e-3,
        "anonymizer_learning_rate": 1e-3,
        "recognizer_learning_rate": 1e-3,
    }

    @classmethod
    def for_ratios(
        cls,
        keep_ratios: Sequence[float],
        preset: str | None,
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        settings = {**(cls.embedded if preset == "embedded" else {}), **(given or {})}
        if settings.get("gate", cls.gate) != "gumbel_top_k":
            return {}  # the other gate has to learn one number
        low, high = min(keep_ratios), max(keep_ratios)
        dial = [(ratio - low) / (high - low) if high > low else 0.0 for ratio in keep_ratios]
        prices = tuple(round(_PRICE_AT_THE_HIGHEST**place, 6) for place in dial)
        weights = ("mask_information_weight", "bits_information_weight")
        priced = any(settings.get(name, getattr(cls, name)) for name in weights)
        return {
            "keep_ratios": tuple(keep_ratios),
            "remove_dropped": False,
            **({"phase_options": {"ratio_prices": prices}} if priced else {}),
        }

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep_ratios = check_options(  # now, and not after the initialization
            types.SimpleNamespace(gate=self.gate, bottleneck=self.bottleneck_bits),
            self.update_rule,
            self.privacy_objective,
            self.recognizer_updates,
            self.remove_dropped,
            (self.mask_information_weight, self.bits_information_weight),
            self.keep_ratios,
            self.word_weight,
        )
        check_ratio_prices(
            self.phase_options.get("ratio_prices"),
            self.keep_ratios,
            self.mask_information_weight or self.bits_information_weight,
        )
        try:
            json.dumps(self.phase_options)
        except TypeError as error:
            raise ValueError(
                "phase_options must hold what a file of settings can: numbers, texts, lists. Train "
                "with keras_stprivacy.training.STPrivacy itself to use anything else. Received: "
                f"phase_options={self.phase_options}"
            ) from error
        self.tubelet_size = check_tubelet_size(self.tubelet_size)
        self.keep_ratio = check_keep_ratio(self.keep_ratio)
        self._at_ratio: dict[float, keras.Model] = {}

    # What an evaluation asks an anonymizer for --------------------------------------------------

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Tubelets of a clip: rows, down, across."""
        sizes = zip(self.clip_shape[:3], self.tubelet_size, strict=True)
        return tuple(whole // part for whole, part in sizes)

    def num_kept(self, keep_ratio: float | None = None) -> int:
        """How many tubelets of a clip remain; the same for every clip."""
        settings = self._anonymizer_arguments()
        rows, down, across = self.grid_shape
        return tubelets_kept(
            (rows, down * across),
            settings["num_sparsification_blocks"],
            check_keep_ratio(self.keep_ratio if keep_ratio is None else keep_ratio),
            settings["keep_rule"] == "row",
        )

    # Training -----------------------------------------------------------------------------------

    def _train(self, data: TrainingData, validation: TrainingData | None) -> keras.Model:
        self._at_ratio = {}
        anonymizer = self._new_anonymizer()
        if self.weights is not None:
            load_weights_from(anonymizer, self.weights, self.weights_layout)
        jit = {"jit_compile": keras.backend.backend() == "jax"}
        warmup = Initialization(anonymizer, data.num_actions, multi_label=data.multi_label)
        warmup.compile(optimizer=self._adamw(self.initialization_learning_rate), **jit)
        self._fit_phase("initialization", warmup, data, self.initialization_epochs)
        privacy = [
            self._recognizer(data.num_attributes) for _ in range(self.num_privacy_recognizers)
        ]
        phase = AdversarialPhase(
            anonymizer,
            self._recognizer(data.num_actions),
            privacy,
            action_weight=self.action_weight,
            privacy_weight=self.privacy_weight,
            update_rule=self.update_rule,
            privacy_objective=self.privacy_objective,
            recognizer_updates=self.recognizer_updates,
            eight_bit=self.eight_bit,
            remove_dropped=self.remove_dropped,
            deterministic=self.deterministic,
            mask_information_weight=self.mask_information_weight,
            bits_information_weight=self.bits_information_weight,
            keep_ratios=self.keep_ratios,
            word_weight=self.word_weight,
            multi_label=data.multi_label,
            **self.phase_options,
        )
        phase.compile(
            anonymizer_optimizer=self._adamw(self.anonymizer_learning_rate),
            recognizer_optimizer=self._adamw(self.recognizer_learning_rate),
            **jit,
        )
        restarts = [] if not self.restart_every else [RestartPrivacyRecognizers(self.restart_every)]
        self._fit_phase("adversarial", phase, data, self.adversarial_epochs, restarts)
        return anonymizer

    def _new_anonymizer(self) -> Anonymizer:
        return Anonymizer(**self._anonymizer_arguments())

    def _anonymizer_arguments(self) -> dict[str, Any]:
        names = (
            "layers_per_block",
            "num_sparsification_blocks",
            "keep_ratio",
            "keep_rule",
            "gate",
            "noise_scale",
            "keep_bias",
            "output_activation",
            "bottleneck_bits",
            "seed",
        )
        named = {name: getattr(self, name) for name in names}
        return {**self._shape(), **named, **self.anonymizer_options}

    def _shape(self) -> dict[str, Any]:
        shape = {"num_frames": self.clip_shape[0], "image_size": self.image_size}
        names = ("tubelet_size", "hidden_dim", "num_heads", "mlp_ratio")
        return {**shape, **{name: getattr(self, name) for name in names}}

    def _recognizer(self, num_classes: int | None) -> Recognizer:
        layers = self.layers_per_block * (self.num_sparsification_blocks + 1)
        recognizer = Recognizer(num_classes or 0, num_layers=layers, **self._shape())
        if self.weights is not None:
            load_weights_from(recognizer, self.weights, self.weights_layout)
        return recognizer

    def _adamw(self, rate: float | None) -> keras.optimizers.Optimizer:
        rate = 1e-3 * self.batch_size / 512 if rate is None else rate
        return keras.optimizers.AdamW(
            rate, weight_decay=self.weight_decay, global_clipnorm=self.clip_norm
        )

    def _fit_phase(
        self, stage: str, phase: Any, data: TrainingData, epochs: int, callbacks: Any = ()
    ) -> None:
        if not epochs:
            return
        progress = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: self._report_progress(stage, (epoch + 1) / epochs)
        )
        with fed(data.endless()) as batches:
            history = phase.fit(
                batches,
                epochs=epochs,
                steps_per_epoch=data.steps_per_epoch(),
                callbacks=[*callbacks, progress],
                verbose=0,
            ).history
        for name, values in history.items():
            self.history[f"{stage}/{name}"] = [float(value) for value in values]

    # Transforming -------------------------------------------------------------------------------

    def _transform(self, clips: np.ndarray, boxes: Any, **options: Any) -> dict[str, np.ndarray]:
        network = self.trained_network
        ratio = check_keep_ratio(options.get("keep_ratio", self.keep_ratio))
        if ratio not in self._at_ratio:

            def call(tensors: Any) -> dict[str, Any]:
                output = network(tensors, training=False, keep_ratio=ratio)
                return {name: output[name] for name in ("clip", "decision_mask")}

            self._at_ratio[ratio] = applied(call, network)
        return run_in_batches(self._at_ratio[ratio], clips, self.batch_size)
